"""Rules on values of custom objects that their definitions take, and the controllers behind them refuse."""

import re

from manifests import name, of_kind

from . import rule

# https://cloud.google.com/kubernetes-engine/docs/concepts/gateway-api: those of one cluster with an Envoy.
GATEWAY_CLASSES = ("gke-l7-global-external-managed", "gke-l7-regional-external-managed", "gke-l7-rilb")
# Versions of Kafka that Strimzi 0.47 runs (its kafka-versions.yaml).
KAFKA_VERSIONS = ("3.9.0", "3.9.1", "4.0.0")
# https://github.com/GoogleCloudPlatform/prometheus-engine/blob/main/doc/api.md
METRIC_LABELS = {"pod", "container", "node", "top_level_controller_name", "top_level_controller_type"}
DURATION = r"([0-9]+h)?([0-9]+m)?([0-9]+s)?"
RESOURCES = ("cpu", "memory", "storage", "ephemeral-storage")
QUANTITY = r"[0-9]+(\.[0-9]+)?(m|[kMGT]i?)?"


def quantities(thing):
    """Yields the quantities in an object, by resource."""
    if isinstance(thing, list):
        thing = dict(enumerate(thing))
    if not isinstance(thing, dict):
        return
    for field, part in thing.items():
        if field in ("requests", "limits"):
            yield from part.items()
        elif field == "size":
            yield "storage", part
        else:
            yield from quantities(part)


@rule
def controllers_take_custom_values(objects):
    """Classes, versions, durations, quantities and labels, which are any text for a definition."""
    for thing in of_kind(objects, "Gateway"):
        if thing["spec"]["gatewayClassName"] not in GATEWAY_CLASSES:
            yield f"{name(thing)}: GKE has no class {thing['spec']['gatewayClassName']}"
    for thing in of_kind(objects, "Certificate"):
        for field in ("duration", "renewBefore"):
            if not re.fullmatch(DURATION, thing["spec"].get(field, "")):
                yield f"{name(thing)}: {field} is no duration in hours, minutes and seconds"
        if thing["spec"]["issuerRef"].get("kind", "Issuer") not in ("Issuer", "ClusterIssuer"):
            yield f"{name(thing)}: cert-manager has no issuers of kind {thing['spec']['issuerRef']['kind']}"
    for thing in of_kind(objects, "PodMonitoring"):
        for label in set(thing["spec"].get("targetLabels", {}).get("metadata", [])) - METRIC_LABELS:
            yield f"{name(thing)}: there is no label {label}"
    for thing in of_kind(objects, "Kafka"):
        version, metadata = (thing["spec"]["kafka"].get(field, "") for field in ("version", "metadataVersion"))
        if version not in KAFKA_VERSIONS:
            yield f"{name(thing)}: Strimzi runs no Kafka {version}"
        if not re.fullmatch(r"[34]\.[0-9]-IV[0-9]", metadata) or metadata.split("-")[0] > version:
            yield f"{name(thing)}: no metadata version of Kafka {version}: {metadata}"
    for thing in of_kind(objects, "Kafka", "KafkaNodePool"):
        for resource, text in quantities(thing["spec"]):
            if resource not in RESOURCES or not re.fullmatch(QUANTITY, str(text)):
                yield f"{name(thing)}: {resource} {text} is no quantity of a resource"
