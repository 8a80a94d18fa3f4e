"""CustomResourceDefinitions: merges those of packages into one file, and finds that of an object.

    crds.py OUT FILE…    writes the definitions in YAML files, or in files that it wrote, to OUT, as a List in JSON

lib/crds.sh gets the files. Definitions that no package has are in schemas/."""

import json
import os
import pathlib
import sys

import yaml

HAND_WRITTEN = pathlib.Path(__file__).parent / "schemas"


def _without_descriptions(schema):
    """Returns a schema without texts, which are most of its size. A property may be called `description`."""
    if isinstance(schema, list):
        return [_without_descriptions(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    others = schema.keys() - {"description", "properties"}
    kept = {key: _without_descriptions(schema[key]) for key in sorted(others)}
    if "properties" in schema:
        kept["properties"] = {field: _without_descriptions(part) for field, part in schema["properties"].items()}
    return kept


def _definitions(path):
    """Yields the definitions in a YAML file, with the metadata that the API server needs: others are Helm templates."""
    # The parser in C: the one in Python takes seconds for Strimzi's.
    documents = (each for each in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader) if each)
    for thing in (item for each in documents for item in each.get("items", [each])):
        if thing["kind"] != "CustomResourceDefinition":
            continue
        annotations = thing["metadata"].get("annotations", {})
        approved = {key: value for key, value in annotations.items() if key == "api-approved.kubernetes.io"}
        spec = {key: part for key, part in thing["spec"].items() if key != "conversion"}
        for version in spec["versions"]:
            version["schema"] = _without_descriptions(version["schema"])
        yield {
            "apiVersion": thing["apiVersion"],
            "kind": thing["kind"],
            "metadata": {"name": thing["metadata"]["name"], "annotations": approved},
            "spec": spec,
        }


def _by_kind(definitions):
    return {(each["spec"]["group"], each["spec"]["names"]["kind"]): each for each in definitions}


def load():
    """Returns all definitions by group and kind, and the set of those that are hand-written."""
    there = _by_kind(json.loads(pathlib.Path(os.environ["CRDS"]).read_text())["items"])
    ours = _by_kind(each for path in sorted(HAND_WRITTEN.glob("*.yaml")) for each in _definitions(path))
    return there | ours, set(ours)


def group_and_kind(thing):
    return thing["apiVersion"].rpartition("/")[0], thing["kind"]


def schema_of(definition, thing):
    """Returns the schema of an object's version, or None if that is not served."""
    for version in definition["spec"]["versions"]:
        if version["served"] and version["name"] == thing["apiVersion"].rpartition("/")[2]:
            return version["schema"]["openAPIV3Schema"]
    return None


def main(out, *files):
    items = [each for path in files for each in _definitions(pathlib.Path(path))]
    pathlib.Path(out).write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


if __name__ == "__main__":
    main(*sys.argv[1:])
