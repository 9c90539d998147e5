"""What people note about an incident, be it long closed."""

from __future__ import annotations

from shared.domain.decide.draft import Draft
from shared.domain.decision import TimelineRow
from shared.domain.event import Instruction
from shared.domain.incident import TimelineKind
from shared.domain.policy import Person


def note(draft: Draft, asked: Instruction, person: Person) -> str:
    """Why nothing was noted; empty once the incident's timeline says it.

    Of a closed incident only the timeline is needed, which is a row of its own.
    """
    if not asked.text.strip():
        return "a note says something"
    text = f"{person.name}: {asked.text}"
    incident = draft.stack.incident(asked.incident)
    if incident is not None:
        draft.say(incident, TimelineKind.NOTED, text)
        return ""
    row_id = f"{draft.event.id}-t0"
    kind, at = TimelineKind.NOTED, draft.now
    draft.row(TimelineRow(id=row_id, incident=asked.incident, at=at, kind=kind, text=text))
    return ""
