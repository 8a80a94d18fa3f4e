"""Rules on the consistency of the whole system."""

from manifests import NAMESPACE, find, name, of_kind, settings, template, workloads

from . import rule
from .references import MADE_BY_UP

CLUSTER_WIDE = ("Namespace", "PriorityClass")


def ours(thing):
    """Returns the container of delaycast in a workload."""
    return next(each for each in template(thing)["spec"]["containers"] if each["name"] == "delaycast")


def ports(container):
    return {port["name"]: port["containerPort"] for port in container.get("ports", [])}


@rule
def the_namespace_is_restricted(objects):
    """The namespace enforces the restricted standard, and has all objects."""
    labels = (find(objects, "Namespace", NAMESPACE) or {"metadata": {}})["metadata"].get("labels", {})
    if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
        yield "the namespace does not enforce the restricted standard"
    for thing in objects:
        if thing["kind"] not in CLUSTER_WIDE and thing["metadata"].get("namespace") != NAMESPACE:
            yield f"{name(thing)}: is not in the namespace {NAMESPACE}"


@rule
def the_number_of_scorers_is_one_number(objects):
    """The number of replicas is the number of processes that each process expects."""
    score, wanted = find(objects, "StatefulSet", "score"), settings(objects)["DELAYCAST_REPLICAS"]
    if str(score["spec"]["replicas"]) != wanted or not isinstance(score["spec"]["replicas"], int):
        yield f"{score['spec']['replicas']} pods, and each is told of {wanted}"
    if "--replicas=$(DELAYCAST_REPLICAS)" not in ours(score)["args"]:
        yield "the scorers are not told how many they are"


@rule
def partitions_are_shared_out_evenly(objects):
    """All workers have the same number of partitions."""
    values = settings(objects)
    workers = int(values["DELAYCAST_REPLICAS"]) * int(values["DELAYCAST_WORKERS"])
    if int(values["DELAYCAST_PARTITIONS"]) % workers:
        yield f"{values['DELAYCAST_PARTITIONS']} partitions for {workers} workers"


@rule
def scorers_start_and_end_together(objects):
    """The StatefulSet starts and replaces all pods at once."""
    score = find(objects, "StatefulSet", "score")
    if score["spec"].get("podManagementPolicy") != "Parallel":
        yield "pods are started one after the other"
    if score["spec"].get("updateStrategy", {}).get("type") != "OnDelete":
        yield "a rolling update would wait for a mesh that cannot form"
    domain = settings(objects)["DELAYCAST_MESH_DOMAIN"]
    service = find(objects, "Service", domain)
    if score["spec"]["serviceName"] != domain or not service:
        yield f"the pods are not named under {domain}"
    elif service["spec"].get("clusterIP") != "None" or not service["spec"].get("publishNotReadyAddresses"):
        yield f"{domain} does not name pods that are not ready yet"
    leader = find(objects, "Service", settings(objects)["DELAYCAST_MESH_LEADER"])
    if not leader or leader["spec"]["selector"].get("statefulset.kubernetes.io/pod-name") != "score-0":
        yield "no Service leads to process 0 alone"
    elif leader["spec"].get("clusterIP") == "None" or not leader["spec"].get("publishNotReadyAddresses"):
        yield "the address of process 0 does not outlive its pod, or is not there before it is ready"
    budgets = [each["spec"] for each in of_kind(objects, "PodDisruptionBudget") if each["metadata"]["name"] == "score"]
    if [each.get("maxUnavailable") for each in budgets] != [1]:
        yield "a drain may take more than one scorer at a time"


@rule
def ports_are_those_of_the_settings(objects):
    values = settings(objects)
    for thing, wanted in (
        (find(objects, "StatefulSet", "score"), {"mesh": "MESH", "health": "HEALTH"}),
        (find(objects, "Deployment", "web"), {"http": "WEB", "health": "HEALTH"}),
    ):
        numbers = {called: int(values[f"DELAYCAST_{which}_PORT"]) for called, which in wanted.items()}
        if ports(ours(thing)) != numbers:
            yield f"{name(thing)}: has the ports {ports(ours(thing))}, not {numbers}"
    for service in ("score-headless", "score-leader"):
        mesh = {port["name"]: port["port"] for port in find(objects, "Service", service)["spec"]["ports"]}
        if mesh != {"mesh": int(values["DELAYCAST_MESH_PORT"])}:
            yield f"the Service {service} has {mesh}"


