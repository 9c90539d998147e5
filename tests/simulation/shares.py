"""What must hold of each revision's share while something is on fire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from shared.domain.action import ActionKind
from shared.domain.policy import Policy
from shared.domain.rollback import ServicePlan, ServiceState, Split
from shared.ports import Commit
from tests.simulation.record import Record

Wrong = tuple[str, str]
Shares = Mapping[str, int]
FROZEN = "no revision gets more than when the incident began, but a target or what was found"
_TAG = "a tag changes no revision's share"


class Freezes:
    """The shares of a stack's revisions when each of its incidents began."""

    def __init__(self, record: Record, policy: Policy, look: Callable[[str], ServiceState]) -> None:
        self._record = record
        self._policy = policy
        self._look = look
        self._began: dict[str, dict[str, Shares]] = {}

    def committed(self, commit: Commit) -> None:
        """Note what serves when an incident opens or reopens; the record is as before."""
        before = self._record.heads.get(commit.stack_id)
        known = {each.id for each in before.open_incidents()} if before else set()
        for incident in commit.stack.open_incidents() if commit.stack else ():
            if incident.id not in known:
                services = self._policy.stack(commit.stack_id).services
                states = [self._look(each.resource) for each in services]
                self._began[incident.id] = {
                    state.resource: shares(state.traffic, state.latest_ready) for state in states
                }

    def wrong_with(
        self,
        kind: ActionKind,
        stack: str,
        plan: ServicePlan,
        before: ServiceState,
        after: ServiceState,
    ) -> Iterator[Wrong]:
        """What a change of ours that took effect breaks."""
        had = shares(before.traffic, before.latest_ready)
        has = shares(after.traffic, after.latest_ready)
        if kind is ActionKind.TAG:
            if had != has:
                yield _TAG, f"{plan.service}: {had} -> {has}"
            return
        restored = kind is ActionKind.RESTORE
        allowed = shares(plan.after, plan.latest_ready) if restored else {plan.to_revision: 100}
        head = self._record.heads.get(stack)
        for incident in head.open_incidents() if head else ():
            began = self._began[incident.id][plan.resource]
            for revision, share in has.items():
                if share > max(began.get(revision, 0), allowed.get(revision, 0)):
                    yield FROZEN, f"{incident.id}: {began} -> {has}, and allowed was {allowed}"


def shares(split: Split, latest: str) -> dict[str, int]:
    """Each revision's share in percent; `latest` is what LATEST means."""
    found: dict[str, int] = {}
    for target in split:
        if target.percent:
            name = target.revision or latest
            found[name] = found.get(name, 0) + target.percent
    return found
