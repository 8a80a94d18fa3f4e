"""Mutations that break the rules of policy/system.py."""

from manifests import find, settings, template

from . import breaks, main, needed, score


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


@breaks("scorers_start_and_end_together")
def leader_of_all_pods(objects):
    del find(objects, "Service", "score-leader")["spec"]["selector"]["statefulset.kubernetes.io/pod-name"]


@breaks("scorers_start_and_end_together")
def leader_by_name_alone(objects):
    find(objects, "Service", "score-leader")["spec"]["clusterIP"] = "None"


@breaks("scorers_start_and_end_together")
def leader_unreachable_until_ready(objects):
    del find(objects, "Service", "score-leader")["spec"]["publishNotReadyAddresses"]


@breaks("ports_are_those_of_the_settings")
def another_port(objects):
    settings(objects)["DELAYCAST_MESH_PORT"] = "2102"


@breaks("the_mesh_has_certificates")
def for_another_name(objects):
    needed(find(objects, "Certificate", "score-mesh"))["spec"]["dnsNames"].remove("delaycast-mesh")


@breaks("the_mesh_has_certificates")
def mounted_elsewhere(objects):
    main(objects)["volumeMounts"] = [each for each in main(objects)["volumeMounts"] if each["name"] != "mesh"]


@breaks("the_mesh_has_certificates")
def a_second_holder(objects):
    leaf = needed(find(objects, "Certificate", "score-mesh"))
    spec = {**leaf["spec"], "secretName": "other"}
    objects.append({**leaf, "metadata": {**leaf["metadata"], "name": "other"}, "spec": spec})


@breaks("models_are_written_by_train_alone")
def scorers_write_models(objects):
    for mount in main(objects)["volumeMounts"]:
        mount.pop("readOnly", None)


@breaks("models_are_written_by_train_alone")
def another_bucket(objects):
    needed(settings(objects).get("DELAYCAST_MODELS_BUCKET"))
    settings(objects)["DELAYCAST_MODELS_BUCKET"] = "another"


@breaks("models_are_written_by_train_alone")
def models_in_a_folder_of_the_pod(objects):
    for volume in template(score(objects))["spec"]["volumes"]:
        if volume["name"] == "models":
            volume.clear()
            volume.update({"name": "models", "emptyDir": {"sizeLimit": "1Gi"}})


@breaks("models_are_written_by_train_alone")
def a_claim_of_nobody(objects):
    objects.remove(needed(find(objects, "PersistentVolumeClaim", "models")))


@breaks("there_is_time_to_end_well")
def killed_at_once(objects):
    template(score(objects))["spec"]["terminationGracePeriodSeconds"] = 5


@breaks("there_is_time_to_end_well")
def no_pause(objects):
    del main(objects, "Deployment", "web")["lifecycle"]
