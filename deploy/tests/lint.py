"""Lints Dockerfiles by hadolint and shell scripts by shellcheck, and limits the length of files."""

import pathlib
import subprocess
import sys
import tempfile

from manifests import ROOT

LINES_MAX = 300
TOOLS = pathlib.Path(sys.executable).parent


def run_tool(*command):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and "target" not in path.parts]


def is_shell(path):
    with open(path, "rb") as file:
        first = file.readline(64)
    return first.startswith(b"#!") and (b"bash" in first or first.rstrip().endswith(b"sh"))


def shellcheck(path):
    # Sourced files are checked, too (-a), and searched beside the script (-P).
    return run_tool(TOOLS / "shellcheck", "--external-sources", "--check-sourced", "--source-path=SCRIPTDIR", path)


def hadolint(path):
    return run_tool(TOOLS / "hadolint", path)


def run(results):
    files = tracked()
    scripts = [path for path in files if is_shell(path)]
    for path in scripts:
        results(f"shellcheck {path.relative_to(ROOT)}", shellcheck(path))
    dockerfiles = [path for path in files if path.name.startswith("Dockerfile")]
    for path in dockerfiles:
        results(f"hadolint {path.relative_to(ROOT)}", hadolint(path))
    results("there are scripts and a Dockerfile to lint", [] if scripts and dockerfiles else ["none was found"])
    with tempfile.TemporaryDirectory() as folder:
        bad = pathlib.Path(folder) / "bad"
        bad.write_text('#!/bin/bash\nrm -rf $1/*\n')
        results("shellcheck can fail", [] if shellcheck(bad) else ["it saw nothing"])
        bad.write_text("FROM debian\nRUN cd /tmp && sudo apt-get install gcc\n")
        results("hadolint can fail", [] if hadolint(bad) else ["it saw nothing"])
    ours = [path for path in files if ROOT / "deploy" in path.parents and path.suffix in (".py", ".sh", ".yaml")]
    long = [str(path.relative_to(ROOT)) for path in ours if len(path.read_text().splitlines()) > LINES_MAX]
    results(f"no file below deploy/ has more than {LINES_MAX} lines", [f"too long: {each}" for each in long])
