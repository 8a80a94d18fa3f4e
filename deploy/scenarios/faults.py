"""The scenarios: each does something to the running system, and returns when the cluster has dealt with it.

A scenario may return a sentence for its row. It raises Failed if the cluster does not do what it should."""

import functools
import json
import os
import signal
import time

from cluster import (
    Failed, get, is_node_ready, is_ready, is_settled, kubectl, node, node_of, pause, pods, processes, restarts,
    wait_until,
)  # fmt: skip

SCENARIOS = []
# Options that delete a pod without waiting for its node.
FORCE = ("--force", "--grace-period=0")
# After this time Kubernetes takes a silent node for lost, at most.
NODE_LOST_S = 90


def scenario(description, repeated=False):
    """Adds a function to the scenarios. One that is repeated leaves the cluster as it was, within seconds."""

    def add(function):
        SCENARIOS.append((description, function, repeated))
        return function

    return add


def wait_for_scorers(system, seconds=180):
    wait_until(f"{system.scorers} ready scorers", seconds, lambda: is_settled("score", system.scorers))


def delete_pod(name, *options):
    kubectl("delete", f"pod/{name}", "--wait=false", *options)


def replace_scorer(system, name, *options):
    """Deletes a scorer's pod, and waits until all scorers are ready again."""
    delete_pod(name, *options)
    time.sleep(2)
    wait_for_scorers(system)


@scenario("a scorer's process is killed (SIGKILL)", repeated=True)
def process_killed(system):
    before = restarts("score")
    os.kill(processes("score-1")[-1], signal.SIGKILL)
    wait_for_scorers(system)
    if restarts("score") != before:
        raise Failed("the container restarted, too")


@scenario("a scorer's container is killed, with its supervisor", repeated=True)
def container_killed(system):
    before = restarts("score")
    # Each time another one: Kubernetes waits before it restarts a container for the second time within ten minutes.
    os.kill(processes(f"score-{system.trial % system.scorers}")[0], signal.SIGKILL)
    wait_until("the restart of the container", 60, lambda: restarts("score") > before)
    wait_for_scorers(system)


@scenario("pod score-1 is deleted", repeated=True)
def pod_deleted(system):
    replace_scorer(system, "score-1")


@scenario("pod score-0, process 0 of the mesh, is deleted", repeated=True)
def leader_deleted(system):
    replace_scorer(system, "score-0")


@scenario("pod score-2 is deleted by force", repeated=True)
def pod_deleted_by_force(system):
    replace_scorer(system, "score-2", *FORCE)


@scenario("pod score-0 is deleted by force", repeated=True)
def leader_deleted_by_force(system):
    replace_scorer(system, "score-0", *FORCE)


@scenario("a pod of the page is deleted", repeated=True)
def page_deleted(system):
    count = len(pods("web"))
    delete_pod(pods("web")[0]["metadata"]["name"])
    wait_until("the page's pods", 180, lambda: is_settled("web", count))


@scenario("the broker's pod is deleted")
def broker_deleted(system):
    delete_pod("delaycast-node-0")
    time.sleep(2)
    wait_until("the broker", 180, lambda: is_ready(get("pods", "delaycast-node-0")))


@scenario("the store's pod is deleted")
def store_deleted(system):
    delete_pod("mongo-0")
    time.sleep(2)
    wait_until("the store", 180, lambda: is_settled("mongo", 1))


@scenario("a scorer's node is cut off for 20 s")
def node_cut_off(system):
    number = node_of("score-1")
    node(number, "cut")
    time.sleep(20)
    node(number, "join")
    joined = time.monotonic()
    wait_until(f"node {number}", 120, lambda: is_node_ready(number))
    wait_for_scorers(system)
    return after("the node joined", joined)


@scenario("a scorer's node loses its power for 20 s")
def node_stopped(system):
    number = node_of("score-2")
    node(number, "stop")
    time.sleep(20)
    node(number, "start")
    started = time.monotonic()
    wait_for_scorers(system)
    return after("the node started", started)


@scenario("a scorer's node is lost; its pod is deleted by force, and starts on another node")
def node_lost(system):
    number = node_of("score-1")
    node(number, "stop")
    wait_until(f"the loss of node {number}", NODE_LOST_S, lambda: not is_node_ready(number))
    delete_pod("score-1", *FORCE)
    deleted = time.monotonic()
    wait_for_scorers(system)
    ready = after("the pod was deleted", deleted)
    node(number, "start")
    wait_until(f"node {number}", 120, lambda: is_node_ready(number))
    return ready


