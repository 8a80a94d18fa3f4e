"""Tests of deploy.sh against fake commands (fakes/): order, idempotence, errors, and the rendered manifests."""

import base64
import re

import yaml

import sandbox
from manifests import GKE_OVERLAYS, ROOT, find, render
from policy.references import MADE_BY_DEPLOY

ATLAS = "mongodb://u:hunter2@a.example.net,b.example.net/agile_data_science?tls=true&authSource=admin\n"
# The steps of a first `up` in order: each is in a call after the previous one.
ORDER = (
    "services enable", "networks create delaycast", "nats create", "repositories create", "builds submit",
    "clusters create-auto", "get-credentials", "buckets create", "buckets add-iam-policy-binding",
    "addresses create delaycast --global", "certificates create", "entries create", "upgrade --install cert-manager",
    "base/namespace.yaml", "--filename=-", "delete job topics", "--kustomize=", "create job train-", "get job topics",
    "statefulset/score", "deployment/web", "gateway/web",
)


class Sandbox(sandbox.Sandbox):
    """A copy of the files of deploy.sh, a configuration, and fakes on the PATH."""

    def __init__(self, overlay="self-hosted", **configuration):
        super().__init__("deploy/gke/deploy.sh", "gke", "lib")
        self.config = self.root / "deploy/gke/config.env"
        example = self.config.with_name("config.env.example").read_text()
        values = {"PROJECT": "example-project", "OVERLAY": overlay, **configuration}
        if overlay == "managed" and "MONGODB_URL_FILE" not in configuration:
            values["MONGODB_URL_FILE"] = str(self.root / "url")
            (self.root / "url").write_text(ATLAS)
        for called, value in values.items():
            example = re.sub(rf"(?m)^{called}=.*$", lambda _, line=f"{called}={value}": line, example)
        self.config.write_text(example)


def sites():
    """Yields (name, objects) of what `up` builds for each overlay."""
    for overlay in GKE_OVERLAYS:
        copied = Sandbox(overlay, SPARE="1")
        done, _ = copied.run()
        if done.returncode != 0:
            raise RuntimeError(f"deploy.sh fails:\n{done.stderr}")
        yield overlay, render(copied.root / "deploy/gke/site")


def making(calls):
    """Returns the calls that create, change or delete a resource, without idempotent ones."""
    verbs = r" (create|create-auto|delete|rm|submit|push|build) | delete pods"
    idempotent = ("delete job topics", "--field-selector=spec.nodeName=")
    return [call for call in calls if re.search(verbs, call) and not any(words in call for words in idempotent)]


def first_and_second_run(overlay):
    copied = Sandbox(overlay)
    done, calls = copied.run()
    if done.returncode != 0 or not re.fullmatch(r"https://\S+/\n", done.stdout):
        yield f"the first run ends with {done.returncode}, {done.stdout!r}: {done.stderr[-600:]}"
        return
    position = -1
    for step in ORDER:
        following = [at for at, call in enumerate(calls) if at > position and step in call]
        if not following:
            yield f"no `{step}` in its place: {calls}"
            return
        position = following[0]
    text = "\n".join(calls)
    secrets = {path.name.removeprefix("secret-"): yaml.safe_load(path.read_text()) for path in copied.root.glob("secret-*")}
    wanted = {called for called in MADE_BY_DEPLOY if overlay == "self-hosted" or called == "delaycast-store"}
    if {called: set(data) for called, data in secrets.items()} != {called: MADE_BY_DEPLOY[called] for called in wanted}:
        yield f"secrets: {secrets.keys()}"
    for data in secrets.values():
        for key, value in data.items():
            plain = base64.b64decode(value).decode()
            if "password" in key and (plain in text or plain in done.stderr or len(plain) < 32):
                yield f"{key} is short, or can be read where it should not"
            if key == "url" and (plain in text or plain in done.stderr or "\n" in plain):
                yield "the URL of the store can be read where it should not"
    if any("--context=gke_example-project_europe-west1_delaycast" not in call for call in calls if call.startswith("kubectl")):
        yield "kubectl is used without saying which cluster is meant"
    done, calls = copied.run()
    if done.returncode != 0 or making(calls):
        yield f"the second run ends with {done.returncode} and makes {making(calls)}: {done.stderr[-300:]}"
    again = {path.name.removeprefix("secret-"): yaml.safe_load(path.read_text()) for path in copied.root.glob("secret-*")}
    if again != secrets:
        yield "the second run makes other passwords"


def dry_run(overlay):
    copied = Sandbox(overlay)
    for words in (["--dry-run"], ["--dry-run", "teardown"], ["--dry-run", "scale", "5"], ["--dry-run", "rollout"]):
        before = copied.config.read_text()
        done, calls = copied.run(*words)
        if done.returncode != 0 or calls:
            yield f"{words} ends with {done.returncode} and calls {calls}: {done.stderr[-300:]}"
        if (copied.root / "deploy/gke/site").exists() or copied.config.read_text() != before:
            yield f"{words} writes files"
        if done.stderr.count("\n+ ") < 3:
            yield f"{words} prints too few commands: {done.stderr}"


def cut_off_and_run_again():
    for word in ("create-auto", "--kustomize=", "create job"):
        copied = Sandbox()
        done, _ = copied.run(fails=word)
        if done.returncode == 0:
            yield f"a failure of `{word}` is not noticed"
        done, _ = copied.run()
        if done.returncode != 0:
            yield f"cut off at `{word}`, it cannot be run again: {done.stderr[-300:]}"


