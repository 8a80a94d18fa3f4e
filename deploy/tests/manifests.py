"""Rendering by kustomize, and queries on the rendered objects."""

import os
import pathlib
import re
import shlex
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
GKE = ROOT / "deploy" / "gke"
LOCAL = ROOT / "deploy" / "local"
# The overlays of deploy.sh, and all, each with its folder.
GKE_OVERLAYS = ("self-hosted", "managed")
OVERLAYS = {**{called: GKE / "overlays" / called for called in GKE_OVERLAYS}, "local": LOCAL / "overlay"}
NAMESPACE = "delaycast"
LONG_RUNNING = ("Deployment", "StatefulSet")


def render(folder):
    """Returns the objects of a kustomization."""
    command = shlex.split(os.environ.get("KUSTOMIZE", "kubectl kustomize"))
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"kustomize refuses {folder}:\n{done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def name(thing):
    return f"{thing['kind']}/{thing['metadata']['name']}"


def of_kind(objects, *kinds):
    return [thing for thing in objects if thing["kind"] in kinds]


def find(objects, kind, called):
    for thing in of_kind(objects, kind):
        if thing["metadata"]["name"] == called:
            return thing
    return None


def on_google(objects):
    """Returns whether objects are of the interfaces of Google's clusters."""
    return any(re.search(r"(^|\.)(gke\.io|googleapis\.com)/", thing["apiVersion"]) for thing in objects)


def template(thing):
    """Returns the pod template of a workload, or None."""
    if thing["kind"] in (*LONG_RUNNING, "Job"):
        return thing["spec"]["template"]
    if thing["kind"] == "CronJob":
        return thing["spec"]["jobTemplate"]["spec"]["template"]
    return None


def workloads(objects):
    """Returns each workload with its pod template."""
    return [(thing, template(thing)) for thing in objects if template(thing)]


def containers(pod):
    """Returns all containers of a pod template, with init containers and sidecars."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def all_containers(objects):
    """Returns (workload, pod template, container) of all containers."""
    return [(thing, pod, each) for thing, pod in workloads(objects) for each in containers(pod)]


def labels_of(pod):
    return pod["metadata"].get("labels", {})


def selector_of(service):
    """Returns the selector of a Service, without the label by which Kubernetes names each pod of a StatefulSet."""
    labels = dict(service["spec"]["selector"])
    labels.pop("statefulset.kubernetes.io/pod-name", None)
    return {"matchLabels": labels}


def selects(selector, labels):
    """Returns whether a label selector matches labels. An empty one matches everything."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for wish in selector.get("matchExpressions") or []:
        value, values = labels.get(wish["key"]), wish.get("values", [])
        if {
            "In": value not in values,
            "NotIn": value in values,
            "Exists": value is None,
            "DoesNotExist": value is not None,
        }[wish["operator"]]:
            return False
    return True


def settings(objects):
    """Returns the values of the generated ConfigMap `settings`, with any hash in its name."""
    for thing in of_kind(objects, "ConfigMap"):
        if re.fullmatch(r"settings-[a-z0-9]{10}", thing["metadata"]["name"]):
            return thing["data"]
    return {}


def quantity(text):
    """Returns a Kubernetes quantity as a number: cores, or bytes."""
    units = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6, "G": 1e9}
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()
    return float(number) * (units[unit] if unit else 1)
