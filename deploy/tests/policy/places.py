"""Rules on the clusters that an overlay is for: Google's, or a small one on a machine of its user."""

from manifests import containers, name, of_kind, on_google, quantity, workloads

from . import rule

# What only Google's clusters have, or deploy.sh installs there.
KINDS = ("Gateway", "HTTPRoute", "HealthCheckPolicy", "GCPBackendPolicy", "PodMonitoring", "Certificate", "Issuer",
         "HorizontalPodAutoscaler")
BUCKETS = "volumes of gcsfuse.csi.storage.gke.io"
# A machine of 2 CPUs and 6 GiB, less the requests of kind's own pods (the API server 250m, the controller manager 200m,
# the scheduler, etcd, the network and two of CoreDNS 100m each; memory is rounded up).
CORES, GIB = 2 - 0.95, 6 - 0.4


@rule
def all_of_google_or_nothing(objects):
    """An overlay has all parts of Google's clusters, or only built-in kinds without a part of Google."""
    found = {kind for kind in KINDS if of_kind(objects, kind)}
    found |= {BUCKETS for _, pod in workloads(objects) for each in pod["spec"].get("volumes", []) if "csi" in each}
    if found and found != {*KINDS, BUCKETS}:
        yield f"it has {sorted(found)}, and lacks {sorted({*KINDS, BUCKETS} - found)}"


def claims(objects):
    """Yields (name, spec) of all claims of volumes."""
    for thing in of_kind(objects, "PersistentVolumeClaim"):
        yield name(thing), thing["spec"]
    for thing in of_kind(objects, "StatefulSet"):
        for claim in thing["spec"].get("volumeClaimTemplates", []):
            yield f"{name(thing)}: {claim['metadata']['name']}", claim["spec"]


@rule
def one_small_node_takes_all(objects):
    """Elsewhere than on Google: one node takes all pods at the same time, and the default StorageClass the claims."""
    if on_google(objects):
        return
    cores = memory = 0
    for thing, pod in workloads(objects):
        count = thing["spec"].get("replicas", 1)
        for container in containers(pod):
            cores += count * quantity(container["resources"]["requests"]["cpu"])
            memory += count * quantity(container["resources"]["requests"]["memory"])
        for spread in pod["spec"].get("topologySpreadConstraints", []):
            if spread["whenUnsatisfiable"] != "ScheduleAnyway":
                yield f"{name(thing)}: wants several nodes"
    if cores > CORES + 1e-9 or memory > GIB * 2**30:
        yield f"all pods request {cores:.2f} CPUs and {memory / 2**30:.2f} GiB, of {CORES:.2f} and {GIB:.2f}"
    for called, spec in claims(objects):
        if "storageClassName" in spec or spec["accessModes"] != ["ReadWriteOnce"]:
            yield f"{called}: the default StorageClass of a small cluster may not have such volumes"
