"""Checks of everything below deploy/, and of the shell scripts. scripts/check-deploy runs it, with what it needs.

It renders each overlay and holds every object to its schema and all objects to the rules of policy/, breaks each rule on purpose,
runs deploy.sh against commands that only pretend, and lints Dockerfiles and scripts. It reaches no network and no cluster."""

import copy
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import lint  # noqa: E402
import mutations  # noqa: E402
import policy  # noqa: E402
import schemas  # noqa: E402
import test_compose  # noqa: E402
import test_deploy  # noqa: E402
import test_token  # noqa: E402
from manifests import GKE, OVERLAYS, name, render  # noqa: E402


class Tally:
    """Counts checks, and says those that fail."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, what, problems):
        problems = list(problems)
        if not problems:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED {what}")
        for problem in problems:
            print(f"    {problem}")


def overlay(tally, called, objects):
    """Schemas and rules of what an overlay renders to."""
    seen = set()
    for thing in objects:
        again = name(thing) in seen
        seen.add(name(thing))
        tally(f"{called}: schema of {name(thing)}", ["is there twice"] if again else schemas.problems(thing))
    for called_rule, rule in policy.RULES.items():
        tally(f"{called}: {called_rule}", rule(objects))


def broken(tally, called, objects):
    """Each rule must find each of its mutations, and each schema a field that it does not know."""
    for called_rule in policy.RULES:
        what = f"{called}: {called_rule} can fail"
        if called_rule not in mutations.BROKEN:
            tally(what, ["nothing in mutations/ breaks it"])
        for mutation in mutations.BROKEN.get(called_rule, []):
            changed = copy.deepcopy(objects)
            if mutation(changed) is False:
                continue
            found = list(policy.RULES[called_rule](changed))
            tally(f"{what} ({mutation.__name__})", [] if found else ["it did not see it"])
    for thing in objects:
        if "spec" in thing:
            changed = copy.deepcopy(thing)
            changed["spec"]["unknownField"] = True
            found = list(schemas.problems(changed))
            tally(f"{called}: the schema of {name(thing)} can fail", [] if found else ["it took an unknown field"])


def main():
    tally = Tally()
    for unknown in sorted(set(mutations.BROKEN) - set(policy.RULES)):
        tally(f"mutations of {unknown}", ["there is no such rule"])
    for called in OVERLAYS:
        objects = render(GKE / "overlays" / called)
        overlay(tally, called, objects)
        broken(tally, called, objects)
    # What deploy.sh builds from a configuration, with the values of a project of its own.
    for called, objects in test_deploy.sites():
        overlay(tally, f"{called}, as deploy.sh builds it", objects)
    for part in (test_deploy, test_token, test_compose, lint):
        part.run(tally)
    kinds = ", ".join(sorted(schemas.OURS))
    print(f"held to schemas of ours, written from documentation: {kinds}")
    print("not tried: a cluster, building the images; there is nothing here that could")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
