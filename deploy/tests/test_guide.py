"""Tests of the course guide's Python: the DAG against a stand-in of Airflow, the notebook without running it."""

import ast
import contextlib
import datetime
import io
import json
import pathlib
import re
import sys
import tempfile
import types
import unittest.mock

from manifests import ROOT

GUIDE = ROOT / "docs/guide"
CHAIN = ["fetch", "import_flights", "train", "evaluate", "check", "publish"]


class Operator:
    """A task of the stand-in: keeps its arguments and what comes after it."""

    def __init__(self, **arguments):
        self.arguments, self.after = {**Dag.current.arguments["default_args"], **arguments}, []
        Dag.current.tasks.append(self)

    def __rshift__(self, other):
        self.after.append(other)
        return other


class Dag:
    """A DAG of the stand-in."""

    current = None

    def __init__(self, **arguments):
        self.arguments, self.tasks = arguments, []

    def __enter__(self):
        Dag.current = self
        return self

    def __exit__(self, *_):
        pass


class Refused(Exception):
    """The failure without a retry."""


def loaded(module_names):
    """Runs the DAG's file with stand-ins in place of these modules of Airflow, and returns its names."""
    names = {"BashOperator": Operator, "PythonOperator": Operator, "DAG": Dag, "AirflowFailException": Refused}
    names["Param"] = lambda default, **_: default
    path = GUIDE / "airflow/delaycast_training.py"
    modules = {called: types.ModuleType(called) for called in module_names}
    for module in modules.values():
        vars(module).update(names)
    space = {"__name__": "delaycast_training", "__file__": str(path)}
    with unittest.mock.patch.dict(sys.modules, modules):
        exec(compile(path.read_text(), str(path), "exec"), space)
    return space


AIRFLOW_2 = ["airflow", "airflow.exceptions", "airflow.models", "airflow.models.param", "airflow.operators"]
AIRFLOW_2 += ["airflow.operators.bash", "airflow.operators.python"]
AIRFLOW_3 = ["airflow", "airflow.exceptions", "airflow.sdk", "airflow.providers", "airflow.providers.standard"]
AIRFLOW_3 += [f"airflow.providers.standard.operators{part}" for part in ("", ".bash", ".python")]


def dag_problems(space):
    dag = space["dag"]
    if dag.arguments.get("catchup") is not False or dag.arguments.get("max_active_runs") != 1:
        yield "runs may overlap"
    if not dag.arguments.get("dagrun_timeout"):
        yield "a run has no timeout"
    if [task.arguments["task_id"] for task in dag.tasks] != CHAIN:
        yield f"the tasks are {[task.arguments['task_id'] for task in dag.tasks]}"
    for task, following in zip(dag.tasks, [*dag.tasks[1:], None]):
        called, arguments = task.arguments["task_id"], task.arguments
        if task.after != ([following] if following else []):
            yield f"{called} is not followed by the next task"
        if not arguments.get("execution_timeout"):
            yield f"{called} has no timeout"
        if not (arguments.get("retries") and arguments.get("retry_exponential_backoff") and arguments["max_retry_delay"]):
            yield f"{called} has no retries with backoff"
        # Values come by the environment: a template in the command would be read as code.
        if "{{" in arguments.get("bash_command", ""):
            yield f"{called} has a template in its command"


def window_problems(space):
    run = types.SimpleNamespace(data_interval_end=datetime.datetime(2026, 2, 20, tzinfo=datetime.timezone.utc))
    by_hand = types.SimpleNamespace(data_interval_end=None, run_after=run.data_interval_end)
    window, first, newest, zips = (space[name] for name in ("window", "first", "newest", "zips"))
    for months, expected in (
        (window(run, ""), ("2024-12", "2025-11")),
        (window(by_hand, ""), ("2024-12", "2025-11")),
        (window(run, "2013-03"), ("2012-04", "2013-03")),
    ):
        if (first(months), newest(months), len(months)) != (*expected, 12):
            yield f"{months} is not {expected}"
    names = zips(window(run, "2013-03")).split()
    if len(names) != 12 or not names[-1].endswith("_1987_present_2013_3.zip"):
        yield f"the zips are {names}"


def check_problems(space):
    """The check publishes what is better with certainty, and refuses everything else."""
    with tempfile.TemporaryDirectory() as folder:
        space["FOLDER"] = pathlib.Path(folder)
        for against, passes in (
            ({"difference": -0.05, "interval": [-0.07, -0.03]}, True),
            ({"difference": -0.05, "interval": [-0.11, 0.01]}, False),
            ({"difference": -0.05}, True),
            ({"difference": 0.0}, False),
        ):
            report = {"holdout": {"forest": {"against_lookup": {"log_loss": against}}}}
            (space["FOLDER"] / "evaluation.json").write_text(json.dumps(report))
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    space["check"]()
                passed = True
            except Refused:
                passed = False
            if passed != passes:
                yield f"{against} passes: {passed}"


def notebook_problems():
    notebook = json.loads((GUIDE / "notebook/answers.ipynb").read_text())
    for index, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        if cell["outputs"] or cell["execution_count"] is not None:
            yield f"cell {index} has output: clear it before a commit"
        try:
            ast.parse("".join(cell["source"]))
        except SyntaxError as error:
            yield f"cell {index}: {error}"
    pins = (GUIDE / "notebook/requirements.txt").read_text().splitlines()
    for line in (each for each in pins if each and not each.startswith("#")):
        if not re.fullmatch(r"[a-z-]+==[0-9.]+", line):
            yield f"not pinned: {line}"


def run(results):
    for version, modules in (("2", AIRFLOW_2), ("3", AIRFLOW_3)):
        space = loaded(modules)
        results(f"guide: the DAG, with a stand-in of Airflow {version}", dag_problems(space))
        results(f"guide: the DAG's months, Airflow {version}", window_problems(space))
        results(f"guide: the DAG's check, Airflow {version}", check_problems(space))
    space["dag"].arguments["max_active_runs"] = 2
    del space["dag"].tasks[0].arguments["execution_timeout"]
    found = list(dag_problems(space))
    results("guide: overlapping runs and a task without a timeout are found", [] if len(found) == 2 else [str(found)])
    results("guide: the notebook", notebook_problems())
    for path in GUIDE.rglob("*.py"):
        results(f"guide: {path.name} is Python", [] if ast.parse(path.read_text()) else ["it is empty"])
