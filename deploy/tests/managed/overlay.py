"""The managed overlay as pods get it: its settings, the URL of the log, and the commands of its containers."""

import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).resolve().parents[3]
BASE = ROOT / "deploy/gke/base"
MANAGED = ROOT / "deploy/gke/overlays/managed"
POD = MANAGED / "log-of-pods.yaml"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def given():
    """Returns the ConfigMap `settings` of the overlay."""
    values = {}
    for path in (BASE / "settings.env", MANAGED / "settings.env"):
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.partition("=")
                values[name] = value
    return values


def settings(broker, authority, token_port):
    """Returns the ConfigMap `settings`, with the places of this machine in it."""
    values = given()
    options = values["DELAYCAST_KAFKA_OPTIONS"]
    if AUTHORITIES not in options:
        raise ValueError(f"{MANAGED}/settings.env: DELAYCAST_KAFKA_OPTIONS does not name {AUTHORITIES}")
    return values | {
        "DELAYCAST_KAFKA_HOSTS": broker,
        "DELAYCAST_KAFKA_OPTIONS": options.replace(AUTHORITIES, str(authority)),
        "DELAYCAST_TOKEN_PORT": str(token_port),
        # There is one broker.
        "DELAYCAST_REPLICATION": "1",
    }


def expanded(text, values):
    """Replaces $(NAME) as the kubelet does."""
    return re.sub(r"\$\(([A-Z_]+)\)", lambda name: values[name[1]], text)


def found(pattern, path):
    match = re.search(pattern, path.read_text(), re.MULTILINE)
    if match is None:
        raise ValueError(f"{path}: nothing in it matches {pattern}")
    return match[1]


def log_urls(values):
    """Returns the variables of the logs of requests and of events."""
    names = ("DELAYCAST_LOG_URL", "DELAYCAST_EVENTS")
    return {name: expanded(found(rf"^ +- name: {name}\n +value: (\S+)$", POD), values) for name in names}


def listed(path, key):
    """Returns the items of the first list with this key: they are plain strings."""
    block = found(rf"^ +{key}:\n((?: +- \S.*\n)+)", path)
    return [shlex.split(line.strip().removeprefix("- "))[0] for line in block.splitlines()]


def token_server():
    """Returns the command of the sidecar, with the path of the file that its volume has."""
    interpreter, script = listed(POD, "command")
    return interpreter, str(MANAGED / pathlib.PurePath(script).name)


def topics_arguments(values):
    return [expanded(word, values) for word in listed(BASE / "topics.yaml", "args")]
