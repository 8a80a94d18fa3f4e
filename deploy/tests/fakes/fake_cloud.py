#!/usr/bin/env python3
"""A fake gcloud, kubectl, helm and docker, and fakes of commands that load images into nodes, for test_deploy.py and
test_local.py: it records its calls and creates nothing.

It runs under the name of the command that it replaces. FAKE_STATE is a directory: `calls` has a line for each call,
`made/` a file for each resource that would exist. FAKE_FAILS, if set, is a word; one call with it fails. FAKE_CONTEXT is
kubectl's current context, FAKE_SERVER the address of its cluster, FAKE_JOB the state of its Jobs. It starts some hundred
times, so it imports little."""

import hashlib
import io
import json
import os
import pathlib
import re
import shlex
import sys
import tarfile

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


def names_in(archive):
    with tarfile.open(archive) as tar:
        return [name for image in json.load(tar.extractfile("manifest.json")) for name in image["RepoTags"]]


def docker(words):
    if words[0] == "push":
        make("images")
    if words[:2] == ["image", "inspect"]:
        return is_there(f"image {words[2]}")
    if words[0] == "build":
        make(f"image {words[words.index('--tag') + 1]}")
    if words[0] == "save":
        manifest = json.dumps([{"RepoTags": [name]} for name in words[3:]]).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(manifest)
        with tarfile.open(words[2], "w") as tar:
            tar.addfile(member, io.BytesIO(manifest))
    return True


def load(words):
    """Takes the images of an archive into the nodes."""
    there = thing("nodes").read_text().split() if is_there("nodes") else []
    make("nodes", "\n".join([*there, *names_in(words[-1])]))
    return True


def configuration(words):
    """kubectl config."""
    context = os.environ.get("FAKE_CONTEXT", "")
    if words[0] == "view":
        print(os.environ.get("FAKE_SERVER", ""), end="")
        return True
    print(context)
    if words[0] == "get-contexts" and not words[1].startswith("--"):
        return words[1] == context
    return context != ""


def objects_of(words):
    """`apply` and `diff` of a kustomization: they take the hash of the files beside its folder for its objects."""
    folder = next(word for word in words if word.startswith("--kustomize=")).partition("=")[2]
    selector = next((word for word in words if word.startswith("--selector=")), "")
    files = [path for path in sorted(pathlib.Path(folder).parent.rglob("*")) if path.suffix in (".yaml", ".env")]
    now = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:10]
    if words[0] == "diff":
        return is_there(f"objects {selector}") and thing(f"objects {selector}").read_text() == f"revision {now}"
    make(f"objects {selector}", f"revision {now}")
    make("revision", now)
    if not is_there("revision of the pods"):
        make("revision of the pods", now)
    return True


def get(words, line):
    """`kubectl get`."""
    if words[1] == "secret":
        if "{.data.password}" in line:
            print(re.search(r"^  password: (.*)$", (STATE / f"secret-{words[2]}").read_text(), re.MULTILINE).group(1), end="")
        return is_there(f"secret {words[2]}")
    if words[1] == "namespace":
        return is_there("the namespace")
    if words[1] == "statefulset" and is_there("revision"):
        print(thing("revision").read_text(), end="")
    elif words[1] == "statefulset":
        return False
    if words[1] == "job":
        print(os.environ.get("FAKE_JOB", "Complete"), end="")
    if words[1] == "nodes" and ".status.images" in line:
        names = thing("nodes").read_text().split() if is_there("nodes") else []
        print(json.dumps([f"docker.io/library/{name}" for name in names]))
    elif words[1] == "nodes":
        print(os.environ.get("FAKE_CORDONED", ""), end="")
    if words[1] == "pods" and "--field-selector=spec.nodeName=" in line:
        print(os.environ.get("FAKE_PODS_THERE", ""))
    elif words[1] == "pods" and "controller-revision-hash" in line:
        print("\n".join([thing("revision of the pods").read_text()] * 3))
    return True


def kubectl(words):
    if words[0] == "config":
        return configuration(words[1:])
    words = [word for word in words if not word.startswith(("--context=", "--namespace=", "--request-timeout="))]
    line = " ".join(words)
    if words[0] == "get":
        return get(words, line)
    if line.startswith("delete namespace"):
        for each in MADE.iterdir():
            if each.read_text().startswith(("the namespace", "secret ", "revision", "a model")):
                each.unlink()
    if line.endswith("--filename=-"):
        return apply_manifest()
    if "namespace.yaml" in line:
        make("the namespace")
    if "--kustomize=" in line:
        return objects_of(words)
    if line.startswith("delete pods") and "--field-selector=spec.nodeName=" not in line:
        make("revision of the pods", thing("revision").read_text())
    if line.startswith("create job"):
        make("a model")
    if words[0] == "exec":
        print(json.dumps({"versions": [{"roles": ["current"]}] if is_there("a model") else []}))
    return True


def main():
    command, words = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
    with open(STATE / "calls", "a", encoding="utf-8") as calls:
        calls.write(shlex.join([command, *words]) + "\n")
    fails = os.environ.get("FAKE_FAILS")
    if fails and fails in " ".join(words) and not is_there(f"failed at {fails}"):
        make(f"failed at {fails}")
        return 1
    commands = {"gcloud": gcloud, "kubectl": kubectl, "docker": docker, "helm": lambda _: True}
    return 0 if commands.get(command, load)(words) else 1


if __name__ == "__main__":
    sys.exit(main())
