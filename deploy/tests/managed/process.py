"""Processes of the trial: each has a file of its output, and is ended by its id."""

import re
import socket
import subprocess
import time


def free_ports(count):
    """Returns ports of loopback that are free."""
    taken = [socket.socket() for _ in range(count)]
    try:
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]
    finally:
        for one in taken:
            one.close()


class Process:
    def __init__(self, name, command, environment, folder):
        self.name, self.path = name, folder / f"{name}.out"
        with open(self.path, "ab") as output:
            # An earlier process of this name may have written to it.
            self.read_to = output.tell()
            self.process = subprocess.Popen(
                [str(word) for word in command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def is_running(self):
        return self.process.poll() is None

    def output(self, begin=0):
        return self.path.read_bytes()[begin:].decode(errors="replace")

    def mark(self):
        """Forgets the lines so far: `wait_for` looks at later ones."""
        self.read_to = self.path.stat().st_size

    def new_lines(self):
        return self.output(self.read_to).splitlines()

    def wait_for(self, pattern, seconds):
        """Waits for a line since the mark, and returns it."""
        deadline = time.monotonic() + seconds
        while True:
            running = self.is_running()
            for line in self.new_lines():
                if re.search(pattern, line):
                    return line
            if not running or time.monotonic() > deadline:
                happened = f"does not print it within {seconds} s" if running else "has ended"
                raise RuntimeError(f"{self.name} {happened}: {pattern}; its output is {self.path}")
            time.sleep(0.05)

    def stop(self):
        """Ends it as Kubernetes does, and returns its exit code."""
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()
