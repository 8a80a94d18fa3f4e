"""Rules on references: every referenced object exists."""

import re

from manifests import (
    all_containers,
    find,
    labels_of,
    name,
    of_kind,
    selector_of,
    selects,
    settings,
    template,
    workloads,
)

from . import rule

# Secrets that deploy.sh and local/up create, and that of local/up alone. test_deploy.py and test_local.py check that.
MADE_BY_DEPLOY = {
    "delaycast-store": {"url"},
    "delaycast-mongo": {"database", "root-password", "password"},
}
MADE_BY_UP = {"score-mesh": {"ca.crt", "tls.crt", "tls.key"}}


def promised_secrets(objects):
    """Returns the Secrets that deploy.sh, local/up, cert-manager or Strimzi will create, with their keys."""
    secrets = dict(MADE_BY_DEPLOY)
    if not of_kind(objects, "Certificate"):
        secrets |= MADE_BY_UP
    for thing in of_kind(objects, "Certificate"):
        secrets[thing["spec"]["secretName"]] = {"ca.crt", "tls.crt", "tls.key"}
    for thing in of_kind(objects, "KafkaUser"):
        secrets[thing["metadata"]["name"]] = {"password", "sasl.jaas.config"}
    for thing in of_kind(objects, "Kafka"):
        secrets[thing["metadata"]["name"] + "-cluster-ca-cert"] = {"ca.crt", "ca.p12", "ca.password"}
    return secrets


def references(pod, container_list):
    """Returns (kind, name, key or None) of each ConfigMap and Secret that a pod references."""
    for container in container_list:
        for source in container.get("envFrom", []):
            for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if field in source:
                    yield kind, source[field]["name"], None
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                if field in source:
                    yield kind, source[field]["name"], source[field]["key"]
    for volume in pod["spec"].get("volumes", []):
        for kind, field, called in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
            if field in volume:
                items = volume[field].get("items") or [{"key": None}]
                for item in items:
                    yield kind, volume[field][called], item["key"]


@rule
def configmaps_and_secrets_exist(objects):
    """Each referenced ConfigMap and Secret exists, with its key."""
    there = {("Secret", called): keys for called, keys in promised_secrets(objects).items()}
    for thing in of_kind(objects, "ConfigMap"):
        there["ConfigMap", thing["metadata"]["name"]] = set(thing.get("data", {}))
    for thing, pod in workloads(objects):
        every = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
        for kind, called, key in references(pod, every):
            if (kind, called) not in there:
                yield f"{name(thing)}: there is no {kind} {called}"
            elif key is not None and key not in there[kind, called]:
                yield f"{name(thing)}: {kind} {called} has no key {key}"


@rule
def variables_are_defined_before_use(objects):
    """`$(NAME)` is replaced only if NAME is from a ConfigMap or an earlier variable; else it stays literal."""
    for thing, _, container in all_containers(objects):
        known = set()
        for source in container.get("envFrom", []):
            config = find(objects, "ConfigMap", source.get("configMapRef", {}).get("name"))
            known |= set((config or {}).get("data", {}))
        for variable in container.get("env", []):
            for used in re.findall(r"\$\(([^)]*)\)", variable.get("value") or ""):
                if used not in known:
                    yield f"{name(thing)}: {variable['name']} uses {used} before it is there"
            known.add(variable["name"])
        for word in [*container.get("command", []), *container.get("args", [])]:
            for used in re.findall(r"\$\(([^)]*)\)", word):
                if used not in known:
                    yield f"{name(thing)}: an argument uses {used}, which is not there"


@rule
def no_secret_has_a_value_here(objects):
    """Secrets are created in the cluster; the repository has only references."""
    for thing in of_kind(objects, "Secret"):
        yield f"{name(thing)}: a Secret in git"
    for key, value in settings(objects).items():
        if re.search(r"(password|secret)=(?!unused)", value, re.IGNORECASE) or re.search(r"://[^/@$]*:[^/@$]+@", value):
            yield f"settings: {key} has a password in it"
    for thing, _, container in all_containers(objects):
        for variable in container.get("env", []):
            value = variable.get("value") or ""
            if re.search(r"PASSWORD|SECRET", variable["name"]) and value or re.search(r"assword=(?!\$\()", value):
                yield f"{name(thing)}: {variable['name']} has a secret value"


