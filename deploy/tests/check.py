"""Checks deploy/, the guide's Python and the shell scripts; scripts/check-deploy installs its requirements and runs it.

It renders each overlay, validates each object against its schema and all objects against the rules of policy/, checks
that each rule can fail, has an API server admit all objects if there is one, runs deploy.sh against fake commands, and
lints Dockerfiles and scripts. It uses no network outside this machine."""

import copy
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import admission  # noqa: E402
import crds  # noqa: E402
import lint  # noqa: E402
import mutations  # noqa: E402
import policy  # noqa: E402
import schemas  # noqa: E402
import test_compose  # noqa: E402
import test_deploy  # noqa: E402
import test_guide  # noqa: E402
import test_local  # noqa: E402
import test_scenarios  # noqa: E402
import test_token  # noqa: E402
from manifests import OVERLAYS, name, render  # noqa: E402


class Results:
    """Counts checks, and prints those that fail."""

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


def overlay(results, called, objects):
    """Validates the objects of an overlay."""
    seen = set()
    for thing in objects:
        again = name(thing) in seen
        seen.add(name(thing))
        results(f"{called}: schema of {name(thing)}", ["is there twice"] if again else schemas.problems(thing))
    for called_rule, rule in policy.RULES.items():
        results(f"{called}: {called_rule}", rule(objects))


def broken(results, called, objects):
    """Checks that each rule rejects each of its mutations, and each schema an unknown field. Returns the mutations that
    had something to break."""
    effective = set()
    for called_rule in policy.RULES:
        what = f"{called}: {called_rule} can fail"
        if called_rule not in mutations.BROKEN:
            results(what, ["nothing in mutations/ breaks it"])
        for mutation in mutations.BROKEN.get(called_rule, []):
            changed = copy.deepcopy(objects)
            try:
                mutation(changed)
            except mutations.NothingToBreak:
                continue
            effective.add(mutation)
            found = list(policy.RULES[called_rule](changed))
            results(f"{what} ({mutation.__name__})", [] if found else ["it did not see it"])
    for thing in objects:
        broken_things = {"an unknown field": schemas.with_unknown_field(thing)}
        if crds.group_and_kind(thing) in schemas.DEFINITIONS:
            broken_things["a wrong value"] = schemas.with_wrong_value(thing)
        for fault, changed in broken_things.items():
            found = list(schemas.problems(changed))
            results(f"{called}: the schema of {name(thing)} can fail", [] if found else [f"it took {fault}"])
    return effective


def main():
    results, systems = Results(), []
    for unknown in sorted(set(mutations.BROKEN) - set(policy.RULES)):
        results(f"mutations of {unknown}", ["there is no such rule"])
    effective = set()
    for called, folder in OVERLAYS.items():
        objects = render(folder)
        overlay(results, called, objects)
        effective |= broken(results, called, objects)
        systems.append((called, objects))
    for mutation in (each for several in mutations.BROKEN.values() for each in several):
        results(f"the mutation {mutation.__name__}", [] if mutation in effective else ["no overlay has what it breaks"])
    # The objects that deploy.sh builds from the configuration of a project, and local/up from a tag.
    for called, objects in (*test_deploy.sites(), *test_local.sites()):
        called = f"{called}, as it is deployed"
        overlay(results, called, objects)
        systems.append((called, objects))
    if not admission.missing():
        admission.run(results, systems)
    for part in (test_deploy, test_local, test_token, test_compose, test_scenarios, test_guide, lint):
        part.run(results)
    if admission.missing():
        print(f"checked by schemas alone, without Pod Security and rules in CEL: no API server: {admission.missing()}")
    else:
        print(f"admitted by the API server of Kubernetes {admission.version()}")
    kinds = ", ".join(sorted(kind for _, kind in schemas.HAND_WRITTEN))
    print(f"held to definitions of ours, written from documentation: {kinds}")
    print("not checked here: the images, and the system on a cluster (./test kubernetes)")
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
