"""A check that cannot fail is no check: each rule is shown manifests that break it, and must say so.

A mutation is a function that changes rendered objects in place. Where it gives back False, the overlay has nothing to break."""

from manifests import containers, find, of_kind, settings, template

BROKEN = {}


def breaks(rule_name):
    def take(function):
        BROKEN.setdefault(rule_name, []).append(function)
        return function

    return take


def score(objects):
    return find(objects, "StatefulSet", "score")


def main(objects, kind="StatefulSet", called="score"):
    return template(find(objects, kind, called))["spec"]["containers"][0]


def policy(objects, called):
    return find(objects, "NetworkPolicy", called)["spec"]


@breaks("images_have_fixed_tags")
def latest(objects):
    main(objects)["image"] = "delaycast-score:latest"


@breaks("images_have_fixed_tags")
def no_tag(objects):
    main(objects)["image"] = "registry:5000/delaycast-score"


@breaks("images_have_fixed_tags")
def one_of_another_version(objects):
    main(objects, "Deployment", "web")["image"] = "delaycast-web:0.0.9"


@breaks("nothing_is_privileged")
def privileged(objects):
    main(objects)["securityContext"]["privileged"] = True


@breaks("nothing_is_privileged")
def root(objects):
    template(score(objects))["spec"]["securityContext"]["runAsNonRoot"] = False


@breaks("nothing_is_privileged")
def writable_root(objects):
    del main(objects, "CronJob", "train")["securityContext"]["readOnlyRootFilesystem"]


@breaks("nothing_is_privileged")
def host_network(objects):
    template(find(objects, "Deployment", "web"))["spec"]["hostNetwork"] = True


@breaks("nothing_is_privileged")
def a_capability(objects):
    main(objects)["securityContext"]["capabilities"] = {"drop": ["ALL"], "add": ["NET_ADMIN"]}


@breaks("resources_are_stated")
def no_limits(objects):
    del main(objects, "Job", "topics")["resources"]["limits"]


@breaks("pods_fit_autopilot")
def too_much_memory(objects):
    main(objects)["resources"]["requests"]["memory"] = "16Gi"


@breaks("what_runs_long_is_probed")
def no_liveness(objects):
    del main(objects)["livenessProbe"]


@breaks("what_runs_long_is_probed")
def no_deadline(objects):
    del find(objects, "Job", "topics")["spec"]["activeDeadlineSeconds"]


@breaks("what_runs_long_is_probed")
def sidecar_without_a_probe(objects):
    for each in containers(template(find(objects, "Deployment", "web"))):
        if each.get("restartPolicy") == "Always":
            del each["livenessProbe"]
            return None
    return False


@breaks("probes_ask_the_health_port")
def probes_the_mesh(objects):
    main(objects)["readinessProbe"] = {"tcpSocket": {"port": "mesh"}}


@breaks("probes_ask_the_health_port")
def probes_the_mesh_by_number(objects):
    main(objects, "Deployment", "web")["livenessProbe"]["httpGet"]["port"] = 2101


@breaks("pods_have_accounts_without_tokens")
def a_token(objects):
    template(score(objects))["spec"]["automountServiceAccountToken"] = True


@breaks("pods_have_accounts_without_tokens")
def unknown_account(objects):
    template(score(objects))["spec"]["serviceAccountName"] = "default"


@breaks("pods_have_accounts_without_tokens")
def a_role(objects):
    objects.append({"kind": "RoleBinding", "metadata": {"name": "any", "namespace": "delaycast"}})


@breaks("replicas_are_spread")
def not_spread(objects):
    del template(score(objects))["spec"]["topologySpreadConstraints"]


@breaks("replicas_are_spread")
def spread_by_another_label(objects):
    constraint = template(score(objects))["spec"]["topologySpreadConstraints"][0]
    constraint["labelSelector"]["matchLabels"] = {"app": "score"}


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
    settings(objects)["DELAYCAST_KAFKA_OPTIONS"] += "&sasl.password=hunter2"


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
    find(objects, "HTTPRoute", "web")["spec"]["rules"][0]["backendRefs"][0]["name"] = "page"


@breaks("routes_lead_somewhere")
def route_from_no_listener(objects):
    find(objects, "HTTPRoute", "web")["spec"]["parentRefs"][0]["sectionName"] = "tls"


@breaks("routes_lead_somewhere")
def fought_over_replicas(objects):
    find(objects, "Deployment", "web")["spec"]["replicas"] = 2


@breaks("mounts_have_volumes")
def mount_without_volume(objects):
    main(objects)["volumeMounts"].append({"name": "tmp", "mountPath": "/tmp"})


@breaks("mounts_have_volumes")
def scratch_without_bound(objects):
    main(objects)["volumeMounts"].append({"name": "tmp", "mountPath": "/tmp"})
    template(score(objects))["spec"]["volumes"].append({"name": "tmp", "emptyDir": {}})


@breaks("everything_is_denied_first")
def no_denial(objects):
    objects.remove(find(objects, "NetworkPolicy", "deny-all"))


@breaks("everything_is_denied_first")
def denial_of_one_direction(objects):
    policy(objects, "deny-all")["policyTypes"] = ["Ingress"]