@rule
def selectors_match(objects):
    """Every selector selects pods, and a workload its own."""
    pods = [labels_of(pod) for _, pod in workloads(objects)]
    for thing in of_kind(objects, "Deployment", "StatefulSet"):
        if not selects(thing["spec"]["selector"], labels_of(template(thing))):
            yield f"{name(thing)}: does not select its own pods"
    for thing in of_kind(objects, "Service", "PodDisruptionBudget", "PodMonitoring", "NetworkPolicy"):
        selector = thing["spec"].get("podSelector", thing["spec"].get("selector"))
        if thing["kind"] == "Service":
            selector = selector_of(thing)
        # Strimzi creates its pods, so they are not rendered here.
        if any(key.startswith("strimzi.io/") for key in selector.get("matchLabels") or {}):
            continue
        if not any(selects(selector, labels) for labels in pods):
            yield f"{name(thing)}: selects no pod"


@rule
def services_lead_somewhere_and_stay_inside(objects):
    """A Service's port is one of its pods', and no Service is reachable from outside: only the Gateway is."""
    for thing in of_kind(objects, "Service"):
        spec = thing["spec"]
        if spec.get("type", "ClusterIP") != "ClusterIP" or spec.get("externalIPs"):
            yield f"{name(thing)}: is of type {spec.get('type')}"
        for _, pod in workloads(objects):
            if selects(selector_of(thing), labels_of(pod)):
                ports = {port["name"] for each in pod["spec"]["containers"] for port in each.get("ports", [])}
                for port in spec["ports"]:
                    if port["targetPort"] not in ports:
                        yield f"{name(thing)}: its pods have no port {port['targetPort']}"


@rule
def routes_lead_somewhere(objects):
    """Gateway, routes, policies and the autoscaler reference existing objects."""
    for thing in of_kind(objects, "HTTPRoute"):
        for parent in thing["spec"]["parentRefs"]:
            gateway = find(objects, "Gateway", parent["name"])
            if not gateway or parent["sectionName"] not in {each["name"] for each in gateway["spec"]["listeners"]}:
                yield f"{name(thing)}: there is no listener {parent['name']}/{parent['sectionName']}"
        for each in thing["spec"]["rules"]:
            for backend in each.get("backendRefs", []):
                service = find(objects, "Service", backend["name"])
                if not service or backend["port"] not in {port["port"] for port in service["spec"]["ports"]}:
                    yield f"{name(thing)}: there is no {backend['name']}:{backend['port']}"
        public = [match["path"] for each in thing["spec"]["rules"] if "backendRefs" in each
                  for match in each.get("matches", [{"path": {"type": "PathPrefix", "value": "/"}}])]
        for path in public:
            prefix = path["value"].rstrip("/") + "/"
            if path["value"] == "/ops" or (path["type"] == "PathPrefix" and "/ops/".startswith(prefix)):
                yield f"{name(thing)}: the operations are public"
        if not thing["spec"].get("hostnames") and any("backendRefs" in each for each in thing["spec"]["rules"]):
            yield f"{name(thing)}: answers to any name"
    for thing in of_kind(objects, "HealthCheckPolicy", "GCPBackendPolicy"):
        target = thing["spec"]["targetRef"]
        if not find(objects, target["kind"], target["name"]):
            yield f"{name(thing)}: there is no {target['kind']} {target['name']}"
    for thing in of_kind(objects, "HorizontalPodAutoscaler"):
        target = find(objects, thing["spec"]["scaleTargetRef"]["kind"], thing["spec"]["scaleTargetRef"]["name"])
        if not target:
            yield f"{name(thing)}: scales nothing"
        elif "replicas" in target["spec"]:
            yield f"{name(thing)}: {name(target)} has a number of replicas, which each apply would set back"


@rule
def mounts_have_volumes(objects):
    """Each mount has its volume, each volume a mount, and each emptyDir a size limit."""
    for thing, pod in workloads(objects):
        every = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
        mounted = {mount["name"] for each in every for mount in each.get("volumeMounts", [])}
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in thing["spec"].get("volumeClaimTemplates", [])}
        for missing in sorted(mounted ^ volumes):
            yield f"{name(thing)}: {missing} is mounted or declared, and not both"
        for volume in pod["spec"].get("volumes", []):
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield f"{name(thing)}: {volume['name']} has no bound"
