"""The cases beside a policy: `NAME.test.yaml` next to `NAME.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from msgspec import Meta

from shared.domain.expectation import Case, Expectation
from shared.domain.incident_state import State
from shared.domain.policy import Policy
from shared.domain.rollback import Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from shared.policy.document import Document
from shared.policy.faults import Fault, PolicyError
from shared.policy.kinds import Entry, Text
from shared.policy.timeline.build import START, Placed, ReadAlerts, Timeline
from shared.policy.timeline.schema import Moment, StepEntry

ENDING: Final = ".test.yaml"

_ROLLBACKS: Final = ("none", "automatic", *(phase.value for phase in Phase))
_LOOKED_AT: Final = (
    *("incidents", "lane", "team", "severity", "stack", "rule", "state", "paged", "notified"),
    *("rollback", "verdict", "frozen", "says"),
)
RollbackIs = Annotated[str, Meta(description=f"one of {', '.join(_ROLLBACKS)}")]


class ThenEntry(Entry, frozen=True):
    """What should be so at a time; without one, when the last entry has taken effect."""

    at: Moment | None = None
    of: Text = ""
    incidents: Annotated[int | None, Meta(description="a number of incidents")] = None
    lane: Text = ""
    team: Text = ""
    severity: Severity | None = None
    stack: Text = ""
    rule: Text | None = None
    state: State | None = None
    paged: tuple[Text, ...] | None = None
    notified: tuple[Text, ...] | None = None
    rollback: RollbackIs = ""
    verdict: Verdict | None = None
    frozen: Annotated[bool | None, Meta(description="true or false")] = None
    says: tuple[Text, ...] = ()

    def faults(self) -> Iterator[tuple[str, str]]:
        """Something is expected, and it can come true."""
        if self == ThenEntry(at=self.at, of=self.of):
            yield "", f"nothing is expected; say one of {', '.join(_LOOKED_AT)}"
        if self.rollback and self.rollback not in _ROLLBACKS:
            yield "rollback", f"rollback must be one of {', '.join(_ROLLBACKS)}"


class CaseEntry(Entry, frozen=True):
    """One case: what happens, and what should come of it."""

    name: Text
    given: tuple[StepEntry, ...]
    then: tuple[ThenEntry, ...]
    clock: Moment = ""

    def faults(self) -> Iterator[tuple[str, str]]:
        """Something happens, and something is expected."""
        if not self.given:
            yield "given", "nothing happens; give at least one entry"
        if not self.then:
            yield "then", "nothing is expected; say what should be so"


class CasesFile(Entry, frozen=True):
    """The whole file. `policy` is the file the cases are about, beside this one."""

    cases: tuple[CaseEntry, ...]
    policy: Text = ""


@dataclass(frozen=True, slots=True)
class Cases:
    """A file of cases that could be read, yet to be checked against its policy."""

    file: str
    entries: CasesFile
    document: Document

    @property
    def policy(self) -> Path:
        """The policy the cases are about."""
        path = Path(self.file)
        named = self.entries.policy or path.name.removesuffix(ENDING) + ".yaml"
        return path.with_name(named) if not Path(named).is_absolute() else Path(named)

    def against(self, policy: Policy, read: ReadAlerts) -> tuple[Case, ...]:
        """The cases. Raises `PolicyError` for names that the policy does not know."""
        faults: list[Fault] = []
        cases = []
        for number, entry in enumerate(self.entries.cases):
            timeline = Timeline(policy, START, read, faults)
            timeline.start = timeline.instant(entry.clock) if entry.clock else START
            cases.append(self._case(timeline, entry, number))
        if faults:
            raise PolicyError(faults)
        return tuple(cases)

    def _case(self, timeline: Timeline, entry: CaseEntry, number: int) -> Case:
        at = ("cases", number)
        steps = timeline.steps(
            Placed(step, partial(self._fault, (*at, "given", index)))
            for index, step in enumerate(entry.given)
        )
        last = max((step.at for step in steps), default=timeline.start)
        expected = tuple(
            _expectation(then, timeline, last, self._fault((*at, "then", index), (), "").line)
            for index, then in enumerate(entry.then)
        )
        line = self._fault(at, (), "").line
        return Case(
            name=entry.name, line=line, start=timeline.start, given=steps, expected=expected
        )

    def _fault(
        self, prefix: tuple[str | int, ...], path: tuple[str | int, ...], text: str
    ) -> Fault:
        return self.document.fault((*prefix, *path), text)


def read_cases(path: Path) -> Cases:
    """The cases in this file. Raises `PolicyError` with every fault at once."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PolicyError([Fault(1, f"cannot be read: {reason}", str(path))]) from error
    document = Document(str(path))
    entries = document.read(text, CasesFile, {})
    if entries is None:
        raise PolicyError(document.faults)
    return Cases(str(path), entries, document)


def _expectation(then: ThenEntry, timeline: Timeline, last: datetime, line: int) -> Expectation:
    given: dict[str, Any] = {
        name: getattr(then, name) for name in then.__struct_fields__ if name != "at"
    }
    texts = {name: given[name] or "" for name in ("severity", "state", "verdict")}
    at = timeline.instant(then.at) if then.at else last
    return Expectation(**{**given, **texts, "at": at, "line": line})