def images_built_here():
    copied = Sandbox(BUILD="docker", TAG="1.2.3")
    done, calls = copied.run("step", "images")
    images = [f"europe-west1-docker.pkg.dev/example-project/delaycast/{each}:1.2.3" for each in ("score", "web", "train")]
    pushed = [call.split()[-1] for call in calls if call.startswith("docker push")]
    if done.returncode != 0 or pushed != images or len([call for call in calls if call.startswith("docker build")]) != 3:
        yield f"{done.returncode}, {pushed}: {done.stderr[-300:]}"
    done, calls = copied.run("step", "images")
    if done.returncode != 0 or making(calls):
        yield "images that are in the registry are built again"


def replicas_of(copied):
    objects = render(copied.root / "deploy/gke/site")
    return find(objects, "StatefulSet", "score")["spec"]["replicas"]


def rollout_and_scale():
    copied = Sandbox()
    copied.run()
    done, calls = copied.run("rollout")
    deleted = making(calls)
    if done.returncode != 0 or len(deleted) != 1 or "--selector=app.kubernetes.io/name=score" not in deleted[0]:
        yield f"a rollout deletes {deleted}"
    if not any("readyReplicas}=3" in call for call in calls[calls.index(deleted[0]):]):
        yield "a rollout does not wait"
    done, calls = copied.run("scale", "4")
    text = "\n".join(calls)
    if done.returncode != 0 or not 0 <= text.find("--kustomize=") < text.find("delete pods") < text.find("readyReplicas}=4"):
        yield f"scale does not apply, delete and wait: {calls}"
    if replicas_of(copied) != 4 or copied.config.read_text().count("DELAYCAST_REPLICAS=") != 1:
        yield "scale does not reach the StatefulSet by the configuration"
    for fault in ({"fails": "PodScheduled"}, {"FAKE_CORDONED": "node-1", "FAKE_PODS_THERE": "score-1 is on node-1"}):
        for words in (["rollout"], ["scale", "5"]):
            done, calls = copied.run(*words, **fault)
            if done.returncode == 0 or making(calls) or not re.search("error: (no scorer|there is no room)", done.stderr):
                yield f"without room {words} stops {making(calls)}: {done.stderr[-300:]}"
            if replicas_of(copied) != 4 or "DELAYCAST_REPLICAS=4" not in copied.config.read_text():
                yield "without room another number of scorers stays in the manifests"
            copied.forget_failures()
    for word in ("0", "-1", "two", ""):
        done, calls = copied.run("scale", word)
        if done.returncode == 0 or calls:
            yield f"scale {word!r} is taken"
    done, calls = copied.run("scale", "2")
    text = "\n".join(calls)
    # Kubernetes stops the last ones at once, and nobody answers from then on.
    if done.returncode != 0 or not 0 <= text.find("--kustomize=") < text.find("delete pods") < text.find("kafka/delaycast"):
        yield f"a smaller number of scorers waits for the topics: {calls}"


def teardown():
    for overlay in GKE_OVERLAYS:
        copied = Sandbox(overlay, DOMAIN="first.example.com")
        copied.run()
        copied.config.write_text(copied.config.read_text().replace("first.example.com", "second.example.com"))
        copied.run()
        before = copied.made()
        if len([each for each in before if " certificates " in f" {each} "]) != 2:
            yield f"two domains have not two certificates: {before}"
        done, calls = copied.run("teardown", says="example\n")
        if done.returncode == 0 or copied.made() != before or making(calls):
            yield "a wrong name is enough to delete"
        done, _ = copied.run("teardown", says="example-project\n")
        left = [each for each in copied.made() if not re.match(r"secret|revision|[0-9a-f]{10}$|a model|images|failed", each)]
        if done.returncode != 0 or left:
            yield f"{overlay}: {done.returncode}, what stays: {left}: {done.stderr[-300:]}"
        done, calls = copied.run("--yes", "teardown")
        if done.returncode != 0 or making(calls):
            yield f"a second teardown ends with {done.returncode}, and deletes {making(calls)}"


def refusals():
    for configuration, words in (
        ({"PROJECT": ""}, []),
        ({"OVERLAY": "other"}, []),
        ({"SPARE": "yes"}, []),
        ({"BUILD": "podman"}, []),
        ({"DELAYCAST_REPLICAS": "3\nDELAYCAST_REPLICA=4"}, []),
        ({"DELAYCAST_REPLICAS": "3\nDELAYCAST_VERSION=2"}, []),
        ({"TAG": "x\nREGON=us-east1"}, []),
        ({}, ["--dryrun"]),
        ({}, ["destroy"]),
        ({}, ["step", "nothing"]),
        ({"OVERLAY": "managed", "MONGODB_URL_FILE": ""}, ["step", "secrets"]),
    ):
        done, calls = Sandbox(**{"overlay": configuration.pop("OVERLAY", "self-hosted"), **configuration}).run(*words)
        if done.returncode == 0 or "error:" not in done.stderr or making(calls):
            yield f"{configuration} {words} is taken: {done.stderr}"
    copied = Sandbox("managed")
    for url in ("mongodb+srv://u:p@cluster.example.net/db", "mongodb://u:p@a.example.net/", "https://example.net/db"):
        (copied.root / "url").write_text(url)
        done, _ = copied.run("step", "secrets")
        if done.returncode == 0 or url in done.stderr:
            yield f"the URL {url} is taken, or shown"
    copied = Sandbox(TAG=f"$(touch {ROOT}/target/executed)`touch {ROOT}/target/executed`")
    copied.run("step", "manifests")
    if (ROOT / "target/executed").exists():
        yield "the configuration is executed"


def run(results):
    for overlay in GKE_OVERLAYS:
        results(f"deploy.sh: {overlay}, first and second run", first_and_second_run(overlay))
        results(f"deploy.sh: {overlay}, dry run", dry_run(overlay))
    for case in (cut_off_and_run_again, images_built_here, rollout_and_scale, teardown, refusals):
        results(f"deploy.sh: {case.__name__}", case())
