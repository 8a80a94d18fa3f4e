"""The system under test: the deployment with its load, its operators and its record."""

import contextlib
import pathlib
import subprocess
import sys
import time

from cluster import Failed, in_place, is_settled, kubectl, processes, restarts, wait_until
from deployment import Deployment, Endpoints
from load import PATIENCE_S
from measure import Record
from operators import Operators

# Questions a second.
RATE = 10
# Bound of the time that one answer takes to be read again at the end, eight at a time.
READ_AGAIN_S = 0.05
LOAD = pathlib.Path(__file__).parent / "load.py"


class System:
    def __init__(self, folder, definitions, tags, nodes):
        self.folder, self.nodes = folder, nodes
        tag, self.next_tag = tags
        self.scorers = 3
        # Number of the trial of a scenario, from 0.
        self.trial = 0
        self.log = open(folder / "operators.log", "a", encoding="utf-8")
        self.operators = Operators(folder, self.log)
        self.endpoints = Endpoints(folder / "endpoints.json")
        self.deploy = Deployment(folder, definitions)
        self.use_image(tag)
        self.record = self.load = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # After an error the client still asks.
        if self.load is not None and self.load.poll() is None:
            self.load.kill()
            self.load.wait()

    def use_image(self, tag):
        self.deploy.configure(tag, SPARE=1, DELAYCAST_REPLICAS=self.scorers)

    def scale(self, count):
        self.deploy("scale", count)
        self.scorers = count
        wait_until(f"{count} scorers", 60, lambda: is_settled("score", count))

    def first_deployment(self):
        """Deploys into the empty cluster; returns the seconds until the first answer."""
        began = time.monotonic()
        self.deploy("up")
        deployed = time.monotonic() - began
        self.start_load()
        wait_until("the first answer", 120, lambda: self.record.answered)
        count = restarts("score") + restarts("web")
        if count:
            raise Failed(f"{count} restarts of scorers and pages before the first answer")
        return f"deploy.sh took {deployed:.0f} s, the first answer came after {time.monotonic() - began:.0f} s; no restart"

    def start_load(self):
        self.load, self.record = self.client("record", RATE)

    def client(self, name, rate):
        """Starts a client in the network of the load balancer; returns the process, and its record."""
        path = self.folder / f"{name}.ndjson"
        path.write_text("")
        options = ["--endpoints", self.endpoints.path, "--record", path, "--rate", rate]
        with open(self.folder / f"{name}.log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(in_place("balancer", sys.executable, LOAD, *options), stdout=log, stderr=log)
        return process, Record(path)

    @contextlib.contextmanager
    def more_load(self, rate):
        """Asks more questions a second. Raises Failed at the end if an answer is lost or has changed."""
        process, record = self.client("more", rate)
        try:
            yield
        finally:
            end_client(process, record)
        if record.wrong or record.refused:
            raise Failed(f"of {len(record.asked)} questions: {(record.wrong + record.refused)[:3]}")

    def end_load(self):
        """Ends the questions, and returns the totals: lost, doubled and changed answers."""
        end_client(self.load, self.record)
        kinds = [each["event"] for each in self.record.wrong]
        return {
            "asked": len(self.record.asked),
            "refused": len(self.record.refused),
            "lost": kinds.count("lost"),
            "changed": kinds.count("changed"),
            "doubled": self.doubled(),
        }

    def doubled(self):
        """Returns the number of answers under an id that has another one, from the tables of MongoDB's stand-in."""
        table = query(
            "select schemaname || '.' || tablename from pg_tables where schemaname = 'agile_data_science' "
            "and tablename like 'flight_delay_classification_response%'"
        )
        ids = query(f"select _jsonb->>'UUID' from {table[0]}")  # noqa: S608
        missing = self.record.asked.keys() - set(ids)
        if missing:
            raise Failed(f"{len(missing)} answers are not in the database, for example {sorted(missing)[:3]}")
        return len(ids) - len(set(ids))

    @staticmethod
    def certificate_of(pod):
        """Returns the certificate of the mesh as the processes of a pod see it."""
        return pathlib.Path(f"/proc/{processes(pod)[0]}/root/etc/delaycast/mesh/tls.crt").read_text()


def end_client(process, record):
    """Ends the questions of a client, and waits until it has read all answers again: the more there are, the longer."""
    limit = PATIENCE_S + 60 + len(record.asked) * READ_AGAIN_S
    process.terminate()
    try:
        code = process.wait(timeout=limit)
    except subprocess.TimeoutExpired as expired:
        process.kill()
        raise Failed(f"the client has not read all {len(record.asked)} answers again within {limit:.0f} s") from expired
    if code:
        raise Failed(f"the client ended with code {code}: see the logs in the folder")
    wait_until("the end of the record", 10, lambda: record.end)


def query(statement):
    """Returns the lines of a query of the PostgreSQL in which the stand-in for MongoDB keeps its data."""
    command = ["psql", "--host=127.0.0.1", "--username=ferretdb", "--tuples-only", "--no-align", f"--command={statement}"]
    return kubectl("exec", "mongo-0", "--", *command, "ferretdb").split()
