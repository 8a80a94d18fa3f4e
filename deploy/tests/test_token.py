"""Tests of token_server.py of the managed overlay, against a fake metadata server on loopback."""

import base64
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from manifests import GKE

SERVER = GKE / "overlays/managed/token_server.py"


class Metadata(http.server.BaseHTTPRequestHandler):
    works = True

    def do_GET(self):
        token = json.dumps({"access_token": "ya29.secret", "expires_in": 1800, "token_type": "Bearer"})
        answers = {"token": token, "email": "kafka@example-project.iam.gserviceaccount.com"}
        right = self.path.startswith("/computeMetadata/v1/instance/service-accounts/default/")
        if not (right and self.works and self.headers["Metadata-Flavor"] == "Google"):
            self.send_error(403)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answers[self.path.rpartition("/")[2]].encode())

    def log_message(self, *_):
        pass


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def ask(port):
    # The request of librdkafka: a posted form.
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=b"grant_type=client_credentials")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def problems():
    metadata = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=metadata.serve_forever, daemon=True).start()
    port = free_port()
    environment = {
        **os.environ,
        "DELAYCAST_METADATA_URL": f"http://127.0.0.1:{metadata.server_port}",
        "DELAYCAST_TOKEN_PORT": str(port),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    check = [sys.executable, SERVER, "--check"]
    server = subprocess.Popen([sys.executable, SERVER], env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if subprocess.run(check, env=environment, stderr=subprocess.DEVNULL, timeout=20, check=False).returncode == 0:
                break
            time.sleep(0.05)
        else:
            yield "it does not serve"
            return
        answer = ask(port)
        header, claims, token = answer["access_token"].split(".")
        claims = json.loads(decoded(claims))
        if json.loads(decoded(header)) != {"typ": "JWT", "alg": "GOOG_OAUTH2_TOKEN"}:
            yield f"header {decoded(header)}"
        if decoded(token) != "ya29.secret" or claims["sub"] != "kafka@example-project.iam.gserviceaccount.com":
            yield f"claims {claims}"
        if claims["exp"] - claims["iat"] != 1800 or answer["expires_in"] != 1800:
            yield f"it does not tell how long the token is good for: {claims}"
        Metadata.works = False
        try:
            ask(port)
            yield "it answers without a token"
        except urllib.error.HTTPError as error:
            if error.code != 424:
                yield f"without a token it answers {error.code}"
        if subprocess.run(check, env=environment, stderr=subprocess.DEVNULL, timeout=20, check=False).returncode == 0:
            yield "the startup probe succeeds without a token"
        alive = [sys.executable, SERVER, "--alive"]
        if subprocess.run(alive, env=environment, stderr=subprocess.DEVNULL, timeout=20, check=False).returncode != 0:
            yield "the liveness probe would restart it for the metadata server's outage"
        server.terminate()
        server.wait(timeout=10)
        if subprocess.run(alive, env=environment, stderr=subprocess.DEVNULL, timeout=20, check=False).returncode == 0:
            yield "the liveness probe succeeds without a server"
    finally:
        Metadata.works = True
        server.terminate()
        server.wait(timeout=10)
        metadata.shutdown()


def run(results):
    results("token_server.py: wraps the token of the metadata server, and says so when there is none", problems())
