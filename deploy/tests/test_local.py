"""Tests of local/up and local/down against fake commands (fakes/): order, refusals, images, certificates."""

import base64
import io
import json
import os
import re
import subprocess
import tarfile

import yaml

import sandbox
from manifests import GKE, find, render
from policy.references import MADE_BY_DEPLOY, MADE_BY_UP

KIND = {"FAKE_CONTEXT": "kind-test"}
# The steps of a first `up` in order: each is in a call after the previous one.
ORDER = (
    "config current-context", "docker build", "docker save", "kind load image-archive --name=test",
    "base/namespace.yaml", "--filename=-", "--selector=app.kubernetes.io/name!=topics", "rollout status --timeout=15m statefulset/kafka",
    "delete job topics", "--selector=app.kubernetes.io/name=topics", "get job topics", "models list",
    "create job train-", "get job train-", "statefulset/score", "deployment/web",
)
# What changes something in the cluster, on this machine, or in the nodes.
CHANGES = r" (apply|delete|create|patch|build|save|load|import)\b|^loader"


class Sandbox(sandbox.Sandbox):
    """A copy of the files of local/up, and fakes on the PATH."""

    def __init__(self, script="up"):
        super().__init__(f"deploy/local/{script}", "gke", "lib", "local")

    def down(self, *words, **fakes):
        """Runs local/down on the same state."""
        self.script = self.script.with_name("down")
        try:
            return self.run(*words, **fakes)
        finally:
            self.script = self.script.with_name("up")

    def archive(self, called, *names):
        """Writes an archive of images as docker does."""
        manifest = json.dumps([{"Config": "c.json", "RepoTags": [name], "Layers": []} for name in names]).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(manifest)
        with tarfile.open(self.root / called, "w") as tar:
            tar.addfile(member, io.BytesIO(manifest))
        return str(self.root / called)

    def secrets(self):
        found = {path.name.removeprefix("secret-"): path.read_text() for path in self.root.glob("secret-*")}
        return {called: yaml.safe_load(text) for called, text in found.items()}


def sites():
    """Yields (name, objects) of what `up` builds."""
    copied = Sandbox()
    done, _ = copied.run("--loaded", "1.2.3", **KIND)
    if done.returncode != 0:
        raise RuntimeError(f"local/up fails:\n{done.stderr}")
    yield "local", render(copied.root / "deploy/local/site")


def changing(calls):
    # As in deploy.sh, pods without a node are deleted before a look for room.
    return [call for call in calls if re.search(CHANGES, call) and "--field-selector=spec.nodeName=" not in call]


def in_order(calls):
    position = -1
    for step in ORDER:
        position = next((at for at, call in enumerate(calls) if at > position and step in call), None)
        if position is None:
            yield f"no `{step}` in its place: {calls}"
            return


def first_and_second_run():
    copied = Sandbox()
    done, calls = copied.run(**KIND)
    if done.returncode != 0:
        yield f"the first run ends with {done.returncode}: {done.stderr[-600:]}"
        return
    yield from in_order(calls)
    last = "kubectl --context=kind-test --namespace=delaycast port-forward service/web 5001:80"
    if done.stdout.splitlines()[-1:] != [last] or "http://127.0.0.1:5001/" not in done.stderr:
        yield f"the last line does not open the page: {done.stdout!r}"
    for call in calls:
        if call.startswith("kubectl") and not call.startswith("kubectl config") and "--context=kind-test" not in call:
            yield f"kubectl is used without saying which cluster is meant: {call}"
    secrets = copied.secrets()
    if {called: set(data) for called, data in secrets.items()} != {**MADE_BY_DEPLOY, **MADE_BY_UP}:
        yield f"secrets: {secrets}"
    for key, value in [pair for data in secrets.values() for pair in data.items()]:
        plain = base64.b64decode(value).decode()
        if not plain or key != "database" and (plain in "\n".join(calls) or plain in done.stderr):
            yield f"{key} is empty, or can be read where it should not"
    if list((copied.root / "tmp").iterdir()):
        yield "temporary files stay"
    done, calls = copied.run(**KIND)
    if done.returncode != 0 or changing(calls) or copied.secrets() != secrets:
        yield f"the second run ends with {done.returncode} and changes {changing(calls)}: {done.stderr[-300:]}"


def dry_run():
    copied = Sandbox()
    for run in (copied.run, copied.down):
        done, calls = run("--dry-run", **KIND)
        if done.returncode != 0 or [call for call in calls if not call.startswith("kubectl config ")]:
            yield f"{done.returncode}, calls {calls}: {done.stderr[-300:]}"
    if (copied.root / "deploy/local/site").exists():
        yield "it writes files"


