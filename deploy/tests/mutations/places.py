"""Mutations that break the rules of policy/places.py."""

from manifests import find, of_kind, on_google, template

from . import NothingToBreak, breaks, main, needed, score


def small(objects):
    """Ends a mutation of what is for small clusters, where it is not."""
    if on_google(objects):
        raise NothingToBreak


@breaks("all_of_google_or_nothing")
def nobody_scrapes(objects):
    objects.remove(needed(find(objects, "PodMonitoring", "delaycast")))


@breaks("all_of_google_or_nothing")
def an_autoscaler_without_metrics(objects):
    small(objects)
    objects.append({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}})


@breaks("all_of_google_or_nothing")
def a_bucket_elsewhere(objects):
    small(objects)
    volume = next(each for each in template(score(objects))["spec"]["volumes"] if each["name"] == "models")
    del volume["persistentVolumeClaim"]
    volume["csi"] = {"driver": "gcsfuse.csi.storage.gke.io"}


@breaks("one_small_node_takes_all")
def a_scorer_as_on_google(objects):
    small(objects)
    main(objects)["resources"]["requests"]["cpu"] = "1"


@breaks("one_small_node_takes_all")
def a_large_broker(objects):
    small(objects)
    main(objects, "StatefulSet", "kafka")["resources"]["requests"]["memory"] = "4Gi"


@breaks("one_small_node_takes_all")
def a_node_for_each_scorer(objects):
    small(objects)
    template(score(objects))["spec"]["topologySpreadConstraints"][0]["whenUnsatisfiable"] = "DoNotSchedule"


@breaks("one_small_node_takes_all")
def a_class_of_google(objects):
    small(objects)
    find(objects, "PersistentVolumeClaim", "models")["spec"]["storageClassName"] = "premium-rwo"


@breaks("one_small_node_takes_all")
def a_mode_that_few_drivers_know(objects):
    small(objects)
    for each in of_kind(objects, "StatefulSet"):
        for claim in each["spec"].get("volumeClaimTemplates", []):
            claim["spec"]["accessModes"] = ["ReadWriteOncePod"]
