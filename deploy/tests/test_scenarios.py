"""Checks that the client and the record of the scenarios see answers that are late, lost or changed."""

import http.server
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

from manifests import ROOT

SCENARIOS = ROOT / "deploy/scenarios"
sys.path.insert(0, str(SCENARIOS))

import load  # noqa: E402
import measure  # noqa: E402


class Page(http.server.BaseHTTPRequestHandler):
    """A page whose third answer is lost, whose fourth is late, whose fifth changes; it refuses the sixth question."""

    asked, looks, lock = 0, {}, threading.Lock()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            Page.asked += 1
            number = Page.asked
        self.say(503 if number == 6 else 200, {"status": "OK", "id": f"q-{number}", "at": time.monotonic()})

    def do_GET(self):
        question = self.path.rpartition("/")[2]
        with self.lock:
            began, looks = self.looks.get(question, (time.monotonic(), 0))
            self.looks[question] = began, looks + 1
        waits = question == "q-3" or (question == "q-4" and time.monotonic() - began < measure.ON_TIME_S + 0.2)
        prediction = {"UUID": question, "Prediction": looks if question == "q-5" else 0, "ModelVersion": "1"}
        self.say(200, {"status": "WAIT"} if waits else {"status": "OK", "id": question, "prediction": prediction})

    def say(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def played(folder):
    """Lets the client ask for three seconds; returns its exit code, its record, and the interval."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoints, record = folder / "endpoints.json", folder / "record.ndjson"
    endpoints.write_text(json.dumps([f"127.0.0.1:{server.server_port}"]))
    record.write_text("")
    options = ["--endpoints", endpoints, "--record", record, "--rate", "5", "--patience", "2"]
    begin = time.monotonic()
    client = subprocess.Popen([sys.executable, SCENARIOS / "load.py", *options])
    try:
        time.sleep(3)
        end = time.monotonic()
        client.send_signal(signal.SIGTERM)
        code = client.wait(timeout=60)
    finally:
        client.kill()
        server.shutdown()
    found = measure.Record(record)
    deadline = time.monotonic() + 10
    while not found.end and time.monotonic() < deadline:
        time.sleep(0.05)
    return code, found, begin, end


def problems():
    with tempfile.TemporaryDirectory() as folder:
        code, record, begin, end = played(pathlib.Path(folder))
    if code or not record.end:
        yield f"the client ended with {code}, its record with {record.end}"
        return
    wrong = {(each["event"], each["id"]) for each in record.wrong}
    if wrong != {("lost", "q-3"), ("changed", "q-5")}:
        yield f"lost or changed: {wrong}"
    found = record.between(begin, end)
    if found["refused"] != 1 or found["asked"] != len(record.asked) or found["asked"] < 8:
        yield f"asked and refused: {found}"
    if not measure.ON_TIME_S < found["wait_s"] < 10 or found["recovered_s"] < measure.ON_TIME_S:
        yield f"the late answer was not seen: {found}"
    if record.versions_since(begin) != {"1"}:
        yield f"versions of models: {record.versions_since(begin)}"
    if load.PATIENCE_S < 60:
        yield "a lost answer would be declared lost within a minute"


def run(results):
    results("the client of the scenarios sees late, lost and changed answers", problems())
