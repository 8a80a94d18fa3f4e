"""Checks that the NetworkPolicies are enforced: every port from each place, open or shut."""

from cluster import Failed, apply, get, in_place, kubectl, pods, run, wait_until

# Ports by workload; the broker's pod has no name of ours.
PORTS = {"score": (2101, 9090), "web": (5001, 9090), "mongo": (27017,), "broker": (9093,)}
OPEN_TO_BALANCER = {("web", 5001)}


def addresses():
    """Returns the address of one pod of each workload."""
    found = {name: pods(name)[0]["status"]["podIP"] for name in PORTS if name != "broker"}
    return {**found, "broker": get("pods", "delaycast-node-0")["status"]["podIP"]}


def stranger(namespace):
    """Makes a pod of no workload in a namespace."""
    if namespace != "delaycast":
        apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}])
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "probe",
        "image": "localhost/probe:1",
        "imagePullPolicy": "Never",
        "securityContext": security,
        "resources": {"limits": {"memory": "64Mi"}},
    }
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65535, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    apply([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stranger"}, "spec": spec}], namespace)
    kubectl("wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s", namespace=namespace)


def reaches(namespace, address, port):
    """Tells whether a stranger's connection is made. Whoever it reaches may say nothing."""
    try:
        kubectl("exec", "stranger", "--", "/probe", "connect", f"{address}:{port}", "1s", namespace=namespace)
    except Failed as failed:
        if "dial tcp" in str(failed):
            return False
        if "read tcp" not in str(failed):
            raise
    return True


def balancer_reaches(address, port):
    try:
        run(*in_place("balancer", "timeout", "2", "bash", "-c", f"</dev/tcp/{address}/{port}"))
    except Failed:
        return False
    return True


def check():
    """Returns a sentence on the checked ports. Raises Failed with those that are not as they should be."""
    found, wrong, checked = addresses(), [], 0
    for place in ("stranger-namespace", "delaycast"):
        stranger(place)
        name_server = get("pods", selector="k8s-app=kube-dns", namespace="kube-system")["items"][0]["status"]["podIP"]
        # The probe itself works: names are allowed to all pods of the namespace, and everything to those of another.
        wait_until(f"a connection of {place} to the name server", 20, lambda: reaches(place, name_server, 53))
    for name, ports in PORTS.items():
        for port in ports:
            for place in ("stranger-namespace", "delaycast"):
                checked += 1
                if reaches(place, found[name], port):
                    wrong.append(f"a stranger in {place} reaches {name}:{port}")
            checked += 1
            if balancer_reaches(found[name], port) != ((name, port) in OPEN_TO_BALANCER):
                wrong.append(f"the balancer {'cannot reach' if (name, port) in OPEN_TO_BALANCER else 'reaches'} {name}:{port}")
    kubectl("delete", "namespace", "stranger-namespace", "--wait=false")
    kubectl("delete", "pod/stranger")
    if wrong:
        raise Failed("; ".join(wrong))
    return f"{checked} connections as the policies say"
