"""Tests of compose.yaml and the Dockerfile: fixed tags, loopback ports, and containers restricted as on Kubernetes."""

import copy
import re

import yaml

from manifests import GKE, LOCAL, ROOT

OURS = ("topics", "train", "score", "batch", "web")
# What starts with the profile `system`; the others are run one by one.
BY_HAND = ("batch",)
TARGETS = {"topics": "score", "train": "train", "score": "score", "batch": "score", "web": "web"}


def problems(compose):
    services = compose["services"]
    if set(services) != {"kafka", "mongo", *OURS}:
        yield f"the services are {sorted(services)}"
        return
    for called, service in services.items():
        if not re.search(r":(local|[0-9][0-9.]*)$", service["image"]):
            yield f"{called}: the image {service['image']} has no fixed tag"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{called}: {port} is open to others"
        if service.get("privileged"):
            yield f"{called}: privileged"
        for other, wish in service.get("depends_on", {}).items():
            if wish["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{called}: waits for the health of {other}, which tells none"
    for called in OURS:
        service = services[called]
        if service.get("profiles") != ([called] if called in BY_HAND else ["system"]):
            yield f"{called}: starts with the two services alone"
        if service.get("read_only") is not True or service.get("cap_drop") != ["ALL"]:
            yield f"{called}: not locked down"
        if service["build"]["target"] != TARGETS[called]:
            yield f"{called}: built as {service['build']['target']}"
    # The same versions here and on Kubernetes.
    mongo = services["mongo"]["image"]
    if mongo not in (GKE / "mongo/mongo.yaml").read_text():
        yield f"Kubernetes has another MongoDB than {mongo}"
    kafka = services["kafka"]["image"]
    if f"image: {kafka}\n" not in (LOCAL / "overlay/kafka.yaml").read_text():
        yield f"the small cluster has another Kafka than {kafka}"
    version = kafka.partition(":")[2]
    if f"version: {version}\n" not in (GKE / "overlays/self-hosted/kafka.yaml").read_text():
        yield f"Kubernetes has another Kafka than {version}"


def dockerfile(text):
    """Yields violations that hadolint does not find: a numeric user, as in the manifests; a base with a version; all
    targets; no downloads at the start of a container."""
    last = text.rpartition("AS runtime")[2]
    users = re.findall(r"(?m)^USER (.*)$", text)
    user = re.search(r"runAsUser: (\d+)", (GKE / "base/score.yaml").read_text()).group(1)
    if users != [f"{user}:{user}"] or "USER" not in last:
        yield f"the users are {users}"
    if set(re.findall(r"(?m)^FROM runtime AS (\w+)$", text)) != {"score", "web", "train"}:
        yield "the targets are not score, web and train"
    if not all(re.search(r":[^:]*\d", image) for image in re.findall(r"(?m)^ARG \w+_IMAGE=(.*)$", text)):
        yield "a base image has no version"
    if re.search(r"(?m)^(RUN|ADD) ", last):
        yield "the image of what runs is made by more than copying"


def versions():
    cargo = re.search(r'\[workspace\.package\]\s+version = "([^"]+)"', (ROOT / "Cargo.toml").read_text()).group(1)
    if f"\nDELAYCAST_VERSION={cargo}\n" not in (GKE / "base/settings.env").read_text():
        yield f"settings.env has another version than Cargo.toml, which has {cargo}"


def run(results):
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    results("compose.yaml", problems(compose))
    for change in (
        lambda services: services["kafka"].update(image="apache/kafka:latest"),
        lambda services: services["web"].update(ports=["5001:5001"]),
        lambda services: services["score"].pop("read_only"),
        lambda services: services["train"].pop("profiles"),
        lambda services: services["kafka"].pop("healthcheck"),
        lambda services: services["mongo"].update(image="mongo:7.0.1"),
    ):
        changed = copy.deepcopy(compose)
        change(changed["services"])
        results("compose.yaml: a broken one is seen", [] if list(problems(changed)) else ["it was not seen"])
    text = (ROOT / "deploy/docker/Dockerfile").read_text()
    results("Dockerfile", dockerfile(text))
    for old, new in (("USER 65532:65532", "USER nobody"), ("1.95.0-slim", "slim"), ("AS train", "AS trainer")):
        found = list(dockerfile(text.replace(old, new)))
        results(f"Dockerfile: {new} is seen", [] if found else ["it was not seen"])
    results("one version, in Cargo.toml and in settings.env", versions())
