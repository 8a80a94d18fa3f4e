"""Mutations that break the rules of policy/custom.py."""

from manifests import find

from . import breaks


def kafka(objects):
    """Returns the specification of Kafka and of its nodes, if this overlay has them."""
    found = find(objects, "Kafka", "delaycast"), find(objects, "KafkaNodePool", "node")
    return [each["spec"] for each in found] if all(found) else None


@breaks("controllers_take_custom_values")
def unknown_gateway_class(objects):
    find(objects, "Gateway", "web")["spec"]["gatewayClassName"] = "gke-l7-global"


@breaks("controllers_take_custom_values")
def days(objects):
    find(objects, "Certificate", "score-mesh")["spec"]["duration"] = "90d"


@breaks("controllers_take_custom_values")
def issuer_of_another_kind(objects):
    find(objects, "Certificate", "score-mesh")["spec"]["issuerRef"]["kind"] = "Authority"


@breaks("controllers_take_custom_values")
def unknown_label(objects):
    find(objects, "PodMonitoring", "delaycast")["spec"]["targetLabels"]["metadata"].append("zone")


@breaks("controllers_take_custom_values")
def older_kafka(objects):
    if not kafka(objects):
        return False
    kafka(objects)[0]["kafka"]["version"] = "3.8.1"
    return None


@breaks("controllers_take_custom_values")
def newer_metadata(objects):
    if not kafka(objects):
        return False
    kafka(objects)[0]["kafka"]["metadataVersion"] = "4.0-IV3"
    return None


@breaks("controllers_take_custom_values")
def disk_of_no_size(objects):
    if not kafka(objects):
        return False
    kafka(objects)[1]["storage"]["volumes"][0]["size"] = "50 GB"
    return None


@breaks("controllers_take_custom_values")
def unknown_resource(objects):
    if not kafka(objects):
        return False
    kafka(objects)[1]["resources"]["limits"]["memry"] = "4Gi"
    return None
