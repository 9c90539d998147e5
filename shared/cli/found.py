"""Finding what a person named: a stack of the policy, an incident, a plan to decide on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.cli.common import fail

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.incident import Incident
    from shared.ports import IncidentView


def stack_named(switchman: Application, stack: str, how: str = "name it") -> str:
    """The stack of this id, or the only one; otherwise the command ends. `how` is how to say it."""
    known = switchman.policy.stacks
    if stack and stack not in known:
        fail(f"there is no stack {stack!r} in the policy; there is: {', '.join(known)}")
    if not stack and len(known) != 1:
        fail(f"say which stack ({how}): {', '.join(known)}")
    return stack or next(iter(known))


def incident_named(switchman: Application, incident: str) -> IncidentView:
    """The incident with this id, or the only one whose id begins like this."""
    store = switchman.store
    view = store.incident(incident)
    if view is None:
        known = [view for view in store.incidents() if view.incident.id.startswith(incident)]
        view = known[0] if len(known) == 1 else None
    if view is None:
        fail(f"there is no incident {incident}; `switchman incidents list` names them all", 1)
    return view


def rollback_named(switchman: Application, named: str) -> Incident:
    """The incident whose rollback is meant, by its own id or by its stack's."""
    if named not in switchman.policy.stacks:
        return incident_named(switchman, named).incident
    stack, _ = switchman.store.load(named)
    planned = [each for each in stack.incidents if each.rollback and each.rollback.plan]
    owner = stack.rollback_owner() or (planned[0] if len(planned) == 1 else None)
    if owner is None:
        fail(
            f"no rollback of {named} is proposed; `switchman incidents list` shows what is open", 1
        )
    return owner