@scenario("a scorer's node is drained, beside the pod that holds room")
def node_drained(system):
    number, count = node_of("score-0"), len(pods("web"))
    try:
        kubectl(
            "drain", f"node-{number}", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s", seconds=300
        )  # fmt: skip
        wait_for_scorers(system)
        if node_of("score-0") == number:
            raise Failed(f"score-0 is on node {number} still")
    finally:
        kubectl("uncordon", f"node-{number}")
    for name, wanted in (("web", count), ("mongo", 1), ("spare", 1)):
        wait_until(f"the pods of {name}", 180, functools.partial(is_settled, name, wanted))


@scenario("a new model is trained")
def model_trained(system):
    began = time.monotonic()
    before, restarted = system.record.versions_since(began - 10), restarts("score")
    system.deploy("train")
    trained = time.monotonic()
    wait_until("an answer of the new model", 120, lambda: system.record.versions_since(trained) - before)
    if restarts("score") != restarted:
        raise Failed("a scorer has restarted")
    return after("the training ended, the first answer of the new model", trained)


@scenario("a new image is rolled out")
def image_rolled_out(system):
    system.use_image(system.next_tag)
    system.deploy("up")
    images = {each["spec"]["containers"][0]["image"].rpartition(":")[2] for each in pods("score")}
    if images != {system.next_tag}:
        raise Failed(f"the scorers have the images {images}")


@scenario("a rollout is refused while a scorer's node takes no new pods")
def rollout_refused(system):
    number, before = node_of("score-1"), {pod["metadata"]["uid"] for pod in pods("score")}
    kubectl("cordon", f"node-{number}")
    try:
        system.deploy("rollout")
    except Failed as refused:
        if "takes no new pods" not in str(refused):
            raise
    else:
        raise Failed("it was not refused")
    finally:
        kubectl("uncordon", f"node-{number}")
    if before != {pod["metadata"]["uid"] for pod in pods("score")}:
        raise Failed("a scorer was replaced")


@scenario("scaled from 3 to 4 scorers")
def scaled_up(system):
    system.scale(4)


@scenario("scaled from 4 to 2 scorers")
def scaled_down(system):
    system.scale(2)


@scenario("scaled from 2 to 3 scorers")
def scaled_back(system):
    system.scale(3)


@scenario("the API server does not answer for 60 s")
def api_server_away(system):
    pause("kube-apiserver", 60)
    wait_until("the API server", 60, lambda: kubectl("get", "--raw=/readyz"))
    wait_until("all nodes", 120, lambda: all(is_node_ready(number) for number in range(1, system.nodes + 1)))
    wait_for_scorers(system)


@scenario("CoreDNS is away for 60 s")
def names_away(system):
    try:
        kubectl("scale", "deployment/coredns", "--replicas=0", namespace="kube-system")
        time.sleep(60)
    finally:
        kubectl("scale", "deployment/coredns", "--replicas=2", namespace="kube-system")
    kubectl("rollout", "status", "deployment/coredns", "--timeout=120s", namespace="kube-system", seconds=150)


@scenario("the certificate of the mesh is renewed, then score-1 is deleted")
def certificate_renewed(system):
    serial = system.certificate_of("score-1")
    system.operators.renew_certificate()
    renewed = time.monotonic()
    wait_until("the new files in the pods", 180, lambda: system.certificate_of("score-1") != serial, pause=2)
    note = after("the Secret changed, the files", renewed)
    replace_scorer(system, "score-1")
    return note


@scenario("the page's autoscaler, its target lowered to 1 % of a processor, adds a pod")
def page_scaled(system):
    scaler = get("horizontalpodautoscalers", "web")
    target = scaler["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"]
    used = scaler["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"]
    count = len(pods("web"))
    began = time.monotonic()
    try:
        set_target(1)
        wait_until("another pod of the page", 120, lambda: is_settled("web", count + 1) or len(pods("web")) > count + 1)
        return f"{used} % were used; " + after("the target changed", began)
    finally:
        set_target(target)


def set_target(percent):
    patch = [{"op": "replace", "path": "/spec/metrics/0/resource/target/averageUtilization", "value": percent}]
    kubectl("patch", "hpa/web", "--type=json", f"--patch={json.dumps(patch)}")


def after(what, begin):
    """Returns how long ago something was."""
    return f"{time.monotonic() - begin:.1f} s after {what}"


def check_references():
    """Raises Failed if an object that the scenarios act on is missing; returns nothing to add."""
    for kind, names in (("statefulsets", ("score", "mongo", "delaycast-node")), ("deployments", ("web", "spare"))):
        for name in names:
            get(kind, name)
    return ""
