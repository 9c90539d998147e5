"""`decide`: from what is known and what happened to what shall be done. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from shared.domain.decide.alerts import on_alert
from shared.domain.decide.causes import follow_causes
from shared.domain.decide.draft import Draft
from shared.domain.decide.drills import on_drill
from shared.domain.decide.escalating import keep_paging
from shared.domain.decide.freezing import answer
from shared.domain.decide.observing import on_look_due
from shared.domain.decide.people import on_instruction
from shared.domain.decide.rejected import on_rejected
from shared.domain.decide.results import on_finished
from shared.domain.decide.timers import on_timer
from shared.domain.decision import Decision
from shared.domain.event import (
    ActionFinished,
    AlertReceived,
    DrillDue,
    Event,
    Instructed,
    LookDue,
    MessageRejected,
    TimerDue,
)
from shared.domain.policy import Policy
from shared.domain.stack import Stack

__all__ = ["decide"]


def decide(policy: Policy, stack: Stack, event: Event, now: datetime) -> Decision:
    """What follows from this event for this stack. The same arguments give the same answer."""
    draft = Draft(policy, stack, event, now)
    match event:
        case AlertReceived():
            reason = on_alert(draft, event)
        case Instructed():
            reason = on_instruction(draft, event)
        case ActionFinished():
            reason = on_finished(draft, event)
        case TimerDue():
            reason = on_timer(draft, event)
        case DrillDue():
            reason = on_drill(draft, event)
        case LookDue():
            reason = on_look_due(draft, event)
        case MessageRejected():
            reason = on_rejected(draft, event)
        case _:
            assert_never(event)
    follow_causes(draft)
    answer(draft)
    keep_paging(draft, stack)
    return draft.decision(reason)
