#!/usr/bin/env python3
"""A fake gcloud, kubectl, helm and docker for test_deploy.py: it records its calls and creates nothing.

It runs under the name of the command that it replaces. FAKE_STATE is a directory: `calls` has a line for each call, `made/`
a file for each resource that would exist. FAKE_FAILS, if set, is a word; one call with it fails. It starts some hundred
times, so it imports little."""

import hashlib
import os
import pathlib
import re
import shlex
import subprocess
import sys

STATE = pathlib.Path(os.environ["FAKE_STATE"])
MADE = STATE / "made"
# Words of gcloud before the name of a resource.
VERBS = ("describe", "create", "create-auto", "delete", "list")


def thing(called):
    return MADE / hashlib.sha256(called.encode()).hexdigest()[:16]


def is_there(called):
    return thing(called).exists()


def make(called, contents=""):
    MADE.mkdir(exist_ok=True)
    thing(called).write_text(contents or called)


def unmake(called):
    thing(called).unlink()


def gcloud(words):
    words = [word for word in words if not word.startswith("--project=") and word != "--quiet"]
    plain = [word for word in words if not word.startswith("--")]
    line = " ".join(words)
    if words[:2] == ["storage", "ls"]:
        return is_there("a model")
    if words[:2] == ["storage", "rm"]:
        unmake(f"storage buckets {plain[-1]}")
        return True
    if words[:2] == ["builds", "submit"]:
        make("images")
        return True
    if "docker images describe" in line:
        return is_there("images")
    if "projectNumber" in line:
        print("123456789")
        return True
    verb = next((word for word in plain if word in VERBS), None)
    if verb is None:
        return True
    where = plain.index(verb)
    if verb == "list":
        collection = " ".join(plain[:where]) + " "
        for made in MADE.iterdir():
            if made.read_text().startswith(collection):
                print(made.read_text().split()[-1])
        return True
    called = " ".join([*plain[:where], plain[where + 1].partition("@")[0]])
    called += " global" if "--global" in words else ""
    if verb == "describe":
        if is_there(called):
            print("203.0.113.9" if "address" in line else "ACTIVE")
        return is_there(called)
    if verb == "delete":
        unmake(called)
        return True
    if is_there(called):
        print(f"{called} is there already", file=sys.stderr)
        return False
    make(called)
    return True


def apply_manifest():
    head, _, data = sys.stdin.read().partition("\ndata:\n")
    called = re.search(r"kind: Secret\nmetadata:\n  name: (\S+)$", head).group(1)
    (STATE / f"secret-{called}").write_text(data)
    make(f"secret {called}")
    return True


def kubectl(words):
    words = [word for word in words if not word.startswith(("--context=", "--namespace="))]
    line = " ".join(words)
    if line.startswith("get secret"):
        if "{.data.password}" in line:
            print(re.search(r"^  password: (.*)$", (STATE / f"secret-{words[2]}").read_text(), re.MULTILINE).group(1), end="")
        return is_there(f"secret {words[2]}")
    if line.startswith("get namespace"):
        return is_there("the namespace")
    if line.startswith("delete namespace"):
        unmake("the namespace")
        return True
    if line.endswith("--filename=-"):
        return apply_manifest()
    if "namespace.yaml" in line:
        make("the namespace")
    if "--kustomize=" in line:
        folder = line.partition("--kustomize=")[2].split()[0]
        kustomize = shlex.split(os.environ.get("KUSTOMIZE", "kubectl kustomize"))
        path = os.environ["FAKE_REAL_PATH"]
        rendered = subprocess.run([*kustomize, folder], env={**os.environ, "PATH": path}, capture_output=True, check=True)
        make("revision", hashlib.sha256(rendered.stdout).hexdigest()[:10])
        if not is_there("revision of the pods"):
            make("revision of the pods", thing("revision").read_text())
    if line.startswith("get statefulset"):
        print(thing("revision").read_text(), end="")
    if line.startswith("get nodes"):
        print(os.environ.get("FAKE_CORDONED", ""), end="")
    if "--field-selector=spec.nodeName=" in line:
        if line.startswith("get pods"):
            print(os.environ.get("FAKE_PODS_THERE", ""))
        return True
    if line.startswith("get pods"):
        print("\n".join([thing("revision of the pods").read_text()] * 3))
    if line.startswith("delete pods"):
        make("revision of the pods", thing("revision").read_text())
    if line.startswith("create job"):
        make("a model")
    return True


def main():
    command, words = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
    with open(STATE / "calls", "a", encoding="utf-8") as calls:
        calls.write(shlex.join([command, *words]) + "\n")
    fails = os.environ.get("FAKE_FAILS")
    if fails and fails in " ".join(words) and not is_there(f"failed at {fails}"):
        make(f"failed at {fails}")
        return 1
    if command == "docker" and words[0] == "push":
        make("images")
    asked = {"gcloud": gcloud, "kubectl": kubectl}.get(command, lambda _: True)
    return 0 if asked(words) else 1


if __name__ == "__main__":
    sys.exit(main())
