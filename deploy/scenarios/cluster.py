"""The cluster of scripts/kubernetes: its objects, nodes, the processes of pods, and commands in its networks."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time

from api import Api, Failed

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/kubernetes"
FOLDER = pathlib.Path(os.environ.get("DELAYCAST_KUBERNETES", "/tmp/delaycast-kubernetes"))
NAMESPACE = "delaycast"
API = Api(SCRIPT, FOLDER / "api.sock")


def run(*command, seconds=120, **options):
    """Runs a command, and returns what it prints. Raises Failed with the end of its output."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False, **options)
    except subprocess.TimeoutExpired as expired:
        raise Failed(f"{' '.join(words)}: no end within {seconds} s") from expired
    if done.returncode:
        raise Failed(f"{' '.join(words)}: exit code {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def wait_until(description, seconds, check, pause=0.2):
    """Waits until check() is true, and returns its value. A failed command counts as false. Raises Failed at the end."""
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if value := check():
                return value
        except Failed as failed:
            last = f"; at last {failed}"
        time.sleep(pause)
    raise Failed(f"{description}: not within {seconds} s{last}")


def kubectl(*words, seconds=120, namespace=NAMESPACE, **options):
    return run(SCRIPT, "kubectl", f"--namespace={namespace}", *words, seconds=seconds, **options)


def apply(objects, namespace=NAMESPACE):
    """Applies a list of objects, or text in YAML."""
    text = objects if isinstance(objects, str) else json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    return kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", input=text, namespace=namespace)


def find(kind, name="", selector="", namespace=NAMESPACE, seconds=10):
    """Returns an object, or a list without a name; None if there is none. It works within `with API`."""
    return API.find(kind, name, selector, namespace, seconds)


def get(kind, name="", selector="", **options):
    found = find(kind, name, selector, **options)
    if found is None:
        raise Failed(f"there is no {kind}/{name}")
    return found


def pods(name):
    """Returns the pods of a workload by the value of app.kubernetes.io/name."""
    return get("pods", selector=f"app.kubernetes.io/name={name}")["items"]


def has_condition(thing, condition):
    """Tells whether the status of an object has a condition that is true."""
    conditions = thing.get("status", {}).get("conditions", [])
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


def is_ready(pod):
    return has_condition(pod, "Ready") and "deletionTimestamp" not in pod["metadata"]


def is_settled(name, count):
    """Tells whether a workload has this number of pods, all ready."""
    found = pods(name)
    return len(found) == count and all(map(is_ready, found))


def restarts(name):
    return sum(each["restartCount"] for pod in pods(name) for each in pod["status"].get("containerStatuses", []))


def node_of(pod):
    """Returns the number of the node that a pod is on."""
    return int(get("pods", pod)["spec"]["nodeName"].removeprefix("node-"))


def node(number, action):
    """Stops, starts, cuts off or joins a node."""
    run(SCRIPT, "node", number, action)


def is_node_ready(number):
    return has_condition(get("nodes", f"node-{number}"), "Ready")


def processes(pod):
    """Returns the pids on this machine of the program delaycast in a pod, the oldest first."""
    uid, found = get("pods", pod)["metadata"]["uid"], []
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            name = (folder / "cmdline").read_text().partition("\0")[0]
            if uid in (folder / "cgroup").read_text() and name.rpartition("/")[2] == "delaycast":
                started = (folder / "stat").read_text().rpartition(")")[2].split()[19]
                found.append((int(started), int(folder.name)))
        except OSError:
            continue
    return [pid for _, pid in sorted(found)]


def daemon(name):
    """Returns the pid of a process of the control plane."""
    return int((FOLDER / "log" / f"{name}.pid").read_text().split()[0])


def pause(name, seconds):
    """Stops a process of the control plane for some seconds, as if its machine did not answer."""
    pid = daemon(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)


def in_place(place, *command):
    """Returns the words of a command in the network of control, balancer or node-N."""
    return ["nsenter", f"--net=/run/netns/{FOLDER.name}-{place}", "--", *map(str, command)]


class Loop:
    """Calls step() in a thread, with a pause before each call, until the end of its `with`."""

    PAUSE_S = 1.0

    def __init__(self):
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def _run(self):
        while not self.stopped.wait(self.PAUSE_S):
            self.step()
