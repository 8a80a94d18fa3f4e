"""A session with a Kafka broker over SASL_SSL and OAUTHBEARER, in its protocol: it shows what the broker itself does.

The messages are in https://kafka.apache.org/protocol.html.
"""

import base64
import json
import socket
import ssl
import struct
import time

SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 17, 18, 36
TIMEOUT_S = 10


def encoded(part):
    return base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")


def token(access_token, account, ends, **changed):
    """Returns a token as Google documents it; `changed` replaces fields of header and claims."""
    claims = {"exp": int(ends), "iat": int(time.time()), "iss": "Google", "scope": "kafka", "sub": account}
    header = {"typ": "JWT", "alg": "GOOG_OAUTH2_TOKEN"}
    for part in (header, claims):
        part.update({name: changed[name] for name in part.keys() & changed.keys()})
    return ".".join(encoded(part) for part in (json.dumps(header), json.dumps(claims), access_token))


class Refused(Exception):
    """The broker has refused the token."""


class Session:
    def __init__(self, port, authority):
        context = ssl.create_default_context(cafile=str(authority))
        plain = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def call(self, key, version, body):
        message = struct.pack(">hhih", key, version, 7, -1) + body
        self.socket.sendall(struct.pack(">i", len(message)) + message)
        return self.read(struct.unpack(">i", self.read(4))[0])[4:]

    def read(self, count):
        found = b""
        while len(found) < count:
            part = self.socket.recv(count - len(found))
            if not part:
                raise EOFError("the broker has closed the session")
            found += part
        return found

    def authenticate(self, value):
        """Returns the seconds after which the session ends."""
        mechanism = b"OAUTHBEARER"
        answer = self.call(SASL_HANDSHAKE, 1, struct.pack(">h", len(mechanism)) + mechanism)
        if struct.unpack(">h", answer[:2])[0] != 0:
            raise Refused("the mechanism is not enabled")
        proof = f"n,,\1auth=Bearer {value}\1\1".encode()
        answer = self.call(SASL_AUTHENTICATE, 1, struct.pack(">i", len(proof)) + proof)
        error, message = struct.unpack(">hh", answer[:4])
        rest = answer[4 + max(message, 0) :]
        length = struct.unpack(">i", rest[:4])[0]
        # A refused token is answered with the reason, and without an error of the protocol.
        if error != 0 or length > 0:
            raise Refused(rest[4 : 4 + length].decode() or f"error {error}")
        return struct.unpack(">q", rest[4 + length : 12 + length])[0] / 1000

    def ask(self):
        """Makes a request that each broker answers."""
        self.call(API_VERSIONS, 0, b"")
