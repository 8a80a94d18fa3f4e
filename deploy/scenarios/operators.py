"""Stand-ins of what a cluster at Google has and this one has not: cert-manager, Strimzi and the Gateway's controller.

They do what the real ones do for the objects of this project and nothing else: the Secret of a Certificate, a broker
with its user for a Kafka, the state of a Gateway."""

import json
import secrets

from authority import Authority, secret
from cluster import ROOT, Failed, Loop, apply, find, get, has_condition, is_ready, kubectl

STAND_INS = ROOT / "deploy/scenarios/stand-ins"
BROKER = "delaycast-node-0.delaycast-kafka-brokers.delaycast.svc"


class Operators(Loop):
    """Looks at the cluster once a second."""

    def __init__(self, folder, log):
        super().__init__()
        self.log = log
        self.mesh = Authority(folder / "mesh", "/CN=delaycast mesh authority")
        self.kafka = Authority(folder / "kafka", "/O=io.strimzi/CN=cluster-ca v0")

    def step(self):
        for reconcile in (self.certificate, self.broker, self.gateway):
            try:
                reconcile()
            except Failed as failed:
                # Objects and kinds come one after the other.
                print(f"{reconcile.__name__}: {failed}", file=self.log, flush=True)

    def certificate(self):
        if find("certificates", "score-mesh") and not find("secrets", "score-mesh"):
            self.renew_certificate()

    def renew_certificate(self):
        """Gives the mesh another key and another certificate of the same authority."""
        names = get("certificates", "score-mesh")["spec"]["dnsNames"]
        key, certificate = self.mesh.issue("mesh", "/", names)
        files = {"ca.crt": self.mesh.certificate, "tls.crt": certificate, "tls.key": key}
        apply([secret("score-mesh", files, "kubernetes.io/tls")])

    def broker(self):
        kafka = find("kafkas", "delaycast")
        if not kafka:
            return
        if not find("statefulsets", "delaycast-node"):
            self.make_broker()
        if not kafka.get("status") and is_ready(get("pods", "delaycast-node-0")):
            self.set_condition("kafka.kafka.strimzi.io/delaycast", "Ready")

    def make_broker(self):
        names = ["delaycast-kafka-bootstrap", "delaycast-kafka-bootstrap.delaycast.svc", BROKER]
        key, certificate = self.kafka.issue("broker", "/O=io.strimzi/CN=delaycast-kafka", names)
        script = (STAND_INS / "kafka.sh").read_text()
        store, password = self.kafka.folder / "keystore.p12", secrets.token_hex(16)
        self.kafka.to_store(key, certificate, store, password)
        apply([
            secret("delaycast-cluster-ca-cert", {"ca.crt": self.kafka.certificate}),
            secret("delaycast-kafka", {"password": secrets.token_hex(16)}),
            secret("stand-in-kafka-tls", {"keystore.p12": store, "password": password}),
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "stand-in-kafka", "namespace": "delaycast"},
                "data": {"kafka.sh": script},
            },
        ])  # fmt: skip
        apply((STAND_INS / "kafka.yaml").read_text())

    def gateway(self):
        gateway = find("gateways", "web")
        if gateway and not has_condition(gateway, "Programmed"):
            self.set_condition("gateway.gateway.networking.k8s.io/web", "Programmed")

    @staticmethod
    def set_condition(thing, condition):
        state = {
            "type": condition,
            "status": "True",
            "reason": "StandIn",
            "message": "set by a stand-in",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        patch = json.dumps({"status": {"conditions": [state]}})
        kubectl("patch", thing, "--subresource=status", "--type=merge", f"--patch={patch}")
