"""Trains LightGBM on the rows that `delaycast-bench live --rows` has written, and scores it at each horizon.

Prints a line of JSON for each horizon: log-loss of the four classes, and the AUC of 30 minutes late or more.
"""

import argparse
import json

import lightgbm
import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

CUTS = [-15, 0, 30]
# The moments of the forests: src/live/moment.rs.
NEAR_MINUTES = 300
HORIZONS = ["1440", "360", "240", "120", "60", "30", "0", "departed"]


def read(folder, side, width):
    delays = np.fromfile(f"{folder}/{side}.delay", dtype="<f4")
    return np.fromfile(f"{folder}/{side}.f32", dtype="<f4").reshape(len(delays), width), np.digitize(delays, CUTS)


def train(rows, classes, names, settings):
    # Every tenth row tells when to stop.
    stop = np.arange(len(rows)) % 10 == 0
    train = lightgbm.Dataset(rows[~stop], classes[~stop], feature_name=names)
    return lightgbm.train(
        dict(
            objective="multiclass",
            num_class=len(CUTS) + 1,
            num_leaves=63,
            learning_rate=settings.rate,
            min_data_in_leaf=100,
            feature_fraction=0.5,
            verbose=-1,
            num_threads=settings.threads,
            seed=1,
        ),
        train,
        settings.rounds,
        valid_sets=[train.create_valid(rows[stop], classes[stop])],
        callbacks=[lightgbm.early_stopping(15, verbose=False)],
    )


def moment_of(horizon):
    if horizon == "departed":
        return "Departed"
    minutes = int(horizon)
    return "Early" if minutes >= NEAR_MINUTES else "Near" if minutes > 0 else "Overdue"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--rate", type=float, default=0.12)
    parser.add_argument("--threads", type=int, default=2)
    settings = parser.parse_args()
    names = open(f"{settings.folder}/columns.txt").read().split()
    models = {}
    for side in ("Early", "Near", "Overdue", "Departed"):
        rows, classes = read(settings.folder, f"train-{side}", len(names))
        if side != "Departed":
            # A training flight has its departure delay in its row; a question before departure has not.
            hidden = [at for at, name in enumerate(names) if name.startswith(("DepDelay", "ExpectedArr", "ArrDelayAfter"))]
            rows[:, hidden] = np.nan
        models[side] = train(rows, classes, names, settings)
        gain = sorted(zip(models[side].feature_importance("gain"), names), reverse=True)
        total = sum(value for value, _ in gain)
        shares = {name: round(float(value / total), 4) for value, name in gain}
        print(json.dumps(dict(side=side, rounds=models[side].best_iteration, gain=shares)), flush=True)
    for horizon in HORIZONS:
        rows, classes = read(settings.folder, f"test-{horizon}", len(names))
        predicted = models[moment_of(horizon)].predict(rows)
        print(
            json.dumps(
                dict(
                    horizon=horizon,
                    rows=len(rows),
                    log_loss=float(log_loss(classes, predicted)),
                    auc30=float(roc_auc_score(classes == len(CUTS), predicted[:, -1])),
                )
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
