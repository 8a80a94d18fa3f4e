"""Checks objects by the admission of an API server: strict validation, the definitions of custom kinds with their rules
in CEL, and Pod Security. lib/admission.sh starts the server.

All objects are applied as a dry run, in few calls of kubectl: it prints those that are admitted, and a message for each
other. Pod Security refuses pods and only warns of workloads, so that pods are made out of their templates."""

import copy
import json
import os
import re
import subprocess
import time

import crds
import schemas
from manifests import NAMESPACE, ROOT, name, template, workloads

# What pods refer to. A dry run leaves nothing behind, so that these are made.
REFERRED = ("Namespace", "PriorityClass", "ServiceAccount")
# Kubernetes 1.34 says this of each headless Service: it takes the default of a field for a wish.
NOT_A_FAULT = "Warning: spec.SessionAffinity is ignored for headless services"


def _kubectl(*words, objects=None):
    """Runs kubectl as administrator; returns what it prints, and its messages, each in one line."""
    done = subprocess.run(
        [ROOT / "scripts/kubernetes", "kubectl", *words],
        # kubectl itself validates a List as a whole, and other documents one by one in the server.
        input="\n---\n".join(map(json.dumps, objects or [])),
        env={**os.environ, "DELAYCAST_KUBERNETES": os.environ["API_SERVER"]},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    # The violations of one object may be in several lines.
    messages = re.sub(r"\n(\* | +)", " ", done.stderr).splitlines()
    return done.stdout, messages


def _apply(objects, *options):
    """Applies objects; returns the names of those that are admitted, and messages."""
    words = ("apply", "--server-side", "--validate=strict", "--output=name", *options, "--filename=-")
    printed, messages = _kubectl(*words, objects=objects)
    return set(printed.split()), messages


def _dry(objects):
    return _apply(objects, "--dry-run=server")


def _printed_name(thing):
    group, kind = crds.group_and_kind(thing)
    return f"{kind.lower()}{'.' if group else ''}{group}/{thing['metadata']['name']}"


def _renamed(thing, suffix):
    """Returns a copy with a name that no other object has, also of another kind."""
    changed = copy.deepcopy(thing)
    changed["metadata"]["name"] = f"{thing['kind'].lower()}-{thing['metadata']['name']}-{suffix}"
    return changed


def _pods(objects):
    """Returns a pod of each workload."""
    made = []
    for thing, pod in workloads(objects):
        spec = copy.deepcopy(pod["spec"])
        # As the controller of StatefulSets does.
        for claim in thing["spec"].get("volumeClaimTemplates", []):
            called = claim["metadata"]["name"]
            source = {"claimName": f"{called}-{thing['metadata']['name']}-0"}
            spec.setdefault("volumes", []).append({"name": called, "persistentVolumeClaim": source})
        called = f"{thing['kind'].lower()}-{thing['metadata']['name']}"
        metadata = {**pod["metadata"], "name": called, "namespace": NAMESPACE}
        made.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    return made


def _privileged(pod):
    changed = copy.deepcopy(pod)
    # Privileged containers may escalate by definition: the API server refuses the contradiction before Pod Security.
    changed["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    return changed


def _broken(objects):
    """Yields (object, the reason for which it must be refused)."""
    for thing in objects:
        yield _renamed(schemas.with_unknown_field(thing), "unknown-field"), "unknownField: field not declared in schema"
        if crds.group_and_kind(thing) in schemas.DEFINITIONS:
            changed = schemas.with_wrong_value(thing)
            yield _renamed(changed, "wrong-value"), 'Unsupported value: "NoSuchValue"|: expected'
        if thing["kind"] == "Gateway":
            changed = copy.deepcopy(thing)
            changed["spec"]["listeners"].append({**thing["spec"]["listeners"][0], "name": "second"})
            yield _renamed(changed, "rule-in-cel"), "Combination of port, protocol and hostname must be unique"
    for pod in _pods(objects):
        yield _renamed(_privileged(pod), "privileged"), "violates PodSecurity .*privileged=true"


def _prepare(every):
    """Applies the definitions of custom kinds, waits until they are served, and makes what pods refer to."""
    wanted = {crds.group_and_kind(thing) for thing in every} & set(schemas.DEFINITIONS)
    definitions = [schemas.DEFINITIONS[each] for each in wanted]
    referred = {name(thing): thing for thing in every if thing["kind"] in REFERRED}
    missing = []
    for objects in (definitions, sorted(referred.values(), key=lambda thing: REFERRED.index(thing["kind"]))):
        admitted, messages = _apply(objects)
        if len(admitted) != len(objects):
            missing += messages
    until = time.monotonic() + 60
    while not missing:
        states, _ = _kubectl("get", "crd", "--output=json")
        conditions = [each.get("status", {}).get("conditions") or [] for each in json.loads(states)["items"]]
        if all(any(each["type"] == "Established" and each["status"] == "True" for each in one) for one in conditions):
            break
        if time.monotonic() > until:
            missing.append("the definitions of custom kinds are not served within 60 s")
        time.sleep(0.3)
    return missing


def _about(thing, messages):
    called = re.compile(rf"(?<![\w-]){re.escape(thing['metadata']['name'])}(?![\w-])")
    named = [each for each in messages if called.search(each)]
    return named or ["it is not admitted, and no message names it"]


def _admission(results, called, objects):
    """Checks that all objects and their pods are admitted without a warning."""
    every = objects + _pods(objects)
    admitted, messages = _dry(every)
    for thing in every:
        refused = [] if _printed_name(thing) in admitted else _about(thing, messages)
        results(f"{called}: admission of {name(thing)}", refused)
    warnings = [each for each in messages if each.startswith("Warning") and each != NOT_A_FAULT]
    results(f"{called}: admission without warnings", warnings)


def _refusals(results, called, objects):
    """Checks that broken objects are refused, each for what is wrong with it."""
    broken = list(_broken(objects))
    admitted, messages = _dry([thing for thing, _ in broken])
    for thing, reason in broken:
        wrong = ["it is admitted"] if _printed_name(thing) in admitted else _about(thing, messages)
        right = any(re.search(reason, each) for each in wrong)
        results(f"{called}: admission of {name(thing)} can fail", [] if right else wrong)


def missing():
    """Returns why there is no API server, or an empty text."""
    return "" if os.environ["API_SERVER"] else os.environ["API_SERVER_MISSING"]


def version():
    return json.loads(_kubectl("version", "--output=json")[0])["serverVersion"]["gitVersion"]


def run(results, systems):
    """Checks each of (name, objects)."""
    problems = _prepare([thing for _, objects in systems for thing in objects])
    results("the API server has the definitions of custom kinds", problems)
    if problems:
        return
    for called, objects in systems:
        _admission(results, called, objects)
        _refusals(results, called, objects)
