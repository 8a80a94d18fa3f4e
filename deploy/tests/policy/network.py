"""Rules on the connections between pods, by the semantics of NetworkPolicies: a pod that no policy selects is open; one
that is selected accepts only what some policy allows; both ends must allow a connection."""

import ipaddress

from manifests import NAMESPACE, labels_of, of_kind, selects, settings, workloads

from . import rule


class End:
    """One end of a connection: a pod with labels and a namespace, or (without labels) an external address."""

    def __init__(self, called, labels=None, namespace=NAMESPACE, address="10.96.0.9"):
        self.called, self.labels, self.namespace, self.address = called, labels, namespace, address


BROKER = {"strimzi.io/cluster": "delaycast", "strimzi.io/kind": "Kafka", "strimzi.io/name": "delaycast-kafka"}
INTERNET = End("the internet", address="203.0.113.7")
INTRUDER = End("a pod without labels", {})
STRANGER = End("a pod of another namespace", {"app.kubernetes.io/name": "score", "delaycast/uses-log": "true"}, "default")
LOAD_BALANCER = End("the load balancer", address="35.191.1.2")
COLLECTOR = End("the metrics collector", {}, "gke-gmp-system")
DNS = End("DNS", {"k8s-app": "kube-dns"}, "kube-system")


def policies_of(objects):
    """Returns the NetworkPolicies, with the one that Strimzi creates for its brokers from the listener's peers."""
    found = of_kind(objects, "NetworkPolicy")
    for kafka in of_kind(objects, "Kafka"):
        ingress = []
        for listener in kafka["spec"]["kafka"]["listeners"]:
            way = {"ports": [{"port": listener["port"], "protocol": "TCP"}]}
            if "networkPolicyPeers" in listener:
                way["from"] = listener["networkPolicyPeers"]
            ingress.append(way)
        selector = {"matchLabels": {"strimzi.io/kind": "Kafka"}}
        spec = {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": ingress}
        found.append({"kind": "NetworkPolicy", "spec": spec})
    return found


def is_peer(peer, end):
    if "ipBlock" in peer:
        address = ipaddress.ip_address(end.address)
        inside = address in ipaddress.ip_network(peer["ipBlock"]["cidr"])
        return inside and not any(address in ipaddress.ip_network(hole) for hole in peer["ipBlock"].get("except", []))
    if end.labels is None:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": end.namespace}):
            return False
    elif end.namespace != NAMESPACE:
        return False
    return selects(peer.get("podSelector", {}), end.labels)


def is_port(ways, port):
    def covers(way):
        first = way.get("port", 0)
        return "port" not in way or first <= port <= way.get("endPort", first)

    return not ways or any(covers(way) for way in ways)


def lets(policies, end, other, port, direction):
    """Returns whether the policies on `end` allow a connection with `other`, in one direction."""
    peers = "from" if direction == "Ingress" else "to"
    if end.labels is None or end.namespace != NAMESPACE:
        return True
    on_it = [each["spec"] for each in policies if selects(each["spec"]["podSelector"], end.labels)]
    on_it = [spec for spec in on_it if direction in spec["policyTypes"]]
    if not on_it:
        return True
    for spec in on_it:
        for way in spec.get(direction.lower()) or []:
            if is_port(way.get("ports"), port) and (not way.get(peers) or any(is_peer(p, other) for p in way[peers])):
                return True
    return False


def reaches(objects, source, target, port):
    policies = policies_of(objects)
    return lets(policies, source, target, port, "Egress") and lets(policies, target, source, port, "Ingress")


def pods(objects):
    """Returns all pods by the name of their application."""
    return {labels_of(pod)["app.kubernetes.io/name"]: End(thing["metadata"]["name"], labels_of(pod))
            for thing, pod in workloads(objects)}


def only(objects, allowed, target, port):
    """Yields violations of: exactly the `allowed` reach a port. The target's own policy must deny the others."""
    others = [INTERNET, INTRUDER, STRANGER, LOAD_BALANCER, COLLECTOR, *pods(objects).values()]
    policies = policies_of(objects)
    for source in others:
        may = source.called in allowed
        if not may and lets(policies, target, source, port, "Ingress"):
            yield f"{source.called} is let in to port {port} of {target.called}"
        if may and not reaches(objects, source, target, port):
            yield f"{source.called} cannot reach port {port} of {target.called}"


@rule
def everything_is_denied_first(objects):
    """One policy selects all pods, in both directions, and allows nothing."""
    wanted = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    if not any(each["spec"] == wanted for each in of_kind(objects, "NetworkPolicy")):
        yield "there is no policy that denies everything"


@rule
def only_scorers_reach_the_mesh(objects):
    yield from only(objects, {"score"}, pods(objects)["score"], int(settings(objects)["DELAYCAST_MESH_PORT"]))


@rule
def only_the_load_balancer_reaches_the_page(objects):
    """Without a Gateway nothing does: kubectl port-forward enters by the pod's loopback."""
    allowed = {LOAD_BALANCER.called} if of_kind(objects, "Gateway") else set()
    yield from only(objects, allowed, pods(objects)["web"], int(settings(objects)["DELAYCAST_WEB_PORT"]))


@rule
def only_collectors_reach_metrics_and_the_page_those_of_scorers(objects):
    allowed = {COLLECTOR.called} if of_kind(objects, "PodMonitoring") else set()
    health = int(settings(objects)["DELAYCAST_HEALTH_PORT"])
    yield from only(objects, allowed, pods(objects)["web"], health)
    yield from only(objects, {*allowed, "web"}, pods(objects)["score"], health)


@rule
def only_web_score_and_topics_reach_the_log(objects):
    if of_kind(objects, "Kafka"):
        yield from only(objects, {"web", "score", "topics"}, End("Kafka", BROKER), 9093)
        return
    if "kafka" in pods(objects):
        yield from only(objects, {"web", "score", "topics"}, pods(objects)["kafka"], 9092)
        return
    broker = End("Managed Kafka", address="10.132.0.20")
    for called, pod in {**pods(objects), INTRUDER.called: INTRUDER}.items():
        if reaches(objects, pod, broker, 9092) != (called in ("web", "score", "topics")):
            yield f"{called} should reach Managed Kafka, and does not, or the other way round"


@rule
def only_web_score_and_batch_reach_the_store(objects):
    if "mongo" in pods(objects):
        yield from only(objects, {"web", "score", "batch"}, pods(objects)["mongo"], 27017)
        return
    atlas = End("Atlas", address="203.0.113.8")
    for called, pod in {**pods(objects), INTRUDER.called: INTRUDER}.items():
        if reaches(objects, pod, atlas, 27016) != (called in ("web", "score", "batch")):
            yield f"{called} should reach Atlas, and does not, or the other way round"


@rule
def pods_reach_what_they_need_and_no_more(objects):
    """DNS for all. Google's APIs and tokens for pods that mount models or need a token for Kafka. Nothing else."""
    metadata, apis = End("metadata", address="169.254.169.254"), End("APIs", address="142.250.1.1")
    inside = End("some other server of the company", address="10.0.0.5")
    for thing, pod in workloads(objects):
        end = End(thing["metadata"]["name"], labels_of(pod))
        volumes = pod["spec"].get("volumes", [])
        google = any(each.get("csi") for each in volumes) or any(each["name"] == "kafka-token" for each in volumes)
        if not reaches(objects, end, DNS, 53):
            yield f"{end.called} cannot reach DNS"
        for target, port in ((metadata, 80), (apis, 443)):
            if reaches(objects, end, target, port) != google:
                yield f"{end.called} and Google's {target.called}: {'it cannot reach them' if google else 'it can'}"
        for port in (22, 443, 5432):
            if reaches(objects, end, inside, port):
                yield f"{end.called} reaches port {port} of {inside.called}"
