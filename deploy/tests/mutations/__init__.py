"""A check that cannot fail is no check: each rule is shown manifests that break it, and must say so.

A mutation is a function that changes rendered objects in place. Where it gives back False, the overlay has nothing to break."""

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


from . import network, pods, references, system  # noqa: E402,F401  (they fill BROKEN)
