"""The policy file: its schema, loading it, and saying what is wrong with it."""

from shared.policy.faults import Fault, PolicyError
from shared.policy.load import load, loads

__all__ = ["Fault", "PolicyError", "load", "loads"]
