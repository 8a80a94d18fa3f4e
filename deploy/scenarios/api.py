"""Reads objects of the cluster through `kubectl proxy`.

A kubectl for each look would take a tenth of a second of a processor, several times a second, beside what is
measured."""

import http.client
import json
import socket
import subprocess
import time
import urllib.parse

SERVED = {
    "pods": "api/v1",
    "secrets": "api/v1",
    "nodes": "api/v1",
    "namespaces": "api/v1",
    "statefulsets": "apis/apps/v1",
    "deployments": "apis/apps/v1",
    "endpointslices": "apis/discovery.k8s.io/v1",
    "horizontalpodautoscalers": "apis/autoscaling/v2",
    "certificates": "apis/cert-manager.io/v1",
    "kafkas": "apis/kafka.strimzi.io/v1beta2",
    "gateways": "apis/gateway.networking.k8s.io/v1",
}
WITHOUT_NAMESPACE = ("nodes", "namespaces")


class Failed(Exception):
    """A command failed, or something did not come in time. The text says what."""


class Api:
    """Starts the proxy with its `with`. Its socket is a file, so that it is reached from any network."""

    def __init__(self, script, path):
        self.script, self.path, self.process = script, path, None

    def __enter__(self):
        self.path.unlink(missing_ok=True)
        command = [str(self.script), "kubectl", "proxy", f"--unix-socket={self.path}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self.path.exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise Failed(f"kubectl proxy does not serve at {self.path}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def find(self, kind, name="", selector="", namespace="", seconds=10):
        """Returns an object, or a list of them without a name; None if there is none."""
        place = "" if kind in WITHOUT_NAMESPACE else f"/namespaces/{namespace}"
        path = f"/{SERVED[kind]}{place}/{kind}" + (f"/{name}" if name else "")
        if selector:
            path += "?labelSelector=" + urllib.parse.quote(selector)
        connection = Connection(self.path, seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"{path}: {error}") from error
        finally:
            connection.close()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise Failed(f"{path}: status {answer.status}: {text[:300].decode(errors='replace')}")
        return json.loads(text)


class Connection(http.client.HTTPConnection):
    """HTTP over a socket that is a file."""

    def __init__(self, path, seconds):
        super().__init__("localhost", timeout=seconds)
        self.file = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.file))
