"""Mutations that break the rules of policy/custom.py."""

from manifests import find

from . import breaks, needed


def spec(objects, kind, called):
    return needed(find(objects, kind, called))["spec"]


@breaks("controllers_take_custom_values")
def unknown_gateway_class(objects):
    spec(objects, "Gateway", "web")["gatewayClassName"] = "gke-l7-global"


@breaks("controllers_take_custom_values")
def days(objects):
    spec(objects, "Certificate", "score-mesh")["duration"] = "90d"


@breaks("controllers_take_custom_values")
def issuer_of_another_kind(objects):
    spec(objects, "Certificate", "score-mesh")["issuerRef"]["kind"] = "Authority"


@breaks("controllers_take_custom_values")
def unknown_label(objects):
    spec(objects, "PodMonitoring", "delaycast")["targetLabels"]["metadata"].append("zone")


@breaks("controllers_take_custom_values")
def older_kafka(objects):
    spec(objects, "Kafka", "delaycast")["kafka"]["version"] = "3.8.1"


@breaks("controllers_take_custom_values")
def newer_metadata(objects):
    spec(objects, "Kafka", "delaycast")["kafka"]["metadataVersion"] = "4.0-IV3"


@breaks("controllers_take_custom_values")
def disk_of_no_size(objects):
    spec(objects, "KafkaNodePool", "node")["storage"]["volumes"][0]["size"] = "50 GB"


@breaks("controllers_take_custom_values")
def unknown_resource(objects):
    spec(objects, "KafkaNodePool", "node")["resources"]["limits"]["memry"] = "4Gi"
