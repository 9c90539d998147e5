"""Who is paged depends on what fires, and on nothing about how the message was put together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.action import Topic
from shared.domain.alert import Alert
from shared.domain.lane import Route
from shared.domain.policy import Policy
from shared.policy import load
from tests.builders import alert
from tests.use_cases.world import World

SHIPPED = load(Path(__file__).parents[2] / "infra/policies/convex.yaml")
NAMES = ("ConvexProjectionLagHigh", "ConvexBackendDown", "ConvexTokenMintFailures", "Watchdog")
FEW = settings(max_examples=20)

Paged = set[tuple[str, str, str, str]]
Messages = Sequence[Sequence[Alert]]

fired = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True).map(
    lambda names: [_named(name) for name in names]
)
noise = st.dictionaries(
    st.from_regex(r"x_[a-z]{1,6}", fullmatch=True),
    st.sampled_from(["projection", "token", "convex", "down", ""]),
    max_size=4,
)


def _named(name: str) -> Alert:
    """An alert that only its name says anything about."""
    return replace(alert(name), labels={"alertname": name, "severity": "critical"})


def paged(messages: Messages, policy: Policy = SHIPPED) -> Paged:
    """Stack, lane, team and person of every page that goes out for these messages."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder) / "switchman.db", policy)
        with closing(world.store):
            for message in messages:
                world.reports(*message)
                world.deliver(Topic.PAGES)
            return {
                (stack, incident.lane, page.team, page.person)
                for stack in (*policy.stacks, "unassigned")
                for incident in world.store.load(stack)[0].incidents
                for page in incident.pages
            }


@FEW
@given(fired, st.data())
def test_how_a_webhook_is_split_never_changes_who_is_paged(
    alerts: list[Alert], data: st.DataObject
) -> None:
    """All in one message, one by one, or cut anywhere: the same people are paged."""
    cut = data.draw(st.integers(0, len(alerts)))
    whole = paged([alerts])
    assert whole
    assert paged([alerts[:cut], alerts[cut:]]) == whole
    assert paged([[each] for each in alerts]) == whole


@FEW
@given(fired, noise)
def test_labels_nobody_asks_for_and_their_order_never_change_who_is_paged(
    alerts: list[Alert], more: dict[str, str]
) -> None:
    """Further labels, before or after the others, are no news."""
    before = [replace(each, labels={**more, **each.labels}) for each in alerts]
    backwards = dict(reversed(more.items()))
    after = [replace(each, labels={**each.labels, **backwards}) for each in alerts]
    assert paged([before]) == paged([after]) == paged([alerts])


@FEW
@given(fired, st.sampled_from(sorted(SHIPPED.lanes)))
def test_a_route_after_those_that_match_never_changes_who_is_paged(
    alerts: list[Alert], lane: str
) -> None:
    """A route at the end takes what no route took, and nothing else."""
    taken = [each for each in alerts if each.name != "Watchdog"] or [_named(NAMES[0])]
    last = Route(id="last", lane=lane, matchers=())
    longer = replace(SHIPPED, routes=(*SHIPPED.routes, last))
    assert paged([taken], longer) == paged([taken])
