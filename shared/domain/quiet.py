"""When a page is held back: quiet hours, and maintenance that was announced.

What is held back is shown in the channel without waking anybody, and pages when the hold is over.
A hold that would never end holds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.domain.hours import Span, WeeklyHours, in_words
from shared.domain.paging import PageStep
from shared.domain.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.domain.incident import Incident
    from shared.domain.policy import Policy

LONGEST_HOLD: Final = timedelta(days=7)
"""No page is held back for longer, whatever the policy's hours add up to: it is sent at once."""

LOOK_AGAIN: Final = timedelta(hours=1)
"""So often a hold is looked at: the policy may have changed, and hold nothing back any more."""

MAY_WAIT: Final = (
    PageStep.OPENED,
    PageStep.REOPENED,
    PageStep.RESUMED,
    PageStep.JOINED,
    PageStep.REMINDER,
    PageStep.ESCALATED,
    PageStep.AFTER_HOLD,
)
"""Pages that only say that there is something. What is worse, or went wrong, never waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Hours in which incidents of these severities wake nobody of these teams, or of any."""

    severities: tuple[Severity, ...]
    hours: WeeklyHours
    teams: tuple[str, ...] = ()

    def covering(self, incident: Incident, at: datetime) -> Hold | None:
        """The hold of this incident, if there is one then."""
        if incident.severity not in self.severities:
            return None
        if self.teams and incident.team not in self.teams:
            return None
        span = self.hours.covering(at)
        return Hold(span.end, self.hours.zone, "quiet hours") if span else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Work that was announced: once (`span`), or each week (`hours`), or each week for a time.

    It is about a stack, or about some of its lanes or services; without a stack, about all.
    """

    name: str
    zone: str
    stack: str = ""
    lanes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    span: Span | None = None
    hours: WeeklyHours | None = None

    def covering(self, incident: Incident, at: datetime) -> Hold | None:
        """The hold of this incident, if there is one then."""
        span = self.at(at) if self._about(incident) else None
        return Hold(span.end, self.zone, f"maintenance ({self.name})") if span else None

    def of_stack(self, stack: str) -> bool:
        """Whether any of it is about the stack."""
        return self.stack in ("", stack)

    def at(self, at: datetime) -> Span | None:
        """The window in which the instant falls."""
        weekly = self.hours.covering(at) if self.hours else None
        if self.span is None or not self.span.covers(at):
            return None if self.span else weekly
        if self.hours is None:
            return self.span
        return weekly and Span(weekly.start, min(weekly.end, self.span.end))

    def _about(self, incident: Incident) -> bool:
        """In doubt it is not: an incident that names no service may be about another one."""
        if not self.of_stack(incident.stack) or incident.severity is Severity.SEV1:
            return False
        if self.lanes and incident.lane not in self.lanes:
            return False
        named = set(incident.services)
        return not self.services or (bool(named) and named <= set(self.services))


@dataclass(frozen=True, slots=True)
class Hold:
    """Pages wait until then, and why."""

    until: datetime
    zone: str
    why: str

    def over(self, now: datetime) -> datetime:
        """When to look again, as decided now: a fraction of a second after its end at the latest.

        A timer has its time in its id and takes effect once. Where the clock is set back, one is
        set for the end of the same hold again, and must be another one than that which went off.
        """
        end = self.until + timedelta(microseconds=now.microsecond)
        return min(end, now + LOOK_AGAIN)

    def __str__(self) -> str:
        return f"{self.why} until {in_words(self.until, self.zone)}"


def held(policy: Policy, incident: Incident, at: datetime) -> Hold | None:
    """Whether pages about the incident wait, and until when: one hold may go over into the next.

    What no alert set off never waits: a person is awake who has opened it, or a message was lost.
    What has waited for as long as it was said to does not wait for the next hold as well.
    """
    waits_until = incident.held_until if incident.held else None
    if not incident.settles or (waits_until is not None and at >= waits_until):
        return None
    hold = _all_of_it(policy, incident, at)
    return replace(hold, until=min(hold.until, waits_until or hold.until)) if hold else None


def _all_of_it(policy: Policy, incident: Incident, at: datetime) -> Hold | None:
    """The hold with those that follow it at once, unless it would last too long."""
    first = _hold(policy, incident, at)
    if first is None:
        return None
    until = first.until
    while (then := _hold(policy, incident, until)) is not None:
        until = then.until
        if until > at + LONGEST_HOLD:
            return None
    return replace(first, until=until) if until <= at + LONGEST_HOLD else None


def maintained(policy: Policy, stack: str, at: datetime) -> str:
    """Why no rollback of the stack goes by itself now; empty without maintenance."""
    for each in policy.maintenance:
        if each.of_stack(stack) and (span := each.at(at)) is not None:
            return f"maintenance of the stack ({each.name}) until {in_words(span.end, each.zone)}"
    return ""


def _hold(policy: Policy, incident: Incident, at: datetime) -> Hold | None:
    holds = (found for each in _all(policy) if (found := each.covering(incident, at)))
    return max(holds, key=lambda hold: hold.until, default=None)


def _all(policy: Policy) -> Iterator[QuietHours | Maintenance]:
    yield from policy.quiet_hours
    yield from policy.maintenance
