"""Rules of severity that say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.policy.rules.rule import Found, Rule
from shared.policy.schema import PolicyFile


def _for_everything(file: PolicyFile) -> Iterator[Found]:
    for number, rule in enumerate(file.severity.rules):
        if not rule.match:
            yield (
                ("severity", "rules", number),
                f"this rule makes every alert {rule.severity}: say which ones in match, or make it "
                "the default",
            )


RULES: Final = (
    Rule(
        name="severity-of-everything",
        says="a rule of severity says for which alerts it holds",
        reads=("severity",),
        check=_for_everything,
    ),
)
