"""The rules of `switchman lint`: one small module for each subject, all of them listed here.

A new rule needs a `Rule` in its module, its place in `RULES`, a row in `docs/policy.md` and a
policy that breaks only it, `tests/samples/policies/NAME.yaml`; the tests hold these together.
"""

from __future__ import annotations

from typing import Final

from shared.policy.rules import (
    lanes,
    people,
    quiet,
    rollbacks,
    routes,
    schedules,
    severities,
    stacks,
)
from shared.policy.rules.rule import Check, Found, Rule

__all__ = ["RULES", "Check", "Found", "Rule"]

RULES: Final[tuple[Rule, ...]] = (
    *people.RULES,
    *schedules.RULES,
    *quiet.RULES,
    *stacks.RULES,
    *rollbacks.RULES,
    *lanes.RULES,
    *routes.RULES,
    *severities.RULES,
)
