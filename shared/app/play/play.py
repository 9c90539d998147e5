"""One timeline, played."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from shared.app.play.course import Course
from shared.app.play.words import world_in_words
from shared.app.receive import ReceiveAlerts
from shared.domain.alert import Alert, AlertStatus
from shared.domain.classify import classify
from shared.domain.event import Instructed, Instruction, LookDue
from shared.domain.ids import derive
from shared.domain.incident import Incident, stack_of
from shared.domain.incident_state import State
from shared.domain.ledger import GAP
from shared.domain.play import (
    OF_A_STACK,
    Answered,
    Asked,
    Deployed,
    Ended,
    OfCloudRun,
    PlayEnds,
    Step,
    Told,
    TrafficMoved,
)
from shared.domain.policy import IN_POLICY, UNASSIGNED, Policy
from shared.ports import IncidentView

LONGEST: Final = timedelta(hours=24)
"""So long a play goes on after its last entry, if something is still to come."""

_ALL: Final = 1_000_000
_MINUTE: Final = timedelta(minutes=1)
_OVER: Final = (State.RESOLVED, State.REVIEWED)


class Play:
    """The same timeline and policy give the same lines, always."""

    def __init__(self, policy: Policy, course: Course, steps: Iterable[Step]) -> None:
        self.policy = policy
        self.course = course
        self.answered: list[Answered] = []
        self._firing: dict[str, Alert] = {}
        ordered = sorted(steps, key=lambda step: step.at)
        ends = [step.at for step in ordered if isinstance(step.what, PlayEnds)]
        last = ordered[-1].at if ordered else course.clock.now()
        self.until = min(ends, default=last + LONGEST)
        for step in ordered:
            course.later(step.at, partial(self._take, step))

    def run_to(self, until: datetime) -> None:
        """Play until this instant, or until the end if that is sooner."""
        self.course.run_to(min(until, self.until))

    def run(self) -> None:
        """Play to the end."""
        self.course.run_to(self.until)

    def views(self) -> tuple[IncidentView, ...]:
        """Every incident there has been, in the order in which they were opened."""
        return tuple(reversed(self.course.store.incidents(limit=_ALL)))

    def incidents(self) -> tuple[Incident, ...]:
        """The same without the counts of their alerts."""
        return tuple(view.incident for view in self.views())

    def _take(self, step: Step) -> None:
        match step.what:
            case Told(alert=alert):
                self._told(alert, step.line)
            case Ended(labels=labels):
                for alert in self._that_fire(labels):
                    self._told(alert, step.line)
            case Asked() as asked:
                self._asked(asked, step.line)
            case PlayEnds():
                pass
            case what:
                self._of_cloud_run(what)

    def _told(self, alert: Alert, line: int) -> None:
        now = self.course.clock.now()
        alert = replace(alert, published_at=now)
        (handled,) = ReceiveAlerts(self.course.handle)([alert])
        row = self.course.store.alert(alert.row_id)
        incident = row.incident if row else ""
        if alert.status is AlertStatus.FIRING:
            self._firing[alert.row_id] = alert
        else:
            self._firing.pop(alert.row_id, None)
        found = classify(self.policy, alert)
        why = handled.reason or "it had taken effect before"
        text = f"{alert.title} {alert.status} ({found.severity}, lane {found.lane}): {why}"
        self.course.say("alert", text, incident)
        self.answered.append(
            Answered(
                at=now,
                alert=alert,
                found=found,
                reason=handled.reason,
                incident=incident,
                line=line,
            )
        )

    def _that_fire(self, labels: Mapping[str, str]) -> Iterator[Alert]:
        """Alerts that end now."""
        wanted, now = labels.items(), self.course.clock.now()
        for alert in [a for a in self._firing.values() if wanted <= a.labels.items()]:
            yield replace(alert, status=AlertStatus.RESOLVED, ends_at=now)

    def _asked(self, asked: Asked, line: int) -> None:
        about = None if asked.choice in OF_A_STACK else self._newest_fitting(asked)
        stack = stack_of(about.id) if about else asked.stack or self._first_stack()
        plan = about.rollback.plan if about and about.rollback else None
        now = self.course.clock.now()
        instruction = Instruction(
            id=derive("play", str(line), asked.choice, now.isoformat(), asked.by),
            choice=asked.choice,
            person=IN_POLICY + asked.by,
            channel="",
            at=now,
            incident=about.id if about else "",
            plan=plan.hash if plan else "",
            stack=stack,
            lane=asked.lane,
            severity=asked.severity,
            text=asked.text,
            via="the timeline",
        )
        self.course.happens(Instructed(instruction=instruction, stack=stack))
        (audit,) = (row for row in self.course.store.audit() if row.id == instruction.id)
        text = f"{asked.by}: {asked.choice.replace('_', ' ')}: {audit.text or audit.answer}"
        self.course.say("asked", text, about.id if about else "")

    def _newest_fitting(self, asked: Asked) -> Incident | None:
        """The incident that a person's word is about; see `Asked`."""
        known = [
            each
            for each in self.incidents()
            if asked.lane in ("", each.lane) and asked.stack in ("", each.stack)
        ]
        open_ones = [each for each in known if each.state not in _OVER]
        candidates = open_ones or known
        paged = [each for each in candidates if any(p.person == asked.by for p in each.pages)]
        return next(reversed(paged or candidates), None)

    def _first_stack(self) -> str:
        return next(iter(self.policy.stacks), UNASSIGNED)

    def _of_cloud_run(self, what: OfCloudRun) -> None:
        self.course.say("cloud_run", world_in_words(what))
        if not isinstance(what, Deployed | TrafficMoved):
            return
        now = self.course.clock.now()
        for stack in self.policy.stacks.values():
            if any(service.name == what.service for service in stack.services):
                minutes = int((stack.rollback.ledger.soak + GAP) / _MINUTE)
                for at in (now + _MINUTE * each for each in range(minutes + 1)):
                    look = LookDue(stack=stack.id, at=at)
                    self.course.later(at, partial(self.course.happens, look))
