"""The policy file: its schema, loading it, and saying what is wrong with it."""

from shared.policy.faults import Fault, PolicyError
from shared.policy.lint import Linted, lints
from shared.policy.load import lint, load, loads

__all__ = ["Fault", "Linted", "PolicyError", "lint", "lints", "load", "loads"]
