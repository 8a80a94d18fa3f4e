"""Tries the managed overlay without Google: `run` starts this, and says what it needs.

The broker, the token server and delaycast are the real ones. Google is fake_google.py, and the broker asks it about
each token.
"""

import argparse
import contextlib
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error

import overlay
from broker import authority
from session import Refused, Session, token
from system import LIFE_S, System, expect

# librdkafka asks for a new token when a fifth of the life is left, and if that fails 10 s later.
OUTAGE_S = (0.8 * LIFE_S - 2, 0.8 * LIFE_S + 6)
# Of tokens that the broker refuses, so that the next ones are soon asked for.
SHORT_LIFE_S = 10


class Trial(System):
    """What is tried, each step on what the ones before have left."""

    def broker_checks_tokens(self):
        """the broker accepts a right token, refuses others, and closes a session whose token has expired"""
        account = self.google.account
        value, ends = self.google.issue(life_s=4)
        with Session(self.broker.port, self.broker.authority) as session:
            life = session.authenticate(token(value, account, ends))
            expect(0 < life <= 4, f"the session lasts {life} s")
            session.ask()
            time.sleep(life + 1)
            with contextlib.suppress(EOFError, OSError):
                session.ask()
                expect(False, "the broker answers in a session that has expired")
        right, ends = self.google.issue()
        other, _ = self.google.issue(account="other@example.com")
        wrong = {
            "another algorithm": token(right, account, ends, alg="none"),
            "claims that have expired": token(right, account, time.time() - 1),
            "another account in the claims": token(right, "other@example.com", ends),
            "the access token of another account": token(other, account, ends),
            "an access token that has expired": token(self.google.issue("revoked")[0], account, ends),
            "an access token that Google does not know": token(self.google.issue("foreign")[0], account, ends),
            "two parts": "a.b",
        }
        for what, value in wrong.items():
            with Session(self.broker.port, self.broker.authority) as session:
                try:
                    session.authenticate(value)
                except Refused:
                    continue
                expect(False, f"the broker accepts {what}")

    def waits_for_the_token_server(self):
        """without a token server `topics create` says so and ends, and a scorer waits"""
        self.google.metadata.stop()
        code, said = self.create_topics()
        expect(code == 1 and self.endpoint in said, f"topics create ends with {code}: {said}")
        self.start_scorer()
        line = self.scorer.wait_for("waiting for .*token", 60)
        expect(self.endpoint in line, f"the line does not name the token endpoint: {line}")

    def waits_for_the_metadata_server(self):
        """with a token server without a token, the startup probe fails, the liveness probe succeeds, a scorer waits"""
        self.scorer.mark()
        self.start_token_server()
        self.wait_until("the token server lives", lambda: self.probe("--alive"), 30)
        expect(not self.probe("--check"), "the startup probe succeeds without a token")
        self.scorer.wait_for("waiting for .*no token from the metadata server", 90)

    def reports(self, kind):
        self.scorer.mark()
        self.google.change(kind, SHORT_LIFE_S)
        line = self.scorer.wait_for("waiting for .*invalid_token", 90)
        expect(self.broker.address in line, f"the line does not name the broker: {line}")
        code, said = self.create_topics()
        expect(code == 1 and "invalid_token" in said and self.broker.address in said, f"topics create: {code}: {said}")

    def reports_foreign_tokens(self):
        """tokens that the broker does not know: `topics create` and the scorer name the broker and its reason"""
        self.google.metadata.start()
        self.reports("foreign")

    def reports_expired_tokens(self):
        """tokens that have expired for the broker: the same"""
        self.reports("revoked")

    def serves(self):
        """with right tokens the same scorer serves, once the topics are made, and answers"""
        self.google.change("right", LIFE_S)
        self.wait_until("the startup probe succeeds", lambda: self.probe("--check"), 30)
        # A Job is repeated, too: the broker makes its first topics slowly.
        self.wait_until("topics create succeeds", lambda: self.create_topics()[0] == 0, 60)
        self.scorer.wait_for("serves again", 90)
        code, said = self.delaycast("ask")
        expect(code == 0, f"ask ends with {code}: {said}")

    def refuses_another_authority(self):
        """a broker whose certificate another authority has signed is refused"""
        other = authority(self.folder, "other")
        values = overlay.settings(self.broker.address, other, self.token_port)
        code, said = self.create_topics(values)
        expect(code == 1 and "certificate verify failed" in said, f"topics create ends with {code}: {said}")

    def renews_tokens(self):
        """over two tokens' lives, with the metadata server down when new ones are due, each request is answered"""
        expect(self.scorer.stop() == 0, "the scorer does not end in order")
        # All clients have the same token from here on, and renew it at the same time.
        self.google.change("right")
        self.google.checked.clear()
        missing = self.without_token()
        began = time.monotonic()
        self.start_scorer()
        self.start_web()
        slowest, count = self.answered(), 1
        self.scorer.mark()
        self.web.mark()
        refused = self.broker.refused()
        while (elapsed := time.monotonic() - began) < 2.2 * LIFE_S:
            is_down = OUTAGE_S[0] <= elapsed < OUTAGE_S[1]
            if is_down and self.google.metadata.server:
                self.google.metadata.stop()
            elif not is_down and self.google.metadata.server is None:
                self.google.metadata.start()
            slowest, count = max(slowest, self.answered()), count + 1
            time.sleep(1)
        waiting = [line for line in self.scorer.new_lines() + self.web.new_lines() if "waiting for the log" in line]
        expect(not waiting, f"it had to wait: {waiting}")
        expect(self.without_token() > missing, "no token was asked for while the metadata server was down")
        expect(self.broker.refused() == refused, "the broker has refused a token")
        tokens = len(self.google.checked)
        expect(tokens >= 3, f"the broker was shown {tokens} tokens: sessions are not renewed")
        return f"{count} requests, the slowest answered after {slowest:.1f} s, {tokens} tokens"

    def recovers(self):
        """a metadata server that hangs for longer than a token lives: scorer and page wait, and recover"""
        self.scorer.mark()
        self.google.hangs = True
        began = time.monotonic()
        self.scorer.wait_for("waiting for the log .*token", 2 * LIFE_S)
        lasted = time.monotonic() - began
        with contextlib.suppress(urllib.error.HTTPError):
            self.publish()
            expect(False, "the page takes a request")
        self.google.hangs = False
        began = time.monotonic()
        self.scorer.wait_for("serves again", 120)
        served = time.monotonic() - began
        self.wait_until("the page publishes", self.can_publish, 60)
        self.answered()
        return f"waited after {lasted:.0f} s of the outage, served {served:.0f} s after its end"

    def ends_well(self):
        """scorer, page and token server end in order"""
        codes = [process.stop() for process in (self.scorer, self.web, self.token_server)]
        expect(codes[:2] == [0, 0] and codes[2] == -signal.SIGTERM, f"exit codes {codes}")

    def run(self):
        code, said = self.delaycast("train", "--models", str(self.models), "--trees", "2", "--depth", "4", seconds=600)
        expect(code == 0, f"train ends with {code}: {said}")
        self.start_broker()
        for step in (
            self.broker_checks_tokens,
            self.waits_for_the_token_server,
            self.waits_for_the_metadata_server,
            self.reports_foreign_tokens,
            self.reports_expired_tokens,
            self.serves,
            self.refuses_another_authority,
            self.renews_tokens,
            self.recovers,
            self.ends_well,
        ):
            began = time.monotonic()
            told = step()
            print(f"{time.monotonic() - began:6.1f} s  {step.__doc__}" + (f" ({told})" if told else ""), flush=True)


def stop(*_):
    raise SystemExit(130)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    for name in ("jars", "classes", "program"):
        options.add_argument(f"--{name}", type=pathlib.Path, required=True)
    options = options.parse_args()
    signal.signal(signal.SIGTERM, stop)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="delaycast-managed."))
    trial = Trial(folder, options.jars, options.classes, options.program)
    try:
        with trial.ends:
            trial.run()
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"FAILED: {error}\nlogs and data are kept in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