@breaks("only_scorers_reach_the_mesh")
def mesh_open_to_the_namespace(objects):
    policy(objects, "mesh")["ingress"][0]["from"] = [{"podSelector": {}}]
    policy(objects, "deny-all")["policyTypes"] = ["Ingress"]


@breaks("only_scorers_reach_the_mesh")
def mesh_open_to_all_namespaces(objects):
    policy(objects, "mesh")["ingress"][0]["from"][0]["namespaceSelector"] = {}


@breaks("only_scorers_reach_the_mesh")
def metrics_open_all_ports(objects):
    del policy(objects, "metrics")["ingress"][0]["ports"]


@breaks("only_scorers_reach_the_mesh")
def mesh_of_nobody(objects):
    policy(objects, "mesh")["egress"] = []


@breaks("only_the_load_balancer_reaches_the_page")
def page_open_to_the_world(objects):
    policy(objects, "page")["ingress"][0]["from"] = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]


@breaks("only_the_load_balancer_reaches_the_page")
def page_at_another_port(objects):
    policy(objects, "page")["ingress"][0]["ports"][0]["port"] = 80


@breaks("only_collectors_reach_metrics")
def metrics_open_to_all(objects):
    del policy(objects, "metrics")["ingress"][0]["from"]


@breaks("only_web_score_and_topics_reach_the_log")
def train_uses_the_log(objects):
    template(find(objects, "CronJob", "train"))["metadata"]["labels"]["delaycast/uses-log"] = "true"


@breaks("only_web_score_and_topics_reach_the_log")
def listener_without_peers(objects):
    for kafka in of_kind(objects, "Kafka"):
        del kafka["spec"]["kafka"]["listeners"][0]["networkPolicyPeers"]
        return None
    return False


@breaks("only_web_score_and_topics_reach_the_log")
def topics_cannot_reach_it(objects):
    del template(find(objects, "Job", "topics"))["metadata"]["labels"]["delaycast/uses-log"]


@breaks("only_web_and_score_reach_the_store")
def topics_uses_the_store(objects):
    template(find(objects, "Job", "topics"))["metadata"]["labels"]["delaycast/uses-store"] = "true"


@breaks("only_web_and_score_reach_the_store")
def mongo_open_to_the_namespace(objects):
    if not find(objects, "NetworkPolicy", "mongo"):
        return False
    del policy(objects, "mongo")["ingress"][0]["from"]
    return None


@breaks("pods_reach_what_they_need_and_no_more")
def no_names(objects):
    objects.remove(find(objects, "NetworkPolicy", "dns"))


@breaks("pods_reach_what_they_need_and_no_more")
def the_whole_company(objects):
    del policy(objects, "google-apis")["egress"][-1]["to"][0]["ipBlock"]["except"]


@breaks("the_namespace_is_restricted")
def baseline(objects):
    find(objects, "Namespace", "delaycast")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "baseline"


@breaks("the_namespace_is_restricted")
def in_another_namespace(objects):
    score(objects)["metadata"]["namespace"] = "default"


@breaks("the_number_of_scorers_is_one_number")
def two_numbers(objects):
    score(objects)["spec"]["replicas"] = 4


@breaks("the_number_of_scorers_is_one_number")
def not_told(objects):
    main(objects)["args"].remove("--replicas=$(DELAYCAST_REPLICAS)")


@breaks("partitions_are_shared_out_evenly")
def uneven(objects):
    settings(objects)["DELAYCAST_PARTITIONS"] = "13"


@breaks("scorers_start_and_end_together")
def one_after_the_other(objects):
    score(objects)["spec"]["podManagementPolicy"] = "OrderedReady"


@breaks("scorers_start_and_end_together")
def rolling(objects):
    score(objects)["spec"]["updateStrategy"] = {"type": "RollingUpdate"}


@breaks("scorers_start_and_end_together")
def unnamed_until_ready(objects):
    del find(objects, "Service", "score-headless")["spec"]["publishNotReadyAddresses"]


@breaks("ports_are_those_of_the_settings")
def another_port(objects):
    settings(objects)["DELAYCAST_MESH_PORT"] = "2102"


@breaks("the_mesh_has_certificates")
def for_another_name(objects):
    find(objects, "Certificate", "score-mesh")["spec"]["dnsNames"].remove("delaycast-mesh")


@breaks("the_mesh_has_certificates")
def mounted_elsewhere(objects):
    main(objects)["volumeMounts"] = [each for each in main(objects)["volumeMounts"] if each["name"] != "mesh"]


@breaks("the_mesh_has_certificates")
def a_second_holder(objects):
    leaf = find(objects, "Certificate", "score-mesh")
    spec = {**leaf["spec"], "secretName": "other"}
    objects.append({**leaf, "metadata": {**leaf["metadata"], "name": "other"}, "spec": spec})


@breaks("models_are_written_by_train_alone")
def scorers_write_models(objects):
    for mount in main(objects)["volumeMounts"]:
        mount.pop("readOnly", None)


@breaks("models_are_written_by_train_alone")
def another_bucket(objects):
    settings(objects)["DELAYCAST_MODELS_BUCKET"] = "another"


@breaks("there_is_time_to_end_well")
def killed_at_once(objects):
    template(score(objects))["spec"]["terminationGracePeriodSeconds"] = 5


@breaks("there_is_time_to_end_well")
def no_pause(objects):
    del main(objects, "Deployment", "web")["lifecycle"]
