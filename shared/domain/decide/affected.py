"""Which services of its stack an incident is about, as far as its alerts have named them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.domain.alert import Alert
from shared.domain.decide.draft import Draft
from shared.domain.event import TimerKind
from shared.domain.incident import Incident
from shared.domain.quiet import held


def concerned(draft: Draft, alert: Alert) -> tuple[str, ...]:
    """The services of the stack that the alert names."""
    return _named(alert, _services(draft))


def newly_concerned(draft: Draft, incident: Incident, alert: Alert) -> Incident:
    """The incident with what the alert names besides; most name nothing new.

    Pages that were held back for the maintenance of a service wait no longer if it is about
    another one too.
    """
    new = _named(alert, [each for each in _services(draft) if each not in incident.services])
    if not new:
        return incident
    incident = replace(incident, services=(*incident.services, *new))
    draft.put(incident)
    if incident.held and held(draft.policy, incident, draft.now) is None:
        draft.timer(TimerKind.REMIND, incident, draft.now)
    return incident


def _services(draft: Draft) -> list[str]:
    return [service.name for service in draft.policy.stack(draft.stack.id).services]


def _named(alert: Alert, services: Sequence[str]) -> tuple[str, ...]:
    """Those of the services that the alert names. Where none is asked for it is not searched."""
    if not services:
        return ()
    values = frozenset(alert.facts().values())
    return tuple(each for each in services if each in values)