def cut_off_and_run_again():
    for word in ("image-archive", "apply --server-side --kustomize=", "create job"):
        copied = Sandbox()
        done, _ = copied.run(fails=word, **KIND)
        if done.returncode == 0:
            yield f"a failure of `{word}` is not noticed"
        done, _ = copied.run(**KIND)
        if done.returncode != 0:
            yield f"cut off at `{word}`, it cannot be run again: {done.stderr[-300:]}"
    copied = Sandbox()
    done, calls = copied.run(fails="models list", **KIND)
    if done.returncode != 0 or len([call for call in calls if "models list" in call]) != 2:
        yield f"it does not wait until a pod of the page runs: {done.stderr[-300:]}"
    copied = Sandbox()
    done, calls = copied.run(FAKE_JOB="Failed", **KIND)
    told = "logs job/topics" in done.stderr and "get pods" in calls[-2] and "get events" in calls[-1]
    if done.returncode == 0 or not told:
        yield f"the failure of a Job ends with {done.returncode}: {done.stderr[-300:]}, {calls[-2:]}"


def foreign_contexts():
    """Nothing is called on a cluster that does not look local, unless its context is named."""
    for context, server in (
        ("gke_project_europe-west1_delaycast", "https://203.0.113.9"), ("production", "https://127.0.0.1:6443"),
        ("default", "https://203.0.113.9:6443"), ("default", "https://127.0.0.1.example.com:6443"),
        ("local", "https://127.0.0.1:6443"), ("kind-", "https://127.0.0.1:6443"),
        ("minikube-2", "https://192.168.49.2:8443"), ("", ""),
    ):
        fakes = {"FAKE_CONTEXT": context, "FAKE_SERVER": server} if context else {}
        copied = Sandbox()
        for run in (copied.run, copied.down):
            done, calls = run(**fakes)
            beyond = [call for call in calls if not call.startswith("kubectl config ")]
            if done.returncode == 0 or "error:" not in done.stderr or beyond:
                yield f"{context} at {server} is taken: {done.returncode}, {calls}"
            if context and "--context" not in done.stderr:
                yield f"{context}: it does not say what to do: {done.stderr}"
            if (copied.root / "deploy/local/site").exists():
                yield f"{context}: it writes files"
    named = {"FAKE_CONTEXT": "lab"}
    copied = Sandbox()
    done, calls = copied.run("--context", "lab", "--loaded", "1.2.3", **named)
    if done.returncode != 0 or not any("--context=lab" in call for call in calls):
        yield f"a context that is named is not taken: {done.stderr[-300:]}"
    done, calls = copied.run("--context", "lap", "--loaded", "1.2.3", **named)
    if done.returncode == 0 or changing(calls) or "lab" not in done.stderr:
        yield "a context that is not there is taken"


def ways_of_loading():
    """Each kind of cluster has its command; archives are loaded once, and instead of building."""
    ours = [f"delaycast-{each}:0.1.0-7" for each in ("score", "web", "train")]
    k3s = "k3s ctr images import" if os.getuid() == 0 else "sudo k3s ctr images import"
    for context, wanted, more in (
        ("kind-test", "kind load image-archive --name=test", {}),
        ("minikube", "minikube --profile=minikube image load", {}),
        ("default", k3s, {"FAKE_SERVER": "https://127.0.0.1:6443"}),
        ("kind-test", "loader --into nodes", {"DELAYCAST_LOAD": "loader --into nodes"}),
    ):
        copied, fakes = Sandbox(), {"FAKE_CONTEXT": context, **more}
        files = [copied.archive("ours.tar", *ours), copied.archive("kafka.tar", "docker.io/apache/kafka:3.9.1")]
        done, calls = copied.run(*files, **fakes)
        if done.returncode != 0 or [f"{wanted} {file}" for file in files] != [c for c in calls if c.startswith(wanted)]:
            yield f"{context}: {done.returncode}, {calls}: {done.stderr[-300:]}"
        if any(call.startswith("docker") for call in calls):
            yield f"{context}: images are built although they are given"
        objects = render(copied.root / "deploy/local/site") if done.returncode == 0 else []
        for thing in filter(None, [find(objects, "Deployment", "web")]):
            if thing["spec"]["template"]["spec"]["containers"][0]["image"] != ours[1]:
                yield f"{context}: the manifests do not have the tag of the archives"
        done, calls = copied.run(*files, **fakes)
        if done.returncode != 0 or changing(calls):
            yield f"{context}: the second run changes {changing(calls)}"


