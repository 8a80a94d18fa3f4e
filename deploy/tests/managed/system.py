"""The system that is tried: a broker, Google, the token server, a scorer and a page, as the overlay connects them."""

import contextlib
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import overlay
from broker import Broker
from fake_google import Google
from process import Process, free_ports

# Google's tokens live for an hour, and the metadata server renews them when five minutes are left.
LIFE_S, RENEWED_S = 90, 20
# Time for an answer, also when a session has to be renewed for it.
ANSWERED_WITHIN_S = 15
CLASSIFY = "/flights/delays/predict/classify_realtime"
FLIGHT = {"Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2016-12-25", "DepDelay": "5"}


def expect(holds, otherwise):
    if not holds:
        raise RuntimeError(otherwise)


def environment(**variables):
    # Neither a proxy of this machine nor its settings of delaycast are those of the pod.
    kept = {name: value for name, value in os.environ.items() if not re.search("proxy|delaycast", name, re.IGNORECASE)}
    return kept | variables


class System:
    """All that runs. It is ended by leaving `ends`."""

    def __init__(self, folder, jars, classes, program):
        self.folder, self.program = folder, program
        self.ends = contextlib.ExitStack()
        [self.token_port] = free_ports(1)
        self.google = Google(overlay.given()["DELAYCAST_KAFKA_ACCOUNT"], LIFE_S, RENEWED_S)
        self.ends.callback(self.google.close)
        self.broker = Broker(folder, jars, classes, self.google)
        self.values = overlay.settings(self.broker.address, self.broker.authority, self.token_port)
        self.urls = overlay.log_urls(self.values) | {"DELAYCAST_STORE_URL": f"sqlite:{folder}/store.db"}
        self.models = folder / "models"
        self.token_server = self.scorer = self.web = None
        self.base = ""

    def start(self, name, *words, **variables):
        process = Process(name, words, environment(**variables), self.folder)
        self.ends.callback(process.stop)
        return process

    def start_broker(self):
        self.ends.callback(self.broker.stop)
        self.broker.start()

    def delaycast(self, *words, seconds=90):
        """Runs a command to its end, and returns its exit code and its output."""
        done = subprocess.run(
            [self.program, *words],
            env=environment(**self.urls),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def create_topics(self, values=None):
        """Does what the Job `topics` does."""
        values = values or self.values
        return self.delaycast(*overlay.topics_arguments(values | overlay.log_urls(values)))

    def start_token_server(self):
        self.token_server = self.start("token-server", *overlay.token_server(), **self.sidecar())

    def sidecar(self):
        metadata = f"http://127.0.0.1:{self.google.metadata.port}"
        return self.values | {"PYTHONDONTWRITEBYTECODE": "1", "DELAYCAST_METADATA_URL": metadata}

    def without_token(self):
        """Returns how often the token server had no token."""
        return self.token_server.output().count("no token")

    @property
    def endpoint(self):
        return f"localhost:{self.token_port}"

    def start_scorer(self):
        health = f"127.0.0.1:{free_ports(1)[0]}"
        words = ["score", "--models", self.models, "--workers", "1", "--health", health]
        self.scorer = self.start("score", self.program, *words, **self.urls)

    def start_web(self):
        [port] = free_ports(1)
        self.web = self.start("web", self.program, "web", "--models", self.models, "--port", port, **self.urls)
        self.base = f"http://127.0.0.1:{port}"
        self.web.wait_for("delaycast is ready", 90)

    def probe(self, which):
        """Runs a probe of the sidecar; returns whether it succeeds."""
        command = [*overlay.token_server(), which]
        variables = environment(**self.sidecar())
        done = subprocess.run(command, env=variables, capture_output=True, timeout=30, check=False)
        return done.returncode == 0

    def wait_until(self, what, holds, seconds):
        deadline = time.monotonic() + seconds
        while not holds():
            expect(time.monotonic() < deadline, f"not within {seconds} s: {what}")
            time.sleep(0.1)

    def publish(self):
        """Sends a request through the page, and returns its id."""
        form = urllib.parse.urlencode(FLIGHT).encode()
        with urllib.request.urlopen(self.base + CLASSIFY, data=form, timeout=ANSWERED_WITHIN_S) as answer:
            return json.load(answer)["id"]

    def can_publish(self):
        try:
            self.publish()
        except urllib.error.HTTPError:
            return False
        return True

    def is_answered(self, request):
        with urllib.request.urlopen(f"{self.base}{CLASSIFY}/response/{request}", timeout=ANSWERED_WITHIN_S) as answer:
            return json.load(answer)["status"] == "OK"

    def answered(self):
        """Sends a request, waits for its answer, and returns the seconds that both took."""
        began = time.monotonic()
        request = self.publish()
        self.wait_until("an answer", lambda: self.is_answered(request), ANSWERED_WITHIN_S)
        return time.monotonic() - began
