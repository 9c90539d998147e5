"""A page whose incident was closed and filed before it was known whether it reached anybody."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.action import Delivered, GaveUp
from shared.domain.decide.draft import Draft
from shared.domain.decide.opening import new_incident, opened
from shared.domain.decision import Reason, TimelineRow
from shared.domain.event import ActionFinished
from shared.domain.incident import TimelineKind
from shared.domain.paging import PageStep
from shared.domain.policy import TRIAGE
from shared.domain.severity import Severity


def on_late_page(draft: Draft, event: ActionFinished) -> Reason:
    """The story of the filed incident says what became of it; a page that is lost is passed on."""
    match event.outcome:
        case Delivered(message):
            text = f"Paged in {message.channel}, after the incident was closed"
            _say(draft, event, TimelineKind.PAGED, text)
        case GaveUp(reason):
            text = f"A page failed after the incident was closed: {reason}"
            _say(draft, event, TimelineKind.PAGE_FAILED, text)
            _pass_on(draft, event.action.incident, reason)
        case _:
            return Reason.STALE
    return Reason.RECORDED


def _say(draft: Draft, event: ActionFinished, kind: TimelineKind, text: str) -> None:
    row_id, incident = f"{event.id}-t0", event.action.incident
    draft.row(TimelineRow(id=row_id, incident=incident, at=draft.now, kind=kind, text=text))


def _pass_on(draft: Draft, filed: str, reason: str) -> None:
    """Page the owner of `triage` about it, as of a message that nobody could read.

    Only the head is known here, and the filed incident is in it no more. What is opened or joined
    instead is: should its page fail too, that goes on to the other teams.
    """
    title = f"A page about incident {filed} reached nobody"
    known = draft.stack.by_lane(TRIAGE)
    if known is not None and known in draft.stack.open_incidents():
        known = replace(known, rounds=known.rounds + 1)
        draft.say(known, TimelineKind.PAGE_FAILED, f"{title}: {reason}")
        draft.page(known, PageStep.ACTION_FAILED, (title, reason))
        return
    draft.retire(known)
    reasons = ("it was closed meanwhile, so a person has to look whether that was right",)
    lane = draft.policy.lane(TRIAGE)
    incident = new_incident(draft, lane, Severity.SEV2, title, reason, reasons)
    opened(draft, incident)
