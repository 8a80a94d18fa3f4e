"""Runs delaycast on the cluster of scripts/kubernetes through its scenarios, under load, and prints a table.

    run.py --tags TAG,NEXT-TAG --definitions FILE --folder FOLDER [--only WORD] [--trials N] [--list] [FILE…]

The cluster has the images already. scripts/test-kubernetes starts the cluster, loads the images and runs this."""

import argparse
import pathlib
import statistics
import sys
import time

import faults
import policies
import student
import use
from cluster import API, Failed, get, wait_until
from faults import SCENARIOS
from measure import ON_TIME_S
from system import System

STEADY_S = 5
MORE_RATE, MEASURED_S = 20, 60


class Table:
    """Prints a row for each scenario, and counts those that fail."""

    def __init__(self):
        self.failed = 0
        heads = ("", "trials", "asked", "refused", "longest wait", "on time after", "scenario")
        print("{:2} {:>6} {:>6} {:>7} {:>15} {:>15}  {}".format(*heads), flush=True)

    def row(self, scenario, trials=(), note="", problem=""):
        """Prints a row. Of each time it has the median and the largest of all trials."""
        self.failed += bool(problem)
        asked, refused = (str(sum(each[name] for each in trials)) if trials else "" for name in ("asked", "refused"))
        wait, recovered = (spread([each[name] for each in trials]) for name in ("wait_s", "recovered_s"))
        mark = "no" if problem else "ok"
        print(f"{mark:2} {len(trials) or '':>6} {asked:>6} {refused:>7} {wait:>15} {recovered:>15}  {scenario}", flush=True)
        for line in (note, problem):
            if line:
                print(f"{'':58}{line}", flush=True)


def spread(values):
    """Returns the median and the largest of some seconds as text."""
    if len(values) < 2:
        return "".join(f"{value:.1f} s" for value in values)
    return f"{statistics.median(values):.1f}; {max(values):.1f} s"


def play(system, table, description, act, trials):
    """Plays a scenario some times, each when answers are on time, until they are on time again."""
    found, note, problem = [], "", ""
    steady = lambda: system.record.is_on_time(STEADY_S)  # noqa: E731
    for system.trial in range(trials):
        begin = time.monotonic()
        try:
            wait_until("answers on time before it", 180, steady)
            begin = time.monotonic()
            note = act(system) or ""
            # Questions from before the fault don't count.
            time.sleep(STEADY_S + ON_TIME_S)
            wait_until("answers on time after it", 180, steady)
        except Failed as failed:
            problem = str(failed)
        found.append(system.record.between(begin, time.monotonic() - 1))
        if problem:
            break
    table.row(description, found, note, problem)


def check(table, description, act):
    """Does something that has no interval of its own."""
    try:
        table.row(description, note=act())
    except Failed as failed:
        table.row(description, problem=str(failed))


def use_of(system, table):
    """Returns the table of the use of containers, with more questions for a minute, after another change of models."""
    lines = []

    def measure():
        with system.more_load(MORE_RATE):
            system.deploy("train")
            time.sleep(10)
            before, began = use.containers(), time.monotonic()
            time.sleep(MEASURED_S)
            lines.extend(use.table(before, use.containers(), time.monotonic() - began))
        return "the use of containers is below"

    check(table, f"{MORE_RATE} questions a second besides, for {MEASURED_S} s", measure)
    return lines


def totals(system, table):
    try:
        found = system.end_load()
    except Failed as failed:
        table.row("all answers, read again at the end", problem=str(failed))
        return
    said = ", ".join(f"{name} {count}" for name, count in found.items())
    wrong = [name for name in ("lost", "doubled", "changed") if found[name]]
    table.row("all answers, read again at the end", note=said, problem=", ".join(wrong))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("student", nargs="*", metavar="FILE", help="archives of images, which deploy/local/up deploys at the end")
    parser.add_argument("--tags", default="0.1.0,0.1.0-next", help="tags of the images, and of those of the rollout")
    parser.add_argument("--definitions", help="the definitions of the custom kinds, in YAML or JSON")
    parser.add_argument("--folder", help="gets logs and the record")
    parser.add_argument("--only", default="", help="plays only scenarios with this word")
    parser.add_argument("--trials", type=int, default=3, help="plays a scenario that takes seconds this often")
    parser.add_argument("--list", action="store_true", help="prints the scenarios")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(description for description, *_ in SCENARIOS))
        return
    table, began = Table(), time.monotonic()
    with API:
        lines = run(arguments, table)
        if arguments.student:
            check(table, "deploy/local/up, into an empty cluster", lambda: student.check(arguments.student))
    print("\n".join(lines))
    print(f"{table.failed} failed, in {(time.monotonic() - began) / 60:.0f} min")
    sys.exit(1 if table.failed else 0)


def run(arguments, table):
    """Plays all scenarios; returns the table of the use of containers."""
    nodes = len(get("nodes")["items"])
    system = System(pathlib.Path(arguments.folder), arguments.definitions, arguments.tags.split(","), nodes)
    with system, system.operators, system.endpoints:
        check(table, "first deployment, into an empty cluster", system.first_deployment)
        if system.load is None:
            sys.exit("error: without a deployment there is nothing to test: see deploy.log and operators.log in the folder")
        check(table, "everything that scenarios act on is there", faults.check_references)
        for description, act, repeated in SCENARIOS:
            if arguments.only in description:
                play(system, table, description, act, arguments.trials if repeated else 1)
        check(table, "NetworkPolicies are enforced", policies.check)
        lines = use_of(system, table)
        totals(system, table)
    return lines


if __name__ == "__main__":
    main()
