"""Authorities and certificates by openssl, in the shape that cert-manager and Strimzi give them."""

import base64
import pathlib

from cluster import run

KEY = ("ecparam", "-name", "prime256v1", "-genkey", "-noout")


class Authority:
    """An authority that signs itself, with its files in a folder."""

    def __init__(self, folder, subject):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate = self.folder / "authority.crt"
        self.key = self.folder / "authority.key"
        if not self.certificate.exists():
            run("openssl", *KEY, "-out", self.key)
            run("openssl", "req", "-x509", "-new", "-key", self.key, "-subj", subject, "-days", "30", "-out", self.certificate)

    def issue(self, name, subject, names, usages="serverAuth,clientAuth"):
        """Issues a new key and a certificate for DNS names; returns the paths of both."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        extensions = self.folder / f"{name}.extensions"
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage={usages}\nsubjectAltName=critical,{','.join('DNS:' + each for each in names)}\n"
        )
        # PKCS 8, as cert-manager writes keys.
        plain = self.folder / f"{name}.ec"
        run("openssl", *KEY, "-out", plain)
        run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", plain, "-out", key)
        run("openssl", "req", "-new", "-key", key, "-subj", subject, "-out", request)
        run(
            "openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
            "-days", "90", "-extfile", extensions, "-out", certificate,
        )  # fmt: skip
        return key, certificate

    def to_store(self, key, certificate, store, password):
        """Writes a key and its certificates in the format of Java."""
        run(
            "openssl", "pkcs12", "-export", "-inkey", key, "-in", certificate, "-certfile", self.certificate,
            "-passout", f"pass:{password}", "-out", store,
        )  # fmt: skip


def secret(name, files, kind="Opaque"):
    """Returns a Secret of files or texts."""

    def encoded(value):
        data = value.read_bytes() if isinstance(value, pathlib.Path) else value.encode()
        return base64.b64encode(data).decode()

    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "delaycast"},
        "type": kind,
        "data": {key: encoded(value) for key, value in files.items()},
    }
