"""The rules of a rendered overlay. Each is a function that yields violations in words; RULES has all of them by name.
mutations/ breaks each of them."""

RULES = {}


def rule(function):
    """Registers a function in RULES, under its name."""
    RULES[function.__name__] = function
    return function


from . import custom, network, places, pods, references, system  # noqa: E402,F401  (they fill RULES)
