"""The deployment of a student on the same cluster: deploy/local/up and down, as docs/deployment.md has them."""

import json
import os
import shlex
import subprocess
import time

from cluster import ROOT, SCRIPT, Failed, find, in_place, kubectl, run, wait_until

LOCAL = ROOT / "deploy/local"
PAGE = "http://127.0.0.1:5001/flights/delays/predict/classify_realtime"
FORM = "Carrier=AA&Origin=ATL&Dest=SFO&FlightDate=2016-12-25&DepDelay=5"
DEPLOY_S = 1200


def check(archives):
    """Deploys into an empty cluster, asks, deploys again, and deletes all. Returns the seconds of each."""
    kubectl("delete", "namespace", "delaycast", "--ignore-not-found", "--timeout=5m", seconds=330)
    began = time.monotonic()
    forward = shlex.split(up(archives).splitlines()[-1])
    deployed = time.monotonic() - began
    with subprocess.Popen(forward, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as forwarded:
        try:
            wait_until("an answer through the page", 60, ask)
        finally:
            forwarded.terminate()
    answered = time.monotonic() - began
    began = time.monotonic()
    up(archives)
    again = time.monotonic() - began
    began = time.monotonic()
    local("down", seconds=330)
    if find("namespaces", "delaycast"):
        raise Failed("deploy/local/down has left the namespace")
    down = time.monotonic() - began
    return f"up {deployed:.0f} s, an answer after {answered:.0f} s; up again {again:.0f} s; down {down:.0f} s"


def local(command, *words, seconds):
    return run(LOCAL / command, *words, seconds=seconds, env={**os.environ, "KUBECTL": f"{SCRIPT} kubectl"})


def up(archives):
    return local("up", *archives, seconds=DEPLOY_S)


def ask():
    """Asks as the page does; returns the answer, or raises Failed."""
    asked = request("--data", FORM, PAGE)["id"]
    return wait_until(f"an answer to {asked}", 30, lambda: request(f"{PAGE}/response/{asked}").get("prediction"), pause=0.1)


def request(*words):
    """Makes a request in the network of the forwarded port, and returns the JSON of its response."""
    curl = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "10", *words]
    return json.loads(run(*in_place("control", *curl)))
