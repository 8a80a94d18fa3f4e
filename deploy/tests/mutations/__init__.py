"""Mutations of the manifests, each of which one rule must reject: they prove that every rule can fail.

A mutation is a function that changes rendered objects in place. It returns False if the overlay has nothing to break."""

from manifests import find, template

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


from . import custom, network, pods, references, system  # noqa: E402,F401  (they fill BROKEN)
