"""The rules that a rendered overlay must keep. Each is a function that yields what is wrong, in words; importing this package
gives all of them, by name, in RULES. mutations/ breaks each of them on purpose."""

RULES = {}


def rule(function):
    """Takes a function into RULES, under its name."""
    RULES[function.__name__] = function
    return function


from . import network, pods, references, system  # noqa: E402,F401  (they fill RULES)
