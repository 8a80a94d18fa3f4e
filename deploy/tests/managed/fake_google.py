"""What the managed overlay needs of Google, on loopback: a metadata server, and the check of an access token.

The metadata server keeps a token until little of its life is left, as Google's does: a client that asks early gets the
same token again. Each part has a port of its own, because they fail apart from each other.
"""

import http.server
import json
import secrets
import threading
import time
import urllib.parse

ACCOUNTS = "/computeMetadata/v1/instance/service-accounts/default/"


class Google:
    """Tokens of one account. `kind` is what the metadata server issues from now on:

    right: tokens that are valid; revoked: tokens that have expired for who checks them, though not by their claims;
    foreign: tokens that another authority has made.
    """

    def __init__(self, account, life_s, renewed_s):
        self.account, self.life_s, self.renewed_s = account, life_s, renewed_s
        self.kind = "right"
        self.hangs = False
        self.issued = {}
        self.current = None
        self.checked = set()
        self.lock = threading.Lock()
        self.metadata = Server(self.serve_metadata)
        self.check = Server(self.serve_check)

    def issue(self, kind="right", life_s=None, account=None):
        """Returns a new access token and the time of its end."""
        token = "ya29." + secrets.token_urlsafe(120)
        ends = time.time() + (life_s or self.life_s)
        with self.lock:
            if kind != "foreign":
                self.issued[token] = (account or self.account, 0 if kind == "revoked" else ends)
        return token, ends

    def change(self, kind, life_s=None):
        """Issues tokens of another kind from now on, and of another life."""
        self.kind, self.life_s = kind, life_s or self.life_s
        self.current = None

    def serve_metadata(self, request):
        if request.headers["Metadata-Flavor"] != "Google":
            return 403, "Missing required header: Metadata-Flavor"
        if self.hangs:
            time.sleep(60)
        if request.path == ACCOUNTS + "email":
            return 200, self.account
        if request.path != ACCOUNTS + "token":
            return 404, "not found"
        current = self.current
        if current is None or current[1] - time.time() < self.renewed_s:
            current = self.current = self.issue(self.kind)
        token, ends = current
        return 200, json.dumps({"access_token": token, "expires_in": int(ends - time.time()), "token_type": "Bearer"})

    def serve_check(self, request):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
        token = asked.get("access_token", [""])[0]
        with self.lock:
            self.checked.add(token)
            account, ends = self.issued.get(token, ("", 0))
        left = int(ends - time.time())
        if left <= 0:
            return 400, json.dumps({"error": "invalid_token"})
        return 200, json.dumps({"email": account, "expires_in": left})

    def close(self):
        self.metadata.stop()
        self.check.stop()


class Server:
    """An HTTP server at a port that it keeps: it can be stopped and started again."""

    def __init__(self, serve):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, text = serve(self)
                try:
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(text.encode())
                except OSError:
                    pass  # The client has not waited.

            def log_message(self, *_):
                pass

        self.handler, self.port, self.server = Handler, 0, None
        self.start()

    def start(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
