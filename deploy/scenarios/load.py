"""A client of the page: it asks questions at a fixed rate, reads every answer, and records both.

    load.py --endpoints FILE --record FILE [--rate N] [--patience SECONDS]

FILE of endpoints is a JSON list of ADDRESS:PORT, which a load balancer would keep; it is read again when it changes.
The record has a JSON object a line: `t` is the machine's monotonic clock in seconds, `event` one of

    asked     a question was acknowledged, under `id`
    refused   a question was not, for `reason`
    answered  the first look at an answer
    changed   a later look at an answer that differs from the first
    lost      an acknowledged question without an answer at the end
    end       the last line: all answers were read a second time

SIGTERM ends the questions. It then waits for open answers, for five minutes at most, and reads all answers again."""

import argparse
import concurrent.futures
import http.client
import itertools
import json
import os
import random
import signal
import threading
import time
import urllib.parse

ASK = "/flights/delays/predict/classify_realtime"
HEADERS = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
TIMEOUT_S = 6
PATIENCE_S = 300
POLL_S = 0.1
# Bounds of looks at answers at a time, while none of them is there and otherwise, and of questions on their way. A page
# looks once a second: more looks during an outage would be a load that no traveller makes.
LOOKS_MIN, LOOKS_MAX, QUESTIONS = 4, 32, 64


class Page:
    """The page at its endpoints, in turns."""

    def __init__(self, path):
        self.path, self.read, self.addresses = path, 0, []
        self.turn = itertools.count()

    def endpoints(self):
        modified = os.stat(self.path).st_mtime_ns
        if modified != self.read:
            with open(self.path, encoding="utf-8") as file:
                self.addresses, self.read = json.load(file), modified
        return self.addresses

    def request(self, method, path, body=None):
        """Returns the JSON of a response. Raises OSError or ValueError if there is none with the status 200."""
        addresses = self.endpoints()
        if not addresses:
            raise OSError("no pod of the page is ready")
        address = addresses[next(self.turn) % len(addresses)]
        connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body=body, headers=HEADERS)
            response = connection.getresponse()
            text = response.read()
        except http.client.HTTPException as error:
            raise OSError(f"{address}: {error!r}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise OSError(f"{address}: status {response.status}: {text[:200].decode(errors='replace')}")
        return json.loads(text)


class Load:
    def __init__(self, page, record, patience):
        self.page, self.record, self.patience = page, record, patience
        self.lock = threading.Lock()
        # Acknowledged questions without an answer, in order, and the first answer to each other one.
        self.open, self.first = {}, {}
        self.stopped, self.all_asked = threading.Event(), threading.Event()

    def write(self, event, **fields):
        with self.lock:
            print(json.dumps({"t": time.monotonic(), "event": event, **fields}), file=self.record, flush=True)

    def ask(self, number):
        flight = {
            "DepDelay": random.randint(-10, 60), "Carrier": "AA", "FlightDate": "2016-12-25",
            "Origin": "ATL", "Dest": "SFO", "FlightNum": 1 + number % 9000,
        }  # fmt: skip
        try:
            told = self.page.request("POST", ASK, urllib.parse.urlencode(flight))
            self.write("asked", id=told["id"])
            self.open[told["id"]] = None
        except (OSError, ValueError, KeyError) as error:
            self.write("refused", reason=str(error))

    def look(self, question):
        """Returns the answer to a question, or None."""
        try:
            found = self.page.request("GET", f"{ASK}/response/{question}")
        except (OSError, ValueError):
            return None
        return None if found["status"] == "WAIT" else found

    def see(self, question):
        """Looks at an open question; tells whether its answer is there."""
        if found := self.look(question):
            self.write("answered", id=question, version=found.get("prediction", {}).get("ModelVersion"))
            self.first[question] = found
            del self.open[question]
        return bool(found)

    def see_all(self):
        """Looks at the oldest and newest open questions until the end: at more, and at once, while answers come."""
        looks = LOOKS_MIN
        with concurrent.futures.ThreadPoolExecutor(LOOKS_MAX) as pool:
            while self.open or not self.all_asked.is_set():
                waiting = list(self.open)
                # The newest, too: one that is lost holds up no other.
                if any(list(pool.map(self.see, {*waiting[: looks // 2], *waiting[-looks // 2 :]}))):
                    looks = LOOKS_MAX
                else:
                    looks = LOOKS_MIN
                    time.sleep(POLL_S)
                if self.all_asked.is_set() and time.monotonic() > self.give_up:
                    return

    def check(self, question):
        for _ in range(20):
            if found := self.look(question):
                if found != self.first[question]:
                    self.write("changed", id=question, first=self.first[question], last=found)
                return
            time.sleep(0.5)
        self.write("lost", id=question)

    def run(self, rate):
        eyes = threading.Thread(target=self.see_all)
        eyes.start()
        with concurrent.futures.ThreadPoolExecutor(QUESTIONS) as pool:
            began, on_their_way = time.monotonic(), set()
            for number in itertools.count():
                if self.stopped.wait(max(0.0, began + number / rate - time.monotonic())):
                    break
                on_their_way = {each for each in on_their_way if not each.done()}
                if len(on_their_way) < QUESTIONS:
                    on_their_way.add(pool.submit(self.ask, number))
                else:
                    self.write("refused", reason=f"{QUESTIONS} questions wait for a response")
        self.all_asked.set()
        eyes.join()
        for question in self.open:
            self.write("lost", id=question)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(self.check, list(self.first)))
        self.write("end", answers=len(self.first))

    def stop(self, *_):
        self.give_up = time.monotonic() + self.patience
        self.stopped.set()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--rate", type=float, default=10, help="questions a second")
    parser.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds to wait for answers at the end")
    arguments = parser.parse_args()
    with open(arguments.record, "a", encoding="utf-8") as record:
        load = Load(Page(arguments.endpoints), record, arguments.patience)
        signal.signal(signal.SIGTERM, load.stop)
        load.run(arguments.rate)


if __name__ == "__main__":
    main()
