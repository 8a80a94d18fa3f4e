"""Grows forests with scikit-learn and LightGBM, and scores with these and onnxruntime, on rows that delaycast has written.

Prints a line of JSON for each measurement, as `delaycast-bench forest ours` does.
"""

import argparse
import json
import time

import lightgbm
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss

BATCH = 1000
ONE_BY_ONE = 2000
LONG_ENOUGH_S = 1.0


def read(folder, side):
    classes = np.fromfile(f"{folder}/{side}.u8", dtype="u1")
    return np.fromfile(f"{folder}/{side}.f32", dtype="<f4").reshape(len(classes), -1), classes


def print_line(library, step, threads, rows, cpu_s, seconds, **more):
    line = dict(library=library, step=step, threads=threads, rows=rows, cpu_s=cpu_s, seconds=seconds, **more)
    print(json.dumps(line), flush=True)


def timed(work):
    seconds, cpu_s = time.perf_counter(), time.process_time()
    result = work()
    return result, time.process_time() - cpu_s, time.perf_counter() - seconds


def train(library, threads, model, rows, classes, later):
    model, cpu_s, seconds = timed(lambda: model.fit(rows, classes))
    loss = float(log_loss(later[1], model.predict_proba(later[0])))
    print_line(library, "train", threads, len(rows), cpu_s, seconds, log_loss=loss)
    return model


def score(library, threads, predict, rows):
    few = rows[:: -(-len(rows) // ONE_BY_ONE)]
    ways = {"score all at once": (rows, len(rows)), "score in batches": (rows, BATCH), "score one by one": (few, 1)}
    for step, (these, size) in ways.items():
        scored, spent, passed = 0, 0.0, 0.0
        batches = [np.ascontiguousarray(these[at : at + size]) for at in range(0, len(these), size)]
        while spent < LONG_ENOUGH_S:
            _, cpu_s, seconds = timed(lambda: [predict(batch) for batch in batches])
            scored, spent, passed = scored + len(these), spent + cpu_s, passed + seconds
        print_line(library, step, threads, scored, spent, passed)


def onnx(forest, threads, width):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
    model = to_onnx(forest, np.zeros((1, width), "f4"), options={id(forest): {"zipmap": False}})
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return lambda rows: session.run(["probabilities"], {"X": rows})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--trees", type=int, default=20)
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--max-features", type=int, required=True)
    parser.add_argument("--min-samples-leaf", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--boosted", type=int, help="only LightGBM with so many rounds of boosting, to its best")
    options = parser.parse_args()
    rows, classes = read(options.rows, "train")
    later = read(options.rows, "test")
    threads, width = options.threads, rows.shape[1]
    if options.boosted:
        settings = dict(learning_rate=0.1, num_leaves=31, min_child_samples=100, colsample_bytree=0.5)
        boosted = lightgbm.LGBMClassifier(
            n_estimators=options.boosted, subsample=0.7, subsample_freq=1, n_jobs=threads, verbose=-1, **settings
        )
        boosted, cpu_s, seconds = timed(lambda: boosted.fit(rows, classes))
        rounds = range(20, options.boosted + 1, 20)
        losses = [float(log_loss(later[1], boosted.predict_proba(later[0], num_iteration=n))) for n in rounds]
        print_line("LightGBM, boosted", "train", threads, len(rows), cpu_s, seconds, log_loss=min(losses))
        return
    forest = RandomForestClassifier(
        options.trees,
        max_depth=options.depth,
        max_features=options.max_features,
        min_samples_leaf=options.min_samples_leaf,
        n_jobs=threads,
        random_state=1,
    )
    forest = train("scikit-learn", threads, forest, rows, classes, later)
    # LightGBM grows a tree for each class; columns are drawn at each node, as by delaycast.
    bagged = lightgbm.LGBMClassifier(
        boosting_type="rf",
        n_estimators=options.trees,
        max_depth=options.depth,
        num_leaves=min(2**options.depth, 131072),
        min_child_samples=options.min_samples_leaf,
        feature_fraction_bynode=options.max_features / width,
        bagging_fraction=0.632,
        bagging_freq=1,
        n_jobs=threads,
        verbose=-1,
    )
    bagged = train("LightGBM", threads, bagged, rows, classes, later)
    score("scikit-learn", threads, forest.predict_proba, later[0])
    score("onnxruntime", threads, onnx(forest, threads, width), later[0])
    booster = bagged.booster_
    score("LightGBM", threads, lambda rows: booster.predict(rows, num_threads=threads), later[0])


if __name__ == "__main__":
    main()
