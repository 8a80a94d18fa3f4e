"""Measures the growth and scoring of forests by delaycast and other libraries in turns, and updates docs/benchmarks.md."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

BENCH = "target/release/delaycast-bench"
PEERS = [sys.executable, "bench/forest/peers.py"]
PAGE = pathlib.Path("docs/benchmarks.md")
BEGIN, END = "<!-- made by bench/forest/run -->\n", "<!-- end of what bench/forest/run made -->\n"
OURS = "delaycast"
# The default preset's max_features, of 23 columns, and its min_samples_leaf.
TRIED = ["--tried", "9"]
DEFAULT = [*TRIED, "--leaf", "130"]


def lines(command):
    """Runs a command and returns the lines of JSON that it prints."""
    print("==", *command, flush=True)
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(out, end="", flush=True)
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def write_rows(folder, preset, holdout_from, data):
    command = [BENCH, "forest", "rows", "--to", folder, "--preset", preset, "--holdout-from", holdout_from]
    subprocess.run(command + (["--data", data] if data else []), check=True)


def short(number):
    """Formats a number with three digits, or as a whole number."""
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"


def each(line):
    """CPU seconds a row."""
    return line["cpu_s"] / line["rows"]


class Measured:
    """Measurements by case and library, one line per round."""

    def __init__(self):
        self.by_case = {}

    def add(self, case, line):
        key = (case, line["step"], line["threads"])
        self.by_case.setdefault(key, {}).setdefault(line["library"], []).append(line)

    def rounds_of(self, key):
        return self.by_case.get(key, {})

    def cell(self, key, library, show):
        rounds, ours = self.rounds_of(key).get(library), self.rounds_of(key).get(OURS)
        if not rounds:
            return "–"
        text = show(rounds)
        if library == OURS:
            return f"**{text}**"
        ratios = [each(theirs) / each(mine) for theirs, mine in zip(rounds, ours)]
        spread = f"{short(min(ratios))}–{short(max(ratios))}"
        return f"{text}: **{short(statistics.median(ratios))}** ({spread})"


def table(measured, cases, libraries, show):
    head = ["", "threads", *libraries]
    yield "| " + " | ".join(head) + " |"
    yield "|---|---:|" + "---:|" * len(libraries)
    for label, key in cases:
        cells = [measured.cell(key, library, show) for library in libraries]
        yield f"| {label} | {key[2]} | " + " | ".join(cells) + " |"


def cpu_s(rounds):
    return f"{statistics.median(line['cpu_s'] for line in rounds):.3g} s"


def per_cpu_s(rounds):
    rate = 1 / statistics.median(map(each, rounds))
    return f"{rate / 1e6:.3g} M" if rate >= 1e5 else f"{rate / 1e3:.3g} k" if rate >= 1e3 else f"{rate:.3g}"


def loss(measured, key, library):
    rounds = measured.rounds_of(key).get(library, [])
    return next((f"{line['log_loss']:.4f}" for line in rounds if "log_loss" in line), "–")


def measure(options, folder):
    measured = Measured()
    seed, own = f"{folder}/seed", f"{folder}/default"
    write_rows(seed, "seed", "2013-10-01", None)
    write_rows(own, "default", "2013-10-01", None)
    data = f"{folder}/data"
    if options.data:
        write_rows(data, "default", options.holdout_from, options.data)
    small = ["--rows", seed, "--depth", "5"]
    large = ["--rows", own, "--depth", "14", *DEFAULT]
    for _ in range(options.rounds):
        for threads in ["1", "2"]:
            at = ["--threads", threads]
            for command in ([BENCH, "forest", "ours"], [BENCH, "forest", "linfa"], PEERS):
                for line in lines([*command, *small, "--tried", "3", *at]):
                    measured.add("small", line)
            for line in lines([BENCH, "forest", "ours", *large, *at]) + lines([*PEERS, *large, *at]):
                measured.add("large", line)
        for line in lines([BENCH, "forest", "linfa", *small, "--tried", "9", "--train-only"]):
            measured.add("small", line | {"library": "linfa-trees, all columns"})
        if options.data:
            more = ["--rows", data, "--depth", "10", *DEFAULT]
            for thousandths in ["500", "1000"]:
                half = ["--thousandths", thousandths, "--train-only"]
                for line in lines([BENCH, "forest", "ours", *more, *half]):
                    measured.add(f"data {thousandths}", line)
    losses = {}
    for name, rows in [("bundled", own), ("data", data)][: 2 if options.data else 1]:
        deep = ["--rows", rows, "--depth", "14", *DEFAULT, "--train-only"]
        mine = lines([BENCH, "forest", "ours", *deep])
        theirs = lines([*PEERS, "--rows", rows, "--depth", "14", *TRIED, "--boosted", "200"])
        losses[name] = (mine[0], theirs[0])
    return measured, losses


def report(options, measured, losses):
    machine = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
    yield f"*Made by* `bench/forest/run`, {datetime.date.today():%-d %B %Y}, {options.rounds} rounds; {machine}, {os.cpu_count()} cores,"
    yield f"{platform.system()} {platform.release()}; load {os.getloadavg()[2]:.1f} at the end."
    yield ""
    yield "Training, from rows in memory to a forest: CPU seconds, median. In bold how many times ours (least and most of the rounds)."
    yield ""
    libraries = [OURS, "linfa-trees", "linfa-trees, all columns", "scikit-learn", "LightGBM"]
    cases = []
    for threads in (1, 2):
        cases.append(("20 trees of depth 5, 9 columns", ("small", "train", threads)))
    for threads in (1, 2):
        cases.append(("20 trees of depth 14, 23 columns", ("large", "train", threads)))
    yield from table(measured, cases, libraries, cpu_s)
    yield ""
    yield "Their log-loss: " + "; ".join(
        f"{label}: " + ", ".join(f"{library} {loss(measured, (case, 'train', 1), library)}" for library in (OURS, *libraries[3:]))
        for label, case in [("depth 5", "small"), ("depth 14", "large")]
    ) + "."
    yield ""
    yield "Scoring: rows a CPU second, median, and in bold how many times as long as ours a row takes."
    yield ""
    libraries = [OURS, "linfa-trees", "onnxruntime", "scikit-learn", "LightGBM"]
    cases = []
    for label, case in [("depth 5", "small"), ("depth 14", "large")]:
        for step in ["score all at once", "score in batches", "score one by one"]:
            for threads in (1, 2):
                shown = step.removeprefix("score ").replace("in batches", "in batches of 1,000")
                cases.append((f"{label}, {shown}", (case, step, threads)))
    yield from table(measured, cases, libraries, per_cpu_s)
    if options.data:
        half, whole = (measured.rounds_of((f"data {part}", "train", 1))[OURS] for part in (500, 1000))
        rows = [rounds[0]["rows"] for rounds in (half, whole)]
        ratio = statistics.median(b["cpu_s"] / a["cpu_s"] for a, b in zip(half, whole))
        yield ""
        yield f"20 trees of depth 10, 23 columns: {rows[0]:,} rows in {cpu_s(half)} CPU, {rows[1]:,} in {cpu_s(whole)}:"
        yield f"**{ratio:.2f}** times as long for twice the rows."
    yield ""
    yield "Log-loss beside boosted trees on the same columns, at the best of 20, 40, … 200 rounds (learning rate 0.1, 31 leaves):"
    yield ""
    yield "| | rows | forest, 20 trees of depth 14 | CPU | LightGBM, boosted | CPU | forest's, over LightGBM's |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, (mine, theirs) in losses.items():
        over = mine["log_loss"] / theirs["log_loss"] - 1
        yield (
            f"| {name} | {mine['rows']:,} | {mine['log_loss']:.4f} | {mine['cpu_s']:.3g} s "
            f"| {theirs['log_loss']:.4f} | {theirs['cpu_s']:.3g} s | {over:+.2%} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="an imported history, to compare on besides the bundled flights")
    parser.add_argument("--holdout-from", help="its first day held out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured, losses = measure(options, folder)
    text = "\n".join(report(options, measured, losses)) + "\n"
    print(text)
    if not options.print_only:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        PAGE.write_text(before + BEGIN + text + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
