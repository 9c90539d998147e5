"""When an alert that joins an incident is news, so that somebody has to hear of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.alert import Alert
from shared.domain.decide.causes import holding_cause
from shared.domain.decide.draft import Draft, nobody_has_it
from shared.domain.decide.escalating import escalates, page_owner, remind
from shared.domain.decide.proposals import propose_further
from shared.domain.decide.severity import raised
from shared.domain.decision import Reason
from shared.domain.event import AlertReceived, TimerKind
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.incident_state import State, Trigger
from shared.domain.links import Symptom
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.policy import TRIAGE
from shared.domain.rollback import Verdict


def did_not_hold(draft: Draft, incident: Incident, event: AlertReceived) -> bool:
    """Whether the alert began after a rollback had taken effect.

    When one began that its sender had said to be over is not known: then it counts when the
    sender said that it fires.
    """
    if incident.state is not State.MITIGATED or incident.mitigated_at is None:
        return False
    return began_at(draft, event) > incident.mitigated_at


def began_at(draft: Draft, event: AlertReceived) -> datetime:
    """When the alert began; when its sender said so, where that had been said to be over."""
    alert = event.alert
    return (alert.published_at or draft.now) if event.resumed else alert.starts_at


def join_cause(draft: Draft, cause: Incident, event: AlertReceived) -> Reason:
    """The alert is of a lane that fails because of this incident's, and is counted there.

    The first of its lane is said, and one that is worse than those before; the rest change nothing.
    """
    alert, found = event.alert, event.classification
    known = cause.symptom(found.lane)
    worse = found.severity.worse_than(cause.severity)
    news = known is None or not known.joined or found.severity.worse_than(known.severity)
    if not (news or worse):
        if not worth_a_page(draft, cause, alert):
            return Reason.JOINED_CAUSE
        draft.refresh(page_about_joining(draft, cause, alert))
        return Reason.JOINED_PAGED
    owner = draft.policy.owner(cause.lane).name
    text = (
        f"{alert.title} of lane {found.lane} joined ({found.reasons[0]}). {found.lane} depends on"
        f" {cause.lane}, which {owner} has: nobody else is woken"
    )
    draft.say(cause, TimelineKind.SYMPTOM, text)
    cause = cause.with_symptom(_symptom_of(draft, event, known))
    draft.put(cause)
    if worse:
        cause = raised(draft, cause, found.severity, found.reasons[0])
    draft.refresh(cause)
    return Reason.RAISED if worse else Reason.JOINED_CAUSE


def _symptom_of(draft: Draft, event: AlertReceived, known: Symptom | None) -> Symptom:
    """The lane's symptom, by the worst alert that joined."""
    alert, found = event.alert, event.classification
    return Symptom(
        lane=found.lane,
        title=alert.title,
        severity=found.severity,
        since=known.since if known and known.joined else draft.now,
        joined=True,
        incident=known.incident if known else "",
        summary=alert.summary,
        rule=found.rule,
        trigger=alert.row_id,
        runbook=alert.runbook,
        reasons=found.reasons,
        no_rollback=found.no_rollback,
    )


def taken_up_again(draft: Draft, incident: Incident, event: AlertReceived) -> Incident:
    """What was mitigated fires anew: nobody has it any more, and the owner is paged."""
    moved = incident.moved(Trigger.ROLLBACK_FAILED)
    incident = nobody_has_it(incident if isinstance(moved, Refusal) else moved)
    which = "the same alert fires again" if event.resumed else "another alert fired"
    text = f"After the rollback {which}: {event.alert.summary or event.alert.title}"
    draft.say(incident, TimelineKind.JOINED, text)
    rollback = incident.rollback
    if rollback is not None and (rollback.verdict is None or _refuted(rollback, event)):
        failed = replace(rollback, verdict=Verdict.NOT_RECOVERED)
        incident = replace(incident, rollback=failed)
        if rollback.verdict is not None:
            text = f"{text}, since before it was said to have ended"
            draft.say(incident, TimelineKind.VERDICT, f"Verdict: {failed.verdict}. {text}")
    incident = propose_further(draft, draft.page(incident, PageStep.NOT_RECOVERED, (text,)))
    remind(draft, incident)
    return incident


def _refuted(rollback: Rollback, event: AlertReceived) -> bool:
    """Whether it counts as recovered by an end of its trigger that the sender takes back."""
    back = event.resumed and rollback.trigger in event.over
    return back and rollback.verdict is Verdict.RECOVERED


def worth_a_page(draft: Draft, incident: Incident, alert: Alert) -> bool:
    """Whether the last page is so old that nobody may still think of this incident.

    In triage nobody knows whether two alerts are one thing: one by another name is news sooner.
    Whoever has the cause hears of it there.
    """
    if holding_cause(draft.policy, draft.stack, incident) is not None:
        return False
    return draft.now >= _last_page(draft, incident) + _quiet_for(draft, incident, alert)


def page_about_joining(draft: Draft, incident: Incident, alert: Alert) -> Incident:
    """Page the owner about the alert that joined."""
    draft.say(incident, TimelineKind.JOINED, f"Joined: {alert.summary or alert.title}")
    incident = replace(incident, joined="", rounds=incident.rounds + 1)
    return page_owner(draft, incident, PageStep.JOINED)


def note_unpaged(draft: Draft, incident: Incident, alert: Alert) -> None:
    """Too soon after the last page: remember the first such alert, and look again later."""
    if not _is_news(incident, alert) or incident.joined:
        return
    draft.put(replace(incident, joined=alert.title))
    if incident.held or escalates(draft, incident):
        return  # that page comes, and nobody is woken earlier because of this
    due = _last_page(draft, incident) + draft.policy.timing.repage_after
    draft.timer(TimerKind.REMIND, incident, due)


def _is_news(incident: Incident, alert: Alert) -> bool:
    return incident.lane == TRIAGE and alert.title != incident.title


def _quiet_for(draft: Draft, incident: Incident, alert: Alert) -> timedelta:
    timing = draft.policy.timing
    return timing.repage_after if _is_news(incident, alert) else timing.join_pages_after


def _last_page(draft: Draft, incident: Incident) -> datetime:
    return max((page.decided_at for page in incident.pages), default=draft.now)
