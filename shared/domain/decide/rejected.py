"""A message nobody can read is never dropped in silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain.decide.draft import Draft
from shared.domain.decide.opening import new_incident, opened
from shared.domain.decision import Reason, RejectedRow
from shared.domain.event import MessageRejected
from shared.domain.incident import TimelineKind
from shared.domain.paging import PageStep
from shared.domain.policy import TRIAGE
from shared.domain.severity import Severity

_REMEMBERED: Final = 20
"""Sources and days kept in the head."""


def on_rejected(draft: Draft, event: MessageRejected) -> Reason:
    """Record it; page about it once for each source and day."""
    draft.row(
        RejectedRow(
            id=event.id,
            source=event.source,
            at=draft.now,
            reason=event.reason,
            snippet=event.snippet,
        )
    )
    marker = f"{event.source} {draft.now.date().isoformat()}"
    if marker not in draft.stack.unreadable:
        kept = (*draft.stack.unreadable, marker)[-_REMEMBERED:]
        draft.stack = replace(draft.stack, unreadable=kept)
        _page(draft, event)
    return Reason.REJECTED


def _page(draft: Draft, event: MessageRejected) -> None:
    title = f"Messages from {event.source} cannot be read"
    why = f"{event.reason}; what was sent is listed by `switchman incidents rejected`"
    known = draft.stack.by_lane(TRIAGE)
    if known is not None and known in draft.stack.open_incidents():
        known = replace(known, rounds=known.rounds + 1)
        draft.say(known, TimelineKind.UNREADABLE, f"{title}: {event.reason}")
        draft.page(known, PageStep.UNREADABLE, (title, why))
        return
    draft.retire(known)
    lane = draft.policy.lane(TRIAGE)
    reasons = ("an alert may be in it, so a person has to look",)
    incident = new_incident(draft, lane, Severity.SEV2, title, why, reasons)
    draft.say(incident, TimelineKind.UNREADABLE, f"{title}: {event.reason}")
    opened(draft, incident)