@rule
def the_mesh_has_certificates(objects):
    """From a private authority, for clients and servers, for the expected name, at the expected path."""
    score = find(objects, "StatefulSet", "score")
    folder = next((word.split("=")[1] for word in ours(score)["args"] if word.startswith("--mesh-certs=")), None)
    mount = next((each["name"] for each in ours(score)["volumeMounts"] if each["mountPath"] == folder), None)
    volume = next((each for each in template(score)["spec"]["volumes"] if each["name"] == mount), {})
    secret = volume.get("secret", {}).get("secretName")
    if not of_kind(objects, "Certificate"):
        # test_local.py reads the certificate that local/up makes.
        if secret not in MADE_BY_UP:
            yield f"the scorers mount {secret}, which local/up does not make"
        return
    found = [each["spec"] for each in of_kind(objects, "Certificate") if each["spec"]["secretName"] == secret]
    if not found:
        yield "no certificate is mounted where the scorers look"
        return
    leaf = found[0]
    if "delaycast-mesh" not in leaf.get("dnsNames", []) or not {"server auth", "client auth"} <= set(leaf["usages"]):
        yield "the certificate is not for delaycast-mesh, on both sides"
    issuer = find(objects, "Issuer", leaf["issuerRef"]["name"])
    authorities = {each["spec"]["secretName"] for each in of_kind(objects, "Certificate") if each["spec"].get("isCA")}
    if not issuer or issuer["spec"].get("ca", {}).get("secretName") not in authorities:
        yield "the certificate is not of the private authority"
    others = [each for each in of_kind(objects, "Certificate") if each["spec"]["issuerRef"] == leaf["issuerRef"]]
    if len(others) != 1:
        yield "somebody else has a certificate that the mesh would let in"


@rule
def models_are_written_by_train_alone(objects):
    """One bucket or one claim, at one path, and only train may write to it."""
    values, writers = settings(objects), []
    for thing, pod in workloads(objects):
        volumes = {each["name"]: each for each in pod["spec"].get("volumes", [])}
        for container in pod["spec"]["containers"]:
            for mount in container.get("volumeMounts", []):
                if mount["name"] != "models":
                    continue
                volume = volumes[mount["name"]]
                yield from (f"{name(thing)}: {problem}" for problem in models_volume(objects, values, pod, volume))
                if mount["mountPath"] != values["DELAYCAST_MODELS"]:
                    yield f"{name(thing)}: mounts the models elsewhere"
                if not (mount.get("readOnly") and volume.get("csi", {"readOnly": True}).get("readOnly")):
                    writers.append(name(thing))
    if writers != ["CronJob/train"]:
        yield f"models can be written by {writers}"


def models_volume(objects, values, pod, volume):
    """Yields what is wrong with a pod's volume of models."""
    if "csi" in volume:
        if volume["csi"]["volumeAttributes"]["bucketName"] != values["DELAYCAST_MODELS_BUCKET"]:
            yield "mounts another bucket"
        if pod["metadata"].get("annotations", {}).get("gke-gcsfuse/volumes") != "true":
            yield "lacks the annotation that brings the bucket's sidecar"
    elif not find(objects, "PersistentVolumeClaim", volume.get("persistentVolumeClaim", {}).get("claimName")):
        yield "its models are in no bucket, and in no claim that is there"


@rule
def there_is_time_to_end_well(objects):
    """A scorer has time to commit what it has read; a page serves until the load balancer has removed it."""
    score, web = find(objects, "StatefulSet", "score"), find(objects, "Deployment", "web")
    if template(score)["spec"].get("terminationGracePeriodSeconds", 0) < 20:
        yield "a scorer may be killed while it commits"
    before = ours(web).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    if not 10 <= before < template(web)["spec"].get("terminationGracePeriodSeconds", 0) - 15:
        yield "a page ends while the load balancer still sends to it"
