"""Mutations of the manifests, each of which one rule must reject: they prove that every rule can fail.

A mutation is a function that changes rendered objects in place. It raises NothingToBreak if the overlay does not have
what it changes; some overlay must have it."""

from manifests import find, template

BROKEN = {}


class NothingToBreak(Exception):
    """The overlay does not have the object."""


def needed(thing):
    """Returns an object, or ends the mutation if there is none."""
    if not thing:
        raise NothingToBreak
    return thing


def breaks(rule_name):
    def take(function):
        BROKEN.setdefault(rule_name, []).append(function)
        return function

    return take


def score(objects):
    return needed(find(objects, "StatefulSet", "score"))


def main(objects, kind="StatefulSet", called="score"):
    return template(needed(find(objects, kind, called)))["spec"]["containers"][0]


def policy(objects, called):
    return needed(find(objects, "NetworkPolicy", called))["spec"]


from . import custom, network, places, pods, references, system  # noqa: E402,F401  (they fill BROKEN)
