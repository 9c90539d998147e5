"""What a person is shown who asks how things stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shared.domain.decision import DrillRow
from shared.domain.incident import Incident
from shared.domain.incident_state import State
from shared.domain.policy import Policy
from shared.domain.stack import Stack
from shared.ports import HeadView, IncidentView

_TITLE: Final = 150

USAGE: Final = (
    ("status", "what is open now, for each stack"),
    ("incidents", "the newest incidents, open and closed"),
    ("oncall", "who is woken for what"),
    ("rollback [STACK]", "see what a rollback would do, and ask for it; somebody else approves"),
    (
        "drill NAME [STACK] [--apply]",
        "rehearse; only with `--apply` is traffic moved, and put back",
    ),
    (
        "declare [STACK] LANE [sev1..sev4] WHAT IS WRONG",
        "open an incident that no alert has reported",
    ),
    (
        "unlatch [STACK] SERVICE",
        "hand a service back whose traffic a person took over: Switchman acts on it by itself again",
    ),
    (
        "release [STACK] [--again] [--apply WHY]",
        "see what would take a rollback back, to LATEST; with `--apply` it is asked for, and"
        " somebody else approves",
    ),
    (
        "repinned INCIDENT",
        "say that the provisioning names the known-good images that an incident asks for",
    ),
    ("review INCIDENT WHAT WAS LEARNED", "close an incident for good"),
    (
        "merge INCIDENT INTO",
        "two incidents are one: the first ends, its alerts count for the second",
    ),
    (
        "split INCIDENT [LANE] ALERT...",
        "alerts, by title or id, become an incident of their own; or, by its id, what was merged",
    ),
    ("lane INCIDENT LANE", "it is of another kind: the owner of that lane is paged"),
    ("severity INCIDENT sev1..sev4 WHY", "it is worse, or less bad; the channel is told"),
    ("note INCIDENT TEXT", "what you found or did, for its timeline"),
    ("help", "this list"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Something to tell one person. `facts` are short, and stand side by side."""

    headline: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    paragraphs: tuple[str, ...] = ()


def usage(command: str) -> Answer:
    """Everything that can be typed after the command."""
    lines = tuple(f"`{command} {form}`\n{meaning}" for form, meaning in USAGE)
    more = "STACK may be left out where there is only one."
    return Answer(headline="What you can ask for", paragraphs=(*lines, more))


def standing(policy: Policy, heads: Sequence[HeadView], drills: Sequence[DrillRow]) -> Answer:
    """What is open now, stack by stack, and how the newest drill ended."""
    known = {head.stack.id: head.stack for head in heads}
    ids = dict.fromkeys([*policy.stacks, *known])
    stacks = [known.get(stack_id) or Stack(id=stack_id) for stack_id in ids]
    told = [_stack(policy, stack) for stack in stacks if stack.id in policy.stacks or _busy(stack)]
    ended = [f"Last drill: {_drill(row)}" for row in drills[:1]]
    return Answer(headline="How things stand", paragraphs=(*told, *ended))


def newest(policy: Policy, views: Sequence[IncidentView]) -> Answer:
    """The newest incidents, open and closed."""
    lines = tuple(
        f"{_incident(policy, view.incident)}\n{_counted(view.alerts, 'alert')}" for view in views
    )
    return Answer(headline="The newest incidents", paragraphs=lines or ("There are none.",))


def on_call(policy: Policy, at: datetime) -> Answer:
    """Who is woken then, where, and for what; and why, where nobody is on call."""
    facts = tuple(
        (team.name, f"{policy.on_call_names(team, at)} in {team.channel}{_lanes(policy, team.id)}")
        for team in policy.teams.values()
    )
    gaps = (policy.on_call(team, at).gap for team in policy.teams.values())
    return Answer(headline="Who is on call", facts=facts, paragraphs=tuple(filter(None, gaps)))


def _lanes(policy: Policy, team: str) -> str:
    owned = [lane.id for lane in policy.lanes.values() if lane.owner == team]
    return f"\nfor {', '.join(owned)}" if owned else ""


def _busy(stack: Stack) -> bool:
    return bool(stack.open_incidents() or stack.drill)


def _stack(policy: Policy, stack: Stack) -> str:
    return "\n".join(_stack_lines(policy, stack))


def _stack_lines(policy: Policy, stack: Stack) -> Iterator[str]:
    incidents = stack.open_incidents()
    said = _counted(len(incidents), "open incident") if incidents else "nothing is open"
    yield f"*{policy.stack(stack.id).name}* (`{stack.id}`): {said}"
    for incident in incidents:
        yield f"• {_incident(policy, incident)}"
    if stack.drill:
        yield f"• drill `{stack.drill.drill}` asked for by {stack.drill.asked_by}: {stack.drill.phase}"


def _incident(policy: Policy, incident: Incident) -> str:
    who = policy.people.get(incident.acknowledged_by)
    by = f" by {who.name}" if who and incident.state is State.ACKNOWLEDGED else ""
    rollback = (
        f", {incident.rollback.called} {incident.rollback.phase}" if incident.rollback else ""
    )
    return (
        f"*{incident.severity} {incident.lane}*, {incident.state}{by}{rollback}, "
        f"since {_time(incident.opened_at)}: {_line(incident.title)} (`{incident.id}`)"
    )


def _drill(row: DrillRow) -> str:
    return f"`{row.drill}` of `{row.stack}`, {_time(row.at)}, {row.verdict}: {_line(row.text)}"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _line(text: str) -> str:
    one = " ".join(text.split())
    return one if len(one) <= _TITLE else f"{one[: _TITLE - 1]}…"
