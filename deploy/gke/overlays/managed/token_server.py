"""An OAuth token endpoint for librdkafka in the same pod, with tokens for Google's Managed Kafka.

The metadata server of Google Cloud issues an access token for the pod's account. Managed Kafka accepts it over OAUTHBEARER
in the form of a JWT: header.claims.token, where the third part is the access token itself, unsigned. Each response is built
anew; the metadata server caches and renews the token.

It listens on loopback only. `--check` requests a token from a running server and fails without one; `--alive` accepts any
response, because a restart does not repair the metadata server.
"""

import base64
import http.server
import json
import os
import sys
import time
import urllib.error
import urllib.request

METADATA = os.environ.get("DELAYCAST_METADATA_URL", "http://metadata.google.internal")
ACCOUNT = METADATA + "/computeMetadata/v1/instance/service-accounts/default/"
PORT = int(os.environ.get("DELAYCAST_TOKEN_PORT", "14293"))
TIMEOUT_S = 4
# Failed Dependency. librdkafka repeats a request that 502 or 503 answers for 50 s before it reports the reason, which
# is the text of the answer; after this one it reports at once, and asks again 10 s later.
NO_TOKEN = 424


def metadata(what):
    request = urllib.request.Request(ACCOUNT + what, headers={"Metadata-Flavor": "Google"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        return answer.read(65536).decode()


def encoded(part):
    return base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")


def wrapped(token, account, now):
    """Returns the token in the form of Managed Kafka, and the seconds until it expires."""
    lasts = int(token["expires_in"])
    claims = {"exp": now + lasts, "iat": now, "iss": "Google", "scope": "kafka", "sub": account}
    header = {"typ": "JWT", "alg": "GOOG_OAUTH2_TOKEN"}
    parts = [json.dumps(header), json.dumps(claims), token["access_token"]]
    return ".".join(encoded(part) for part in parts), lasts


class Tokens(http.server.BaseHTTPRequestHandler):
    timeout = TIMEOUT_S

    def answer(self):
        # The request's grant type, id and secret are ignored.
        self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 65536))
        try:
            token = json.loads(metadata("token"))
            wrapping, lasts = wrapped(token, metadata("email").strip(), int(time.time()))
        except (OSError, ValueError, KeyError) as error:
            reason = f"no token from the metadata server {METADATA}: {error!r}"
            print(reason, file=sys.stderr, flush=True)
            self.send(NO_TOKEN, "text/plain", reason)
            return
        self.send(200, "application/json", json.dumps({"access_token": wrapping, "token_type": "bearer", "expires_in": lasts}))

    def send(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        """Logs no successful requests."""


def main():
    if sys.argv[1:]:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=2 * TIMEOUT_S + 1).close()
        except urllib.error.HTTPError:
            if sys.argv[1] != "--alive":
                raise
        return
    http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Tokens).serve_forever()


if __name__ == "__main__":
    main()
