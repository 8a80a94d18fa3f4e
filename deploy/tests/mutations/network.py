"""Mutations that break the rules of policy/network.py."""

from manifests import find, of_kind, template

from . import breaks, needed, policy


def allow(objects, called, **spec):
    """Adds a NetworkPolicy for the pods of an application."""
    selector = {"matchLabels": {"app.kubernetes.io/name": called}}
    spec = {"podSelector": selector, "policyTypes": [each.capitalize() for each in spec], **spec}
    metadata = {"name": "mutation", "namespace": "delaycast"}
    objects.append({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec})


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


@breaks("only_the_load_balancer_reaches_the_page")
def page_open_to_the_namespace(objects):
    allow(objects, "web", ingress=[{"from": [{"podSelector": {}}], "ports": [{"port": 5001}]}])


@breaks("only_collectors_reach_metrics_and_the_page_those_of_scorers")
def metrics_open_to_the_namespace(objects):
    allow(objects, "score", ingress=[{"from": [{"podSelector": {}}], "ports": [{"port": 9090}]}])


@breaks("only_collectors_reach_metrics_and_the_page_those_of_scorers")
def metrics_open_to_all(objects):
    del policy(objects, "metrics")["ingress"][0]["from"]


@breaks("only_collectors_reach_metrics_and_the_page_those_of_scorers")
def status_of_scorers_for_nobody(objects):
    policy(objects, "web-to-score")["egress"] = []


@breaks("only_web_score_and_topics_reach_the_log")
def train_uses_the_log(objects):
    template(find(objects, "CronJob", "train"))["metadata"]["labels"]["delaycast/uses-log"] = "true"


@breaks("only_web_score_and_topics_reach_the_log")
def listener_without_peers(objects):
    del needed(of_kind(objects, "Kafka"))[0]["spec"]["kafka"]["listeners"][0]["networkPolicyPeers"]


@breaks("only_web_score_and_topics_reach_the_log")
def kafka_open_to_the_namespace(objects):
    needed(find(objects, "StatefulSet", "kafka"))
    del policy(objects, "kafka")["ingress"][0]["from"]


@breaks("only_web_score_and_topics_reach_the_log")
def topics_cannot_reach_it(objects):
    del template(find(objects, "Job", "topics"))["metadata"]["labels"]["delaycast/uses-log"]


@breaks("only_web_score_and_batch_reach_the_store")
def topics_uses_the_store(objects):
    template(find(objects, "Job", "topics"))["metadata"]["labels"]["delaycast/uses-store"] = "true"


@breaks("only_web_score_and_batch_reach_the_store")
def mongo_open_to_the_namespace(objects):
    del policy(objects, "mongo")["ingress"][0]["from"]


@breaks("only_web_score_and_batch_reach_the_store")
def batch_cannot_reach_it(objects):
    del template(find(objects, "CronJob", "batch"))["metadata"]["labels"]["delaycast/uses-store"]


@breaks("pods_reach_what_they_need_and_no_more")
def no_names(objects):
    objects.remove(find(objects, "NetworkPolicy", "dns"))


@breaks("pods_reach_what_they_need_and_no_more")
def the_whole_company(objects):
    del policy(objects, "google-apis")["egress"][-1]["to"][0]["ipBlock"]["except"]


@breaks("pods_reach_what_they_need_and_no_more")
def train_reaches_everything(objects):
    allow(objects, "train", egress=[{}])
