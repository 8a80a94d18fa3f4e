"""Rules on the containers of a pod."""

import re

from manifests import (
    LONG_RUNNING,
    all_containers,
    containers,
    find,
    labels_of,
    name,
    on_google,
    quantity,
    selects,
    settings,
    template,
    workloads,
)

from . import rule


def sidecar(container):
    return container.get("restartPolicy") == "Always"


@rule
def images_have_fixed_tags(objects):
    """No `latest`, no moving tag, and the images of delaycast have the version of the settings."""
    version = settings(objects).get("DELAYCAST_VERSION")
    for thing, _, container in all_containers(objects):
        image = container["image"]
        path, _, tag = image.rpartition("/")[2].partition(":")
        if not re.search(r"\d", tag) or "latest" in tag:
            yield f"{name(thing)}: the image {image} has no tag that stays what it is"
        elif (path.startswith("delaycast-") or "/delaycast/" in image) and tag != version:
            yield f"{name(thing)}: the image {image} is not of version {version}"


@rule
def nothing_is_privileged(objects):
    """The restricted Pod Security Standard, and a read-only root file system."""
    for thing, pod in workloads(objects):
        spec, secure = pod["spec"], pod["spec"].get("securityContext", {})
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(field):
                yield f"{name(thing)}: {field}"
        if any("hostPath" in volume for volume in spec.get("volumes", [])):
            yield f"{name(thing)}: a folder of the host"
        if secure.get("runAsNonRoot") is not True or not secure.get("runAsUser"):
            yield f"{name(thing)}: may run as root, or as nobody knows whom"
        if secure.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{name(thing)}: no seccomp profile"
    for thing, _, container in all_containers(objects):
        secure = container.get("securityContext", {})
        who = f"{name(thing)}, container {container['name']}"
        if secure.get("privileged") or secure.get("allowPrivilegeEscalation") is not False:
            yield f"{who}: privileges, or a way to them"
        if secure.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{who}: capabilities"
        if secure.get("runAsUser") == 0 or secure.get("runAsNonRoot") is False:
            yield f"{who}: root"
        if secure.get("readOnlyRootFilesystem") is not True:
            yield f"{who}: a root file system that can be written"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{who}: a port of the host"


@rule
def resources_are_stated(objects):
    """Every container requests processor, memory and ephemeral storage, and is limited to that. The processor may have
    no limit."""
    for thing, _, container in all_containers(objects):
        resources = container.get("resources", {})
        asked, limited = resources.get("requests", {}), resources.get("limits", {})
        for what in ("cpu", "memory", "ephemeral-storage"):
            unlimited = what == "cpu" and what not in limited
            if what not in asked or not unlimited and asked[what] != limited.get(what):
                yield f"{name(thing)}, container {container['name']}: {what} is not both asked for and limited to that"


@rule
def pods_fit_autopilot(objects):
    """On Google 1 to 6.5 GiB of memory per vCPU, as in Autopilot's general purpose class, which silently raises other
    values; and a limit of the processor, so that it sets none itself."""
    if not on_google(objects):
        return
    for thing, _, container in all_containers(objects):
        if "cpu" not in container.get("resources", {}).get("limits", {}):
            yield f"{name(thing)}, container {container['name']}: no limit of the processor"
    for thing, pod in workloads(objects):
        asked = [each.get("resources", {}).get("requests", {}) for each in containers(pod)]
        cores = sum(quantity(each.get("cpu", 0)) for each in asked)
        gib = sum(quantity(each.get("memory", 0)) for each in asked) / 2**30
        if not cores or not 1 <= gib / cores <= 6.5:
            yield f"{name(thing)}: {gib:.2f} GiB for {cores:.2f} vCPU"


@rule
def spare_room_is_that_of_a_scorer(objects):
    """The pod without work holds the requests of a scorer with all its sidecars, and any pod may replace it."""
    spare, score = find(objects, "Deployment", "spare"), find(objects, "StatefulSet", "score")
    if not spare or not score:
        return
    held = containers(template(spare))[0]["resources"]["requests"]
    for what in ("cpu", "memory", "ephemeral-storage"):
        # The sidecar that mounts the bucket is in no manifest: GKE adds it.
        wanted = quantity(template(score)["metadata"]["annotations"][f"gke-gcsfuse/{what}-limit"])
        wanted += sum(quantity(each["resources"]["requests"][what]) for each in containers(template(score)))
        if quantity(held[what]) < wanted:
            yield f"the spare room has {held[what]} of {what}, a scorer needs {wanted:g}"
    priority = find(objects, "PriorityClass", template(spare)["spec"].get("priorityClassName"))
    if not priority or priority["value"] >= 0 or priority.get("preemptionPolicy") != "Never":
        yield "the pod without work is not replaced by others"


@rule
def what_runs_long_is_probed(objects):
    """Startup and liveness probes, and readiness except for sidecars. Jobs have a deadline and a bound on retries."""
    for thing, pod in workloads(objects):
        if "priorityClassName" in pod["spec"]:
            continue  # A pod without work.
        for container in containers(pod):
            wanted = ["startupProbe", "livenessProbe"]
            if not sidecar(container):
                wanted.append("readinessProbe")
                if thing["kind"] not in LONG_RUNNING:
                    continue
            for probe in wanted:
                if probe not in container:
                    yield f"{name(thing)}, container {container['name']}: no {probe}"
        if thing["kind"] not in LONG_RUNNING:
            job = thing["spec"]["jobTemplate"]["spec"] if thing["kind"] == "CronJob" else thing["spec"]
            for field in ("activeDeadlineSeconds", "backoffLimit"):
                if field not in job:
                    yield f"{name(thing)}: no {field}"


@rule
def probes_ask_the_health_port(objects):
    """Probes of delaycast use the health port; no probe uses the mesh port."""
    mesh = ("mesh", int(settings(objects).get("DELAYCAST_MESH_PORT", 0)))
    for thing, _, container in all_containers(objects):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            way = container.get(probe, {})
            port = next((way[how].get("port") for how in ("httpGet", "tcpSocket", "grpc") if how in way), None)
            if port in mesh:
                yield f"{name(thing)}: {probe} asks the mesh port"
            if way and container["name"] == "delaycast" and (port != "health" or "httpGet" not in way):
                yield f"{name(thing)}: {probe} does not ask the health port"


@rule
def pods_have_accounts_without_tokens(objects):
    """Each pod has its own service account, without a token of the Kubernetes API."""
    accounts = {thing["metadata"]["name"]: thing for thing in objects if thing["kind"] == "ServiceAccount"}
    for thing, pod in workloads(objects):
        spec = pod["spec"]
        if spec.get("serviceAccountName") not in accounts:
            yield f"{name(thing)}: its account is not here"
        elif accounts[spec["serviceAccountName"]].get("automountServiceAccountToken") is not False:
            yield f"{name(thing)}: its account hands out tokens"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{name(thing)}: mounts a token"
    for thing in objects:
        if "Role" in thing["kind"]:
            yield f"{name(thing)}: rights in the Kubernetes API, which nothing here needs"


@rule
def replicas_are_spread(objects):
    """Workloads of more than one pod spread their own pods."""
    for thing, pod in workloads(objects):
        if thing["kind"] not in LONG_RUNNING or thing["spec"].get("replicas") == 1:
            continue
        spread = pod["spec"].get("topologySpreadConstraints", [])
        if {each["topologyKey"] for each in spread} != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
            yield f"{name(thing)}: is not spread over nodes and zones"
        if not all(selects(each["labelSelector"], labels_of(pod)) for each in spread):
            yield f"{name(thing)}: is spread by labels that it does not have"
