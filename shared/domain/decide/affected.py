"""Which services of its stack an incident is about, as far as its alerts have named them."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.alert import Alert
from shared.domain.decide.draft import Draft
from shared.domain.event import TimerKind
from shared.domain.incident import Incident
from shared.domain.quiet import held


def concerned(draft: Draft, alert: Alert) -> tuple[str, ...]:
    """The services of the stack that the alert names."""
    values = frozenset(alert.facts().values())
    services = draft.policy.stack(draft.stack.id).services
    return tuple(service.name for service in services if service.name in values)


def newly_concerned(draft: Draft, incident: Incident, alert: Alert) -> Incident:
    """The incident with what the alert names besides; most name nothing new.

    Pages that were held back for the maintenance of a service wait no longer if it is about
    another one too.
    """
    new = tuple(each for each in concerned(draft, alert) if each not in incident.services)
    if not new:
        return incident
    incident = replace(incident, services=(*incident.services, *new))
    draft.put(incident)
    if incident.held and held(draft.policy, incident, draft.now) is None:
        draft.timer(TimerKind.REMIND, incident, draft.now)
    return incident
