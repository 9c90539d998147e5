"""A play, wired: the real use cases over a store in memory and an imagined world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.adapters.imagined.clock import ImaginedClock
from shared.adapters.imagined.cloud_run import ImaginedCloudRun
from shared.adapters.memory.store import MemoryStore
from shared.app.act import Performer
from shared.app.change import ChangeTraffic
from shared.app.measure import Measure
from shared.app.observe import Observe
from shared.app.plan import MakePlan
from shared.app.play.course import Course
from shared.app.play.play import Play
from shared.app.tag import TagKnownGood
from shared.domain.action import ActionKind, Delivered, Done, GaveUp, Outcome, Topic
from shared.domain.ids import stamp
from shared.domain.paging import MessageRef
from shared.domain.play import OfCloudRun, Step
from shared.domain.policy import Policy
from shared.domain.stack import Stack
from shared.ports import Commit, Lease


def play(policy: Policy, steps: Sequence[Step], start: datetime) -> Play:
    """The timeline, ready to be played. Nothing outside of it is read or touched."""
    clock = ImaginedClock(start)
    store = MemoryStore(clock)
    happens = [(each.at, each.what) for each in steps if isinstance(each.what, OfCloudRun)]
    cloud_run = ImaginedCloudRun(policy, clock, happens)
    for stack in policy.stacks.values():
        _remember(store, Stack(id=stack.id, services=cloud_run.records(stack.services)), start)
    performers: dict[ActionKind, Performer] = {
        **dict.fromkeys(_FOR_PEOPLE, _told),
        **dict.fromkeys(_ABOUT_DATA, _no_data),
        **_changes(policy, store, clock, cloud_run),
        ActionKind.PAGE: _delivered,
    }
    return Play(policy, Course(policy, store, clock, performers), steps)


_FOR_PEOPLE = tuple(kind for kind in ActionKind if kind.topic is Topic.PAGES)
_ABOUT_DATA = (
    ActionKind.VERIFY_SNAPSHOT,
    ActionKind.EXPORT_DATA,
    ActionKind.IMPORT_DATA,
    ActionKind.CHECK_DATA,
)


def _remember(store: MemoryStore, stack: Stack, start: datetime) -> None:
    """What was known of the stack's services before the timeline begins."""
    if stack.services:
        store.commit(
            Commit(
                event=f"before-{stack.id}", kind="Play", at=start, stack_id=stack.id, stack=stack
            ),
            "",
        )


def _changes(
    policy: Policy, store: MemoryStore, clock: ImaginedClock, cloud_run: ImaginedCloudRun
) -> Mapping[ActionKind, Performer]:
    beside = clock.side_by_side
    change = ChangeTraffic(
        policy=policy,
        outbox=store,
        traffic=cloud_run,
        health=cloud_run,
        clock=clock,
        in_parallel=beside,
    )
    return {
        ActionKind.PLAN: MakePlan(
            policy=policy, traffic=cloud_run, health=cloud_run, clock=clock, in_parallel=beside
        ),
        ActionKind.APPLY: change,
        ActionKind.RESTORE: change,
        ActionKind.MEASURE: Measure(metrics=cloud_run),
        ActionKind.OBSERVE: Observe(
            policy=policy, traffic=cloud_run, metrics=cloud_run, clock=clock, in_parallel=beside
        ),
        ActionKind.TAG: TagKnownGood(
            heads=store, outbox=store, traffic=cloud_run, clock=clock, in_parallel=beside
        ),
    }


def _told(lease: Lease) -> Outcome:  # noqa: ARG001  # whatever was to be told
    """Whatever else goes to people is there at once."""
    return Done()


def _no_data(lease: Lease) -> Outcome:  # noqa: ARG001  # whichever step it is
    """No timeline says what snapshots there were."""
    return GaveUp("a timeline knows of no snapshots")


def _delivered(lease: Lease) -> Outcome:
    """A page is there at once."""
    action = lease.action
    return Delivered(MessageRef(action.incident, stamp(action.decided_at)), drawn="")