def refusals():
    copied = Sandbox()
    part = copied.archive("part.tar", "delaycast-score:1.0", "delaycast-web:1.0")
    mixed = copied.archive("mixed.tar", "delaycast-score:1.0", "delaycast-web:1.0", "delaycast-train:1.1")
    moving = copied.archive("moving.tar", *(f"delaycast-{each}:latest" for each in ("score", "web", "train")))
    (copied.root / "text").write_text("no archive")
    for words in (
        [part], [mixed], [moving], [str(copied.root / "text")], [str(copied.root / "none.tar")],
        ["--loaded", "latest"], ["--loaded", "latest-1"], ["--loaded", "1$(id)"], ["--loaded", "1.0", part], ["--loaded"], ["--context"], ["--dryrun"],
    ):
        done, calls = copied.run(*words, **KIND)
        if done.returncode == 0 or not done.stderr or changing(calls):
            yield f"{words} is taken: {done.stderr}, {changing(calls)}"
    done, calls = copied.run("--context", "lab", FAKE_CONTEXT="lab")
    if done.returncode == 0 or changing(calls) or "DELAYCAST_LOAD" not in done.stderr:
        yield f"images go to a cluster of an unknown kind: {calls}"
    done, _ = copied.down("now", **KIND)
    if done.returncode == 0:
        yield "down takes a word that it does not know"


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


def certificates():
    """The certificate is of the authority, has the names and usages of cert-manager's, and is replaced if deleted."""
    copied = Sandbox()
    copied.run("--loaded", "1.0", **KIND)
    first = copied.secrets()["score-mesh"]
    for key, value in first.items():
        (copied.root / key).write_bytes(base64.b64decode(value))
    authority, certificate, key = (str(copied.root / each) for each in ("ca.crt", "tls.crt", "tls.key"))
    if not openssl("verify", "-x509_strict", "-CAfile", authority, certificate).endswith("tls.crt: OK\n"):
        yield "the certificate is not of the authority"
    text = openssl("x509", "-in", certificate, "-noout", "-text")
    objects = list(yaml.safe_load_all((GKE / "google/mesh-certificates.yaml").read_text()))
    names = find(objects, "Certificate", "score-mesh")["spec"]["dnsNames"]
    if sorted(re.findall(r"DNS:([^,\s]+)", text)) != sorted(names):
        yield f"it has other names than cert-manager's: {text}"
    usages = "TLS Web Server Authentication, TLS Web Client Authentication"
    for words in (usages, "Digital Signature", "CA:FALSE", "P-256"):
        if words not in text:
            yield f"it lacks {words}: {text}"
    if openssl("x509", "-in", certificate, "-noout", "-checkend", str(30 * 86400)) != "Certificate will not expire\n":
        yield "it is not valid for a month"
    if openssl("pkey", "-in", key, "-pubout") != openssl("x509", "-in", certificate, "-noout", "-pubkey"):
        yield "the key is of another certificate"
    # As `kubectl delete secret score-mesh` does.
    for path in (copied.root / "made").iterdir():
        if path.read_text() == "secret score-mesh":
            path.unlink()
    done, calls = copied.run("--loaded", "1.0", **KIND)
    deleted = [call for call in changing(calls) if " delete pods " in call]
    if done.returncode != 0 or copied.secrets()["score-mesh"] == first or len(deleted) != 1:
        yield f"a deleted Secret is not renewed for all scorers at once: {changing(calls)}"


def down_and_up_again():
    copied = Sandbox()
    copied.run("--loaded", "1.0", **KIND)
    done, calls = copied.down(**KIND)
    if done.returncode != 0 or [c for c in calls if " delete " in c] != [
        "kubectl --context=kind-test delete namespace delaycast --timeout=5m"
    ]:
        yield f"down ends with {done.returncode} and deletes {calls}"
    said = done.stderr.partition("+ kubectl")[0]
    if not all(word in said for word in ("requests", "answers", "models", "kind-test")):
        yield f"it does not say first what it deletes: {done.stderr}"
    done, calls = copied.down(**KIND)
    if done.returncode != 0 or changing(calls):
        yield f"a second down ends with {done.returncode}, and changes {changing(calls)}"
    done, calls = copied.run("--loaded", "1.0", **KIND)
    if done.returncode != 0 or not any("create job train-" in call for call in calls):
        yield f"after down, up ends with {done.returncode}: {done.stderr[-300:]}"


def run(results):
    for case in (first_and_second_run, dry_run, cut_off_and_run_again, foreign_contexts, ways_of_loading, refusals,
                 certificates, down_and_up_again):
        results(f"local/up and down: {case.__name__}", case())
