"""Which kind of incident an alert is: ordered routes, the first match wins."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.severity import Severity


class MatchOp(StrEnum):
    """Alertmanager's four operators.

    https://prometheus.io/docs/alerting/latest/configuration/#matcher
    """

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


Test = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one fact. A fact that is absent counts as empty; regexes are anchored.

    `pattern` is what the value means as a regular expression, where that is not Python's own.
    `test` is true of a value that equals, or fits; `wanted` says whether it should.
    """

    name: str
    op: MatchOp
    value: str
    pattern: re.Pattern[str] | None = field(default=None, compare=False, repr=False)
    test: Test = field(init=False, compare=False, repr=False)
    wanted: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        regex = self.op in (MatchOp.REGEX, MatchOp.NOT_REGEX)
        test: Test = (self.pattern or re.compile(self.value)).fullmatch if regex else self._equals()
        object.__setattr__(self, "test", test)
        object.__setattr__(self, "wanted", self.op in (MatchOp.EQUAL, MatchOp.REGEX))

    def _equals(self) -> Test:
        return self.value.__eq__

    def matches(self, facts: Mapping[str, str]) -> bool:
        """Whether the facts satisfy this condition."""
        return (not self.test(facts.get(self.name, ""))) is not self.wanted

    def __str__(self) -> str:
        return f'{self.name}{self.op.value}"{self.value}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """If every matcher holds, the alert goes to this lane.

    `why` is the sentence a person reads at night. `stack` may be left to be worked out from the
    alert. `severity` is what the alert is at least; a sender's worse word stands.
    """

    id: str
    lane: str
    matchers: tuple[Matcher, ...]
    stack: str = ""
    severity: Severity | None = None
    why: str = ""
    no_rollback: str = ""

    def matches(self, facts: Mapping[str, str]) -> bool:
        """Whether every matcher holds."""
        for matcher in self.matchers:  # a plain loop: all of a policy's routes run for each alert
            if (not matcher.test(facts.get(matcher.name, ""))) is matcher.wanted:
                return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRule:
    """An alert for which every matcher holds is at least this bad; `why` says so to people."""

    matchers: tuple[Matcher, ...]
    severity: Severity
    why: str

    def matches(self, facts: Mapping[str, str]) -> bool:
        """Whether every matcher holds."""
        return all(matcher.matches(facts) for matcher in self.matchers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """Where an alert goes and why. `rule` is empty when no route matched."""

    stack: str
    lane: str
    team: str
    severity: Severity
    rule: str
    reasons: tuple[str, ...]
    considered: tuple[str, ...] = ()
    no_rollback: str = ""
