"""delaycast on the cluster by deploy/gke/deploy.sh. kubectl is real; gcloud and helm are the fakes in fakes/."""

import json
import os
import pathlib
import subprocess

from cluster import FOLDER, ROOT, SCRIPT, Failed, Loop, get, run

PROJECT = "example-project"
BUCKET = FOLDER / "buckets" / f"{PROJECT}-delaycast-models"
CONTEXT = f"gke_{PROJECT}_europe-west1_delaycast"
USER = 65532
FAKES = pathlib.Path(__file__).parent / "fakes"


class Deployment:
    """The configuration of a deployment, and the commands of deploy.sh with it."""

    def __init__(self, folder, definitions):
        self.config = folder / "config.env"
        self.log = open(folder / "deploy.log", "a", encoding="utf-8")
        self.environment = {
            **os.environ,
            "PATH": f"{FAKES}:{os.environ['PATH']}",
            "FAKE_DEFINITIONS": str(definitions),
            "FAKE_BUCKETS": str(FOLDER / "buckets"),
        }
        BUCKET.mkdir(exist_ok=True)
        os.chown(BUCKET, USER, USER)
        run(SCRIPT, "kubectl", "config", "set-context", CONTEXT, "--cluster=local", "--user=local")

    def configure(self, tag, **settings):
        """Writes config.env: one broker, so one replica of each partition. The stand-in of MongoDB scans for answers of
        other systems, which have an index in MongoDB; there are none."""
        lines = [f"PROJECT={PROJECT}", f"TAG={tag}", "DELAYCAST_REPLICATION=1", "MONGO_OPTIONS=takeover=off"]
        lines += ["DOMAIN=delaycast.example.com", *(f"{name}={value}" for name, value in settings.items())]
        self.config.write_text("\n".join(lines) + "\n")

    def __call__(self, *words, seconds=900):
        """Runs deploy.sh, and returns what it prints. Raises Failed with the end of its log."""
        command = [str(ROOT / "deploy/gke/deploy.sh"), "--config", str(self.config), *map(str, words)]
        began = self.log.tell()
        try:
            done = subprocess.run(
                command, env=self.environment, stdout=subprocess.PIPE, stderr=self.log, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as expired:
            raise Failed(f"deploy.sh {' '.join(map(str, words))}: no end within {seconds} s: see {self.log.name}") from expired
        if done.returncode:
            said = pathlib.Path(self.log.name).read_text()[began:]
            raise Failed(f"deploy.sh {' '.join(map(str, words))}: exit code {done.returncode}: {said[-2000:]}")
        return done.stdout


class Endpoints(Loop):
    """Writes the addresses of the ready pods of the page into a file, as a load balancer keeps them."""

    PAUSE_S = 0.5

    def __init__(self, path):
        super().__init__()
        self.path, self.last = path, []
        self.path.write_text("[]")

    def step(self):
        try:
            found = ready_addresses()
        except Failed:
            # A load balancer keeps its list while the API server is away.
            return
        if found != self.last:
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(found))
            new.rename(self.path)
            self.last = found


def ready_addresses():
    slices = get("endpointslices", selector="kubernetes.io/service-name=web")["items"]
    return sorted(
        f"{address}:{port['port']}"
        for each in slices
        for port in each.get("ports") or []
        for endpoint in each.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready")
        for address in endpoint["addresses"]
    )
