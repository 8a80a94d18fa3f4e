"""Mutations that break the rules of policy/references.py."""

from manifests import find, settings, template

from . import breaks, main, needed, score


@breaks("configmaps_and_secrets_exist")
def unknown_secret(objects):
    main(objects)["env"].append({"name": "X", "valueFrom": {"secretKeyRef": {"name": "nobody-makes-it", "key": "url"}}})


@breaks("configmaps_and_secrets_exist")
def unknown_key(objects):
    main(objects)["env"][-1]["valueFrom"] = {"secretKeyRef": {"name": "delaycast-store", "key": "uri"}}


@breaks("configmaps_and_secrets_exist")
def unknown_configmap(objects):
    main(objects)["envFrom"][0]["configMapRef"]["name"] = "settings"


@breaks("variables_are_defined_before_use")
def used_too_early(objects):
    main(objects)["env"].insert(0, {"name": "X", "value": "$(DELAYCAST_STORE_URL)"})


@breaks("variables_are_defined_before_use")
def argument_of_nothing(objects):
    main(objects)["args"].append("--models=$(DELAYCAST_MODEL)")


@breaks("no_secret_has_a_value_here")
def a_secret(objects):
    objects.append({"kind": "Secret", "metadata": {"name": "x", "namespace": "delaycast"}, "data": {"url": "eA=="}})


@breaks("no_secret_has_a_value_here")
def a_password_in_the_settings(objects):
    settings(objects)["DELAYCAST_KAFKA_HOSTS"] += "?sasl.password=hunter2"


@breaks("no_secret_has_a_value_here")
def a_password_in_a_variable(objects):
    main(objects)["env"].append({"name": "MONGO_PASSWORD", "value": "hunter2"})


@breaks("selectors_match")
def service_of_nobody(objects):
    find(objects, "Service", "web")["spec"]["selector"] = {"app.kubernetes.io/name": "webb"}


@breaks("selectors_match")
def budget_of_nobody(objects):
    find(objects, "PodDisruptionBudget", "score")["spec"]["selector"]["matchLabels"] = {"app": "score"}


@breaks("selectors_match")
def workload_of_others(objects):
    score(objects)["spec"]["selector"]["matchLabels"] = {"app.kubernetes.io/name": "web"}


@breaks("services_lead_somewhere_and_stay_inside")
def node_port(objects):
    find(objects, "Service", "web")["spec"]["type"] = "NodePort"


@breaks("services_lead_somewhere_and_stay_inside")
def unknown_port(objects):
    find(objects, "Service", "web")["spec"]["ports"][0]["targetPort"] = "https"


@breaks("routes_lead_somewhere")
def route_to_nobody(objects):
    needed(find(objects, "HTTPRoute", "web"))["spec"]["rules"][0]["backendRefs"][0]["name"] = "page"


@breaks("routes_lead_somewhere")
def route_from_no_listener(objects):
    needed(find(objects, "HTTPRoute", "web"))["spec"]["parentRefs"][0]["sectionName"] = "tls"


@breaks("routes_lead_somewhere")
def public_operations(objects):
    needed(find(objects, "HTTPRoute", "web"))["spec"]["rules"][0]["matches"].append(
        {"path": {"type": "PathPrefix", "value": "/ops"}})


@breaks("routes_lead_somewhere")
def everything_is_public(objects):
    del needed(find(objects, "HTTPRoute", "web"))["spec"]["rules"][0]["matches"]


@breaks("routes_lead_somewhere")
def fought_over_replicas(objects):
    needed(find(objects, "HorizontalPodAutoscaler", "web"))
    find(objects, "Deployment", "web")["spec"]["replicas"] = 2


@breaks("mounts_have_volumes")
def mount_without_volume(objects):
    main(objects)["volumeMounts"].append({"name": "tmp", "mountPath": "/tmp"})


@breaks("mounts_have_volumes")
def scratch_without_bound(objects):
    main(objects)["volumeMounts"].append({"name": "tmp", "mountPath": "/tmp"})
    template(score(objects))["spec"]["volumes"].append({"name": "tmp", "emptyDir": {}})
