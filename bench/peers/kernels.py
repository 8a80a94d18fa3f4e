"""Compilers and runtimes of forests as peers: all that run one model, on the rows that delaycast has written.

`prepare` trains two models of a shape, compiles them for every library, and holds each library's probabilities against
those of the library that has trained the model. `score` scores with the compiled ones. Both print lines of JSON.

scikit-learn's forest is the same kind of model as delaycast's: a tree has a distribution of the classes in each leaf.
LightGBM and its compilers know trees with one number in a leaf, so that they have a tree for each class. Its model is a
boosted one with as many rounds as the forest has trees, of the same depth, the same share of columns at a node, and the
same least number of rows in a leaf: lignum refuses LightGBM's own random forests.
"""

import argparse
import hashlib
import json
import os
import pickle
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../forest"))
import peers as forest_peers  # noqa: E402  (bench/forest/peers.py)

FOREST, BOOSTED = "scikit-learn's forest", "LightGBM's boosted trees"
# Part of the name of the compiled files' folder: another number when training or compiling here changes.
VERSION = 1
# Compared with the library that has trained the model. Some compute with 32 bits.
DIFFERENCE_MAX = 1e-5
CHECKED_ROWS = 20_000
# For each library the type of the rows that it takes without a conversion.
LIBRARIES = {
    "onnxruntime": (FOREST, "f4"),
    "treelite": (FOREST, "f4"),
    "tl2cgen": (FOREST, "f4"),
    "LightGBM": (BOOSTED, "f8"),
    "lleaves": (BOOSTED, "f8"),
    "lignum": (BOOSTED, "f8"),
    "lignum, compiled": (BOOSTED, "f8"),
    "tl2cgen, boosted": (BOOSTED, "f4"),
}


def folder_of(options):
    """The folder of what is compiled: the same as long as the rows, the shape and the libraries are."""
    digest = hashlib.sha256(open(f"{options.rows}/train.f32", "rb").read())
    digest.update(open(f"{os.path.dirname(os.path.abspath(__file__))}/requirements/kernels.txt", "rb").read())
    shape = [VERSION, options.trees, options.depth, options.max_features, options.min_samples_leaf]
    digest.update(json.dumps(shape).encode())
    return f"{options.compiled}/{digest.hexdigest()[:16]}"


def train_forest(folder, options, rows, classes):
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        options.trees,
        max_depth=options.depth,
        max_features=options.max_features,
        min_samples_leaf=options.min_samples_leaf,
        n_jobs=2,
        random_state=1,
    ).fit(rows, classes)
    forest.set_params(n_jobs=1)
    with open(f"{folder}/forest.pickle", "wb") as file:
        pickle.dump(forest, file)
    return forest.predict_proba, len(forest.estimators_), sum(int(tree.get_n_leaves()) for tree in forest.estimators_)


def train_boosted(folder, options, rows, classes):
    import lightgbm

    boosted = lightgbm.LGBMClassifier(
        n_estimators=options.trees,
        max_depth=options.depth,
        num_leaves=2**options.depth,
        min_child_samples=options.min_samples_leaf,
        feature_fraction_bynode=options.max_features / rows.shape[1],
        n_jobs=2,
        random_state=1,
        verbose=-1,
    ).fit(rows, classes)
    boosted.booster_.save_model(f"{folder}/boosted.txt")
    trees = boosted.booster_.dump_model()["tree_info"]
    return boosted.booster_.predict, len(trees), sum(tree["num_leaves"] for tree in trees)


def inlines(leaves):
    """LLVM had not ended after 14 minutes of CPU, with 7 GB, when it was to inline 80 trees of 863 leaves into one
    function; without it takes half a minute."""
    return leaves < 20_000


