"""What people change about an incident itself: what belongs to it, whose it is, how bad it is."""

from __future__ import annotations

from typing import Final

from shared.domain.decide.draft import Draft
from shared.domain.decide.lanes import change_lane
from shared.domain.decide.making_way import stands_alone
from shared.domain.decide.merging import merge
from shared.domain.decide.severity import change_severity
from shared.domain.decide.splitting import split
from shared.domain.event import Instructed, Instruction
from shared.domain.incident import Incident
from shared.domain.paging import Choice
from shared.domain.policy import Person

RESHAPING: Final = (Choice.MERGE, Choice.SPLIT, Choice.LANE, Choice.SEVERITY)


def reshape(draft: Draft, incident: Incident, event: Instructed, person: Person) -> Incident | str:
    """What is left of the incident, or what it went into, as the person asked; or why not."""
    asked = event.instruction
    about = [each for each in (incident, draft.stack.incident(asked.into)) if each is not None]
    if asked.choice is not Choice.SEVERITY and any(map(stands_alone, about)):
        return "it is about a release, which nothing else belongs to"
    match asked.choice:
        case Choice.MERGE:
            return merge(draft, incident, asked.into, person)
        case Choice.SPLIT:
            return split(draft, incident, event, person)
        case Choice.LANE:
            return change_lane(draft, incident, asked.lane, person)
        case _:
            return change_severity(draft, incident, asked.severity, asked.text, person)


def asked_in_words(asked: Instruction) -> str:
    """What was asked for, as the audit has it."""
    match asked.choice:
        case Choice.MERGE:
            return f"into {asked.into}"
        case Choice.SPLIT:
            where = f" to lane {asked.lane}" if asked.lane else ""
            return f"{', '.join(asked.alerts)}{where}"
        case Choice.LANE:
            return asked.lane
        case Choice.SEVERITY:
            return f"{asked.severity}: {asked.text}"
        case Choice.DATA_ROLLBACK if asked.snapshot:
            return f"snapshot {asked.snapshot}: {asked.text}"
        case _:
            return asked.text
