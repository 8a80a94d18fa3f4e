"""A broker with the listener of Managed Kafka: TLS with a certificate of an authority of its own, and OAUTHBEARER."""

import os
import subprocess
import time

from process import Process, free_ports

# Sessions end with their token; this is the longest that they may last.
SESSION_MS = 3600_000


def openssl(folder, *words):
    command = ["openssl", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")


def key(name):
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]


def authority(folder, name):
    """Makes an authority, and returns its certificate."""
    openssl(folder, "req", "-x509", *key(name), "-subj", f"/CN={name}", "-days", "2", "-out", f"{name}.pem")
    return folder / f"{name}.pem"


def certificate(folder, signer):
    """Returns a key of the broker, with a certificate that the authority signs."""
    (folder / "names").write_text("subjectAltName = IP:127.0.0.1\n")
    openssl(folder, "req", *key("broker"), "-subj", "/CN=broker", "-out", "broker.csr")
    signing = ["-CA", f"{signer}.pem", "-CAkey", f"{signer}.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl(folder, "x509", "-req", "-in", "broker.csr", *signing, "-out", "broker.crt")
    both = folder / "broker.pem"
    both.write_text((folder / "broker.key").read_text() + (folder / "broker.crt").read_text())
    return both


class Broker:
    """One broker that is its own controller, without data. It lets the account alone in."""

    def __init__(self, folder, jars, classes, google):
        self.folder, self.classpath = folder, f"{classes}{os.pathsep}{jars}/*"
        self.port, inner, controller = free_ports(3)
        self.authority = authority(folder, "authority")
        (folder / "log4j.properties").write_text(LOG4J.format(folder=folder))
        (folder / "server.properties").write_text(
            PROPERTIES.format(
                folder=folder,
                port=self.port,
                inner=inner,
                controller=controller,
                certificate=certificate(folder, "authority"),
                session_ms=SESSION_MS,
                account=google.account,
                google=f"http://127.0.0.1:{google.check.port}/tokeninfo",
            )
        )
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def command(self, *words):
        logged = f"-Dlog4j.configuration=file:{self.folder}/log4j.properties"
        return ["java", "-Xmx512m", "-XX:+UseSerialGC", logged, "-cp", self.classpath, *words]

    def start(self):
        properties = str(self.folder / "server.properties")
        formatting = self.command("kafka.tools.StorageTool", "format", "--cluster-id", "A" * 22, "--config", properties)
        done = subprocess.run(formatting, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the storage of the broker cannot be formatted: {done.stdout}{done.stderr}")
        self.process = Process("broker", self.command("kafka.Kafka", properties), dict(os.environ), self.folder)
        log, deadline = self.folder / "broker.log", time.monotonic() + 120
        while "Kafka Server started" not in (log.read_text() if log.exists() else ""):
            if not self.process.is_running() or time.monotonic() > deadline:
                raise RuntimeError(f"the broker does not start: see {log}")
            time.sleep(0.1)

    def stop(self):
        if self.process:
            self.process.stop()

    def refused(self):
        """Returns how many tokens it has refused."""
        return (self.folder / "broker.log").read_text().count("refused a token")


LOG4J = """\
log4j.rootLogger=WARN, file
log4j.logger.kafka.server.KafkaRaftServer=INFO
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.File={folder}/broker.log
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d %p %c: %m%n
"""

# The listener GOOGLE is what the overlay connects to. INNER and CONTROLLER are the broker's own.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=GOOGLE://127.0.0.1:{port},INNER://127.0.0.1:{inner},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=GOOGLE://127.0.0.1:{port},INNER://127.0.0.1:{inner}
listener.security.protocol.map=GOOGLE:SASL_SSL,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INNER
controller.listener.names=CONTROLLER
listener.name.google.ssl.keystore.location={certificate}
listener.name.google.ssl.keystore.type=PEM
listener.name.google.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.google.oauthbearer.sasl.server.callback.handler.class=GoogleTokenValidator
listener.name.google.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
google.check.url={google}
google.account={account}
listener.name.google.oauthbearer.connections.max.reauth.ms={session_ms}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{account};User:ANONYMOUS
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""
