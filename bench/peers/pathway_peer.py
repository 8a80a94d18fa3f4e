"""Pathway as a peer: a forest of the course project's shape, from a topic to a topic.

Prints a line of JSON for each result. `bench/peers/run` installs what it needs; `delaycast-bench peers` starts it.
"""

import argparse
import json
import os
import pickle
import sys
import threading
import time

import numpy as np
import onnxruntime

CODES = ["Carrier", "Origin", "Dest", "Route"]
NUMBERS = ["DepDelay", "Distance", "DayOfMonth", "DayOfWeek", "DayOfYear"]
# Classes of the arrival delay, each closed on the left.
CUTS = [-15.0, 0.0, 30.0]


def train(options):
    """A forest of 20 trees of depth 5 on the bundled flights, as a file for onnxruntime, which is the fastest of what
    Python programs score forests with; and the numbers of the codes."""
    import pandas as pd
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestClassifier

    started = time.perf_counter()
    flights = pd.read_parquet(options.flights).dropna(subset=["ArrDelay", "DepDelay"])
    date = pd.to_datetime(flights["FlightDate"]).dt
    flights["DayOfMonth"], flights["DayOfWeek"], flights["DayOfYear"] = date.day, date.day_of_week + 1, date.day_of_year
    flights["Route"] = flights["Origin"] + "-" + flights["Dest"]
    numbers = {name: {code: n for n, code in enumerate(flights[name].value_counts().index)} for name in CODES}
    columns = [flights[name] for name in NUMBERS] + [flights[name].map(numbers[name]) for name in CODES]
    rows = np.stack([np.asarray(column, dtype="f4") for column in columns], axis=1)
    classes = np.searchsorted(CUTS, np.asarray(flights["ArrDelay"]), side="right")
    forest = RandomForestClassifier(options.trees, max_depth=options.depth, max_features=3, random_state=1)
    forest.fit(rows, classes)
    text = to_onnx(forest, rows[:1], options={id(forest): {"zipmap": False}}).SerializeToString()
    os.makedirs(options.model, exist_ok=True)
    with open(f"{options.model}/forest.pickle", "wb") as file:
        pickle.dump((text, numbers), file)
    print_line(step="train", seconds=time.perf_counter() - started, accuracy=float(forest.score(rows, classes)))


def scorer(model):
    with open(f"{model}/forest.pickle", "rb") as file:
        text, numbers = pickle.load(file)
    settings = onnxruntime.SessionOptions()
    # A batch has few rows: handing them to other threads costs more than scoring them.
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(text, settings, providers=["CPUExecutionProvider"])
    tables = [numbers[name] for name in CODES]

    def score(*columns):
        rows = np.empty((len(columns[0]), len(columns)), dtype="f4")
        for at, column in enumerate(columns):
            if at >= len(NUMBERS):
                table = tables[at - len(NUMBERS)]
                # An unknown code has a number of its own, as in Spark.
                column = [table.get(code, len(table)) for code in column]
            rows[:, at] = np.array(column, dtype="f4")
        return session.run(["label"], {"X": rows})[0].astype(float).tolist()

    return score


def answer(options):
    """Answers until its input ends."""
    import pathway as pw

    class Request(pw.Schema):
        UUID: str
        Carrier: str
        Origin: str
        Dest: str
        FlightDate: str
        # Requests about cancelled flights have none.
        DepDelay: float | None
        Distance: float
        DayOfMonth: float
        DayOfWeek: float
        DayOfYear: float

    score = scorer(options.model)
    # `deterministic` keeps Pathway from storing each result; a batch of rows costs one call of the model.
    predict = pw.udf(score, return_type=float, deterministic=True, max_batch_size=1024)
    consumer = {
        "bootstrap.servers": options.brokers,
        "group.id": f"pathway-{os.getpid()}",
        "auto.offset.reset": "earliest",
    }
    requests = pw.io.kafka.read(
        consumer,
        topic=options.topic,
        schema=Request,
        format="json",
        # The time until requests enter the dataflow. The default is 1,500 ms; with 1 ms it falls behind on busy cores.
        autocommit_duration_ms=options.commit_ms,
    )
    requests = requests.with_columns(Route=pw.this.Origin + "-" + pw.this.Dest)
    columns = [requests[name] for name in NUMBERS + CODES]
    answers = requests.with_columns(Prediction=predict(*columns))
    # A message is sent at once; librdkafka's default waits 5 ms for others.
    producer = {"bootstrap.servers": options.brokers, "queue.buffering.max.ms": "0"}
    pw.io.kafka.write(answers, producer, options.to, format="json", key=answers.UUID)
    threading.Thread(target=end_with_input, daemon=True).start()
    print_line(step="answer")
    # Neither its dashboard nor its HTTP server is looked at. There is no persistence, which it would wait for.
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def print_line(**line):
    print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("train")
    step.add_argument("--flights", required=True)
    step.add_argument("--trees", type=int, default=20)
    step.add_argument("--depth", type=int, default=5)
    step = steps.add_parser("answer")
    step.add_argument("--brokers", required=True)
    step.add_argument("--topic", required=True)
    step.add_argument("--to", required=True)
    step.add_argument("--commit-ms", type=int, default=5)
    options = parser.parse_args()
    {"train": train, "answer": answer}[options.step](options)


if __name__ == "__main__":
    main()
