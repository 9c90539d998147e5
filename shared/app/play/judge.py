"""Whether a play came out as a case expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.app.play.play import Play
from shared.domain.action import ActionKind, NoticeOrder, PageOrder
from shared.domain.expectation import Case, Expectation, Mismatch
from shared.domain.incident import Incident
from shared.domain.play import Answered
from shared.domain.rollback import RollbackMode

SinceStart = Callable[[datetime], str]
"""How an instant of the play is written."""


def judge(case: Case, played: Play, since: SinceStart) -> tuple[Mismatch, ...]:
    """Play the case, and everything that is not as it expects, in the order of time."""
    found: list[Mismatch] = []
    for expected in sorted(case.expected, key=lambda each: (each.at, each.line)):
        played.run_to(expected.at)
        found += _Judge(expected, played, since).mismatches()
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Judge:
    expected: Expectation
    played: Play
    since: SinceStart

    def mismatches(self) -> Iterator[Mismatch]:
        expected, known = self.expected, self.played.incidents()
        if expected.incidents is not None:
            where = ", ".join(f"{each.stack}/{each.lane}" for each in known)
            got = f"{len(known)}{f' ({where})' if where else ''}"
            yield from self._compare("incidents", len(known) == expected.incidents, got)
        incident = self._incident(known)
        if expected.of and incident is None:
            yield self._mismatch("of", f"an incident in lane {expected.of}", "none")
            return
        yield from self._where(incident)
        yield from self._people(incident)
        yield from self._remedy(incident)

    def _incident(self, known: Sequence[Incident]) -> Incident | None:
        fitting = [each for each in known if self.expected.of in ("", each.lane)]
        return next(reversed(fitting), None)

    def _where(self, incident: Incident | None) -> Iterator[Mismatch]:
        """Lane, team, severity and so on, with the reasons of whoever decided it."""
        expected = self.expected
        last: Answered | None = next(reversed(self.played.answered), None)
        found = last.found if last else None
        about = incident or found
        why = "; ".join(about.reasons) if about else ""
        for name in ("lane", "team", "severity", "stack", "rule"):
            wanted = getattr(expected, name)
            if wanted not in ("", None) or (name == "rule" and wanted == ""):
                got = str(getattr(about, name)) if about else "no alert was told"
                yield from self._compare(name, got == wanted, got or "(no rule)", why)
        if expected.state:
            got = str(incident.state) if incident else "no incident"
            yield from self._compare("state", got == expected.state, got)

    def _people(self, incident: Incident | None) -> Iterator[Mismatch]:
        expected = self.expected
        if expected.paged is not None:
            pages = [page for page in incident.pages if page.wakes] if incident else []
            ordered = sorted(pages, key=lambda page: page.decided_at)
            timed = [(p.person, f"{p.person}@{self.since(p.decided_at)}") for p in ordered]
            same = len(timed) == len(expected.paged) and all(
                wanted in both for wanted, both in zip(expected.paged, timed, strict=False)
            )
            why = "; ".join(f"{page.person}: {page.step}" for page in ordered)
            got = ", ".join(at for _, at in timed) or "nobody"
            yield from self._compare("paged", same, got, why)
        if expected.notified is not None:
            channels = self._notified()
            got = ", ".join(channels) or "nobody"
            yield from self._compare("notified", channels == expected.notified, got)

    def _notified(self) -> tuple[str, ...]:
        """Where something was shown that woke nobody: notices, and pages that are held back."""
        shown = {
            page.key: page.channel
            for incident in self.played.incidents()
            for page in incident.pages
            if not page.wakes
        }
        channels: list[str] = []
        for action in self.played.course.begun:
            match action.order:
                case NoticeOrder(channel=channel):
                    channels.append(channel)
                case PageOrder(page=key) if key in shown and action.kind is ActionKind.PAGE:
                    channels.append(shown[key])
        return tuple(channels)

    def _remedy(self, incident: Incident | None) -> Iterator[Mismatch]:
        expected = self.expected
        rollback = incident.rollback if incident else None
        if expected.rollback:
            words = {"none"} if rollback is None else {rollback.phase.value}
            if rollback is not None and rollback.mode is RollbackMode.AUTOMATIC:
                words.add("automatic")
            got = " and ".join(sorted(words))
            why = rollback.why_not if rollback else ""
            yield from self._compare("rollback", expected.rollback in words, got, why)
        if expected.verdict:
            got = str((rollback.verdict if rollback else None) or "none")
            yield from self._compare("verdict", got == expected.verdict, got)
        if expected.frozen is not None:
            stack = self.played.course.store.load(incident.stack)[0] if incident else None
            frozen = bool(stack and stack.freezes)
            yield from self._compare("frozen", frozen is expected.frozen, str(frozen).lower())
        story = [line.text for line in self.played.course.lines]
        for wanted in expected.says:
            if not any(wanted in text for text in story):
                yield self._mismatch("says", wanted, "nothing like it")

    def _compare(self, what: str, same: bool, got: str, why: str = "") -> Iterator[Mismatch]:
        if not same:
            wanted = getattr(self.expected, what)
            shown = ", ".join(wanted) or "nobody" if isinstance(wanted, tuple) else str(wanted)
            yield self._mismatch(what, shown, got, why)

    def _mismatch(self, what: str, wanted: str, got: str, why: str = "") -> Mismatch:
        return Mismatch(
            line=self.expected.line,
            at=self.expected.at,
            what=what,
            expected=wanted,
            got=got,
            why=why,
        )
