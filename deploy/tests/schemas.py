"""Validates objects against schemas: built-in kinds against those of Kubernetes, custom kinds against schemas/.

The schemas are written from the documentation of each project, with the fields that these manifests use. An unknown field is
an error, so typing errors are found. Only a cluster can tell whether the installed version has a field."""

import pathlib

import jsonschema
import kubernetes_validate
import yaml

from manifests import name

# The oldest and the newest version of Kubernetes to validate for; GKE's regular channel is between them.
KUBERNETES_VERSIONS = ("1.32", "1.35")


def _closed(schema):
    """Forbids unknown fields in each object whose schema names fields, unless the schema allows them."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _closed(part)
    elif isinstance(schema, list):
        for part in schema:
            _closed(part)
    return schema


def _load():
    found = {}
    for path in sorted((pathlib.Path(__file__).parent / "schemas").glob("*.yaml")):
        for schema in yaml.safe_load_all(path.read_text()):
            body = {"type": "object", "required": ["spec"], "properties": {"spec": schema["spec"]}}
            body["properties"] |= {"apiVersion": {"const": schema["apiVersion"]}, "kind": {"const": schema["kind"]}}
            body["properties"]["metadata"] = {"type": "object", "required": ["name", "namespace"]}
            found[schema["kind"]] = _closed(body)
    return found


OURS = _load()


def problems(thing):
    """Yields the violations of an object's schema."""
    if thing["kind"] in OURS:
        for error in jsonschema.Draft202012Validator(OURS[thing["kind"]]).iter_errors(thing):
            yield f"{name(thing)}: {error.json_path}: {error.message}"
        return
    for version in KUBERNETES_VERSIONS:
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name(thing)}: {'.'.join(map(str, error.path))}: {error.message} (Kubernetes {version})"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{name(thing)}: no schema for this kind: write one into deploy/tests/schemas"
