"""The record of load.py: what was asked and answered in an interval, and when the answers were on time again."""

import json
import threading
import time

# An answer within this time of its question is on time.
ON_TIME_S = 1.0


class Record:
    """Reads a record while load.py writes it."""

    def __init__(self, path):
        self.asked, self.answered, self.versions = {}, {}, {}
        self.refused, self.wrong, self.end = [], [], None
        self.lock = threading.Lock()
        self.file = open(path, encoding="utf-8")
        threading.Thread(target=self.follow, daemon=True).start()

    def follow(self):
        rest = ""
        while True:
            text = self.file.readline()
            if not text:
                time.sleep(0.05)
            elif text.endswith("\n"):
                self.take(json.loads(rest + text))
                rest = ""
            else:
                rest += text

    def take(self, line):
        event, at = line["event"], line["t"]
        with self.lock:
            if event == "asked":
                self.asked[line["id"]] = at
            elif event == "answered":
                self.answered[line["id"]], self.versions[line["id"]] = at, line["version"]
            elif event == "refused":
                self.refused.append((at, line["reason"]))
            elif event == "end":
                self.end = line
            else:
                self.wrong.append(line)

    def is_on_time(self, seconds):
        """Tells whether all questions of the last seconds, but the newest, were answered on time."""
        now = time.monotonic()
        with self.lock:
            asked = {each: at for each, at in self.asked.items() if now - seconds - ON_TIME_S < at < now - ON_TIME_S}
            late = [each for each, at in asked.items() if self.answered.get(each, now) - at > ON_TIME_S]
            refused = any(now - seconds < at for at, _ in self.refused)
        return len(asked) >= seconds and not late and not refused

    def between(self, begin, end):
        """Returns what happened to the questions of an interval.

        `wait_s` is the longest time from a question to its answer, `recovered_s` the time from the beginning until the
        last answer that was late."""
        with self.lock:
            asked = {each: at for each, at in self.asked.items() if begin <= at <= end}
            waits = [self.answered[each] - at for each, at in asked.items() if each in self.answered]
            late = [self.answered[each] for each, at in asked.items() if self.answered.get(each, at) - at > ON_TIME_S]
            late += [at for at, _ in self.refused if begin <= at <= end]
            # A question from before the beginning may have waited, too.
            before = [self.answered[each] for each, at in self.asked.items() if at < begin < self.answered.get(each, at)]
            late += [at for at in before if at - begin > ON_TIME_S]
            return {
                "asked": len(asked),
                "refused": sum(begin <= at <= end for at, _ in self.refused),
                "wait_s": max(waits, default=0.0),
                "recovered_s": max((at - begin for at in late), default=0.0),
            }

    def versions_since(self, begin):
        with self.lock:
            return {self.versions[each] for each, at in self.answered.items() if at >= begin}