def compile_for(library, folder, leaves):
    """Writes the library's machine code. Returns false if it has none."""
    import tl2cgen
    import treelite

    # A function of tens of thousands of branches takes gcc an hour. Trees are compiled in parts of this size, which are
    # linked to one library.
    parts = {"parallel_comp": -(-leaves // 2000)}
    if library == "tl2cgen":
        with open(f"{folder}/forest.pickle", "rb") as file:
            model = treelite.sklearn.import_model(pickle.load(file))
        tl2cgen.export_lib(model, toolchain="gcc", libpath=f"{folder}/forest.so", params=parts)
    elif library == "tl2cgen, boosted":
        model = treelite.frontend.load_lightgbm_model(f"{folder}/boosted.txt")
        tl2cgen.export_lib(model, toolchain="gcc", libpath=f"{folder}/boosted.so", params=parts)
    elif library == "lleaves":
        import lleaves

        lleaves.Model(f"{folder}/boosted.txt").compile(cache=f"{folder}/lleaves", finline=inlines(leaves))
    elif library == "lignum, compiled":
        import lignum

        lignum.load(f"{folder}/boosted.txt").compile(library=f"{folder}/lignum.so")
    else:
        return False
    return True


def predictor(library, folder):
    """A function of rows to probabilities, on one thread."""
    if library == "onnxruntime":
        with open(f"{folder}/forest.pickle", "rb") as file:
            forest = pickle.load(file)
        return forest_peers.onnx(forest, 1, forest.n_features_in_)
    if library == "treelite":
        import treelite

        with open(f"{folder}/forest.pickle", "rb") as file:
            model = treelite.sklearn.import_model(pickle.load(file))
        return lambda rows: treelite.gtil.predict(model, rows, nthread=1)
    if library.startswith("tl2cgen"):
        import tl2cgen

        name = "boosted" if library.endswith("boosted") else "forest"
        compiled = tl2cgen.Predictor(f"{folder}/{name}.so", nthread=1)
        return lambda rows: compiled.predict(tl2cgen.DMatrix(rows))
    if library == "LightGBM":
        import lightgbm

        booster = lightgbm.Booster(model_file=f"{folder}/boosted.txt")
        return lambda rows: booster.predict(rows, num_threads=1)
    if library == "lleaves":
        import lleaves

        model = lleaves.Model(f"{folder}/boosted.txt")
        model.compile(cache=f"{folder}/lleaves")
        return lambda rows: model.predict(rows, n_jobs=1)
    import lignum

    model = lignum.load(f"{folder}/boosted.txt", compiled=f"{folder}/lignum.so" if "compiled" in library else None)
    return lambda rows: model.predict(rows, n_jobs=1)


def prepare(options):
    folder = folder_of(options)
    about = f"{folder}/about.json"
    if os.path.exists(about):
        print(open(about).read(), end="", flush=True)
        return
    os.makedirs(folder, exist_ok=True)
    rows, classes = forest_peers.read(options.rows, "train")
    later = forest_peers.read(options.rows, "test")[0][:CHECKED_ROWS]
    models = {FOREST: train_forest(folder, options, rows, classes)}
    models[BOOSTED] = train_boosted(folder, options, rows, classes)
    lines = []
    for library, (model, numbers) in LIBRARIES.items():
        trained, trees, leaves = models[model]
        started = time.perf_counter()
        compiles = compile_for(library, folder, leaves)
        seconds = time.perf_counter() - started if compiles else None
        expected = trained(later)
        found = np.asarray(predictor(library, folder)(np.ascontiguousarray(later, dtype=numbers)))
        difference = float(np.abs(found.reshape(expected.shape) - expected).max())
        line = dict(library=library, model=model, trees=trees, leaves=leaves, compile_s=seconds, difference=difference)
        print(f"{library}: ready after {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
        lines.append(json.dumps(line) + "\n")
        if difference > DIFFERENCE_MAX:
            sys.exit(f"{library} answers otherwise than {model}: {difference}")
    with open(about, "w") as file:
        file.writelines(lines)
    print("".join(lines), end="", flush=True)


def score(options):
    folder = folder_of(options)
    later = forest_peers.read(options.rows, "test")[0]
    for library in options.library or LIBRARIES:
        rows = np.ascontiguousarray(later, dtype=LIBRARIES[library][1])
        forest_peers.score(library, 1, predictor(library, folder), rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["prepare", "score"])
    parser.add_argument("--rows", required=True)
    parser.add_argument("--compiled", required=True)
    parser.add_argument("--trees", type=int, required=True)
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--max-features", type=int, required=True)
    parser.add_argument("--min-samples-leaf", type=int, required=True)
    parser.add_argument("--library", action="append")
    options = parser.parse_args()
    {"prepare": prepare, "score": score}[options.step](options)


if __name__ == "__main__":
    main()
