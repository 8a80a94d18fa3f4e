"""Mutations that break the rules of policy/pods.py."""

import yaml

from manifests import GKE, containers, find, on_google, template

from . import NothingToBreak, breaks, main, needed, score


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


@breaks("resources_are_stated")
def a_limit_above_the_request(objects):
    main(objects)["resources"]["limits"]["memory"] = "64Gi"


@breaks("pods_fit_autopilot")
def no_limit_of_the_processor(objects):
    needed(on_google(objects))
    del main(objects)["resources"]["limits"]["cpu"]


@breaks("pods_fit_autopilot")
def too_much_memory(objects):
    needed(on_google(objects))
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
            return
    raise NothingToBreak


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


def with_spare(objects):
    """Adds the component of the spare room; returns its Deployment."""
    needed(on_google(objects))
    objects.extend(yaml.safe_load_all((GKE / "spare/spare.yaml").read_text()))
    return find(objects, "Deployment", "spare")


@breaks("spare_room_is_that_of_a_scorer")
def room_for_less_than_a_scorer(objects):
    containers(template(with_spare(objects)))[0]["resources"]["requests"]["cpu"] = "1"


@breaks("spare_room_is_that_of_a_scorer")
def a_scorer_that_grew(objects):
    with_spare(objects)
    main(objects)["resources"]["requests"]["memory"] = "4Gi"


@breaks("spare_room_is_that_of_a_scorer")
def room_that_stays(objects):
    with_spare(objects)
    find(objects, "PriorityClass", "delaycast-spare")["value"] = 10
