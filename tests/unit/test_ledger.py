"""What looking at a service teaches: which revisions are known-good, and who took over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger import (
    GAP,
    KEEP,
    Circumstances,
    LedgerRules,
    Look,
    OwnChange,
    ServiceRecord,
    learn,
)
from shared.domain.rollback import ServiceState, Split, TrafficTarget

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = LedgerRules(share=50, soak=10 * MINUTE, requests=5, deployers=("ci@shop",))
BUSY = 100


def all_to(revision: str) -> Split:
    """Everything to one revision."""
    return (TrafficTarget(percent=100, revision=revision),)


def state(traffic: Split, *, by: str = "ana@shop", ready: bool = True) -> ServiceState:
    """A service that serves what it was asked to."""
    return ServiceState(
        resource="shop",
        generation=1,
        etag="e",
        traffic=traffic,
        serving=traffic,
        ready=ready,
        reconciling=False,
        latest_ready="shop-9",
        uri="https://shop",
        last_modifier=by,
    )


class Watching:
    """Looks at a service minute by minute."""

    def __init__(self) -> None:
        self.record: ServiceRecord | None = None
        self.now = START
        self.proven: list[str] = []
        self.latched: list[str] = []

    def sees(
        self,
        traffic: Split,
        minutes: int = 1,
        *,
        by: str = "ana@shop",
        requests: int | None = BUSY,
        critical: bool = False,
        ready: bool = True,
        ours: tuple[Split, ...] = (),
    ) -> ServiceRecord:
        """The same for some minutes."""
        names = {target.revision or "shop-9" for target in traffic}
        counted = {} if requests is None else dict.fromkeys(names, requests)
        seen = state(traffic, by=by, ready=ready)
        for _ in range(minutes):
            self.now += MINUTE
            learned = learn(
                self.record,
                Look(service="shop", state=seen, requests=counted),
                RULES,
                Circumstances(critical=critical, ours=ours, now=self.now),
            )
            self.record = learned.record
            self.proven += [good.revision for good in learned.proven]
            self.latched += [learned.latched.by] if learned.latched else []
        assert self.record is not None
        return self.record


@pytest.fixture
def watching() -> Watching:
    """Nothing was seen yet."""
    return Watching()


def test_a_revision_earns_known_good_by_serving_for_the_soak_time(watching: Watching) -> None:
    """Its share, real requests, nothing critical: known-good, said once."""
    watching.sees(all_to("shop-1"), 10)
    assert watching.proven == []
    record = watching.sees(all_to("shop-1"), 20)
    assert watching.proven == ["shop-1"]
    assert record.proof("shop-1") is not None


@pytest.mark.parametrize("requests", [0, 4, None], ids=["none", "too few", "nobody could count"])
def test_no_traffic_is_not_good_health(watching: Watching, requests: int | None) -> None:
    """A revision nobody is known to have used proves nothing, however long it stood there."""
    watching.sees(all_to("shop-1"), 500, requests=requests)
    assert watching.proven == []
    watching.sees(all_to("shop-1"))
    assert watching.proven == ["shop-1"]


def test_a_critical_alert_starts_the_soak_anew(watching: Watching) -> None:
    """What served while something was on fire has not shown that it is good."""
    watching.sees(all_to("shop-1"), 9)
    watching.sees(all_to("shop-1"), critical=True)
    watching.sees(all_to("shop-1"), 10)
    assert watching.proven == []
    watching.sees(all_to("shop-1"))
    assert watching.proven == ["shop-1"]


def test_less_than_the_share_proves_nothing(watching: Watching) -> None:
    """A canary's few percent are not enough, and the revision beside it earns its own."""
    canary = (
        TrafficTarget(percent=90, revision="shop-1"),
        TrafficTarget(percent=10, revision="shop-2"),
    )
    watching.sees(canary, 60)
    assert watching.proven == ["shop-1"]


def test_latest_counts_for_the_revision_it_means(watching: Watching) -> None:
    """The ledger knows revisions; LATEST is only a way to ask for one."""
    watching.sees((TrafficTarget(percent=100),), 30)
    assert watching.proven == ["shop-9"]


def test_a_service_that_is_not_ready_proves_nothing(watching: Watching) -> None:
    """What it serves is not sure then."""
    watching.sees(all_to("shop-1"), 60, ready=False)
    assert watching.proven == []


@pytest.mark.parametrize("gap", [GAP + MINUTE, -2 * MINUTE], ids=["a gap", "a clock set back"])
def test_nobody_knows_what_was_served_while_nobody_looked(
    watching: Watching, gap: timedelta
) -> None:
    """The soak starts anew."""
    watching.sees(all_to("shop-1"), 9)
    watching.now += gap
    watching.sees(all_to("shop-1"), 10)
    assert watching.proven == []
    watching.sees(all_to("shop-1"))
    assert watching.proven == ["shop-1"]


def test_a_person_who_changes_traffic_takes_over(watching: Watching) -> None:
    """Latched once, with who and what; and it stays so, whatever comes after."""
    watching.sees(all_to("shop-2"))
    watching.sees(all_to("shop-1"), 10)
    record = watching.sees(all_to("shop-2"), 10, by="eve@shop")
    assert watching.latched == ["ana@shop"]
    assert record.latch is not None
    assert (record.latch.found, record.moved_at) == (all_to("shop-1"), START + 12 * MINUTE)


def test_first_sight_never_latches(watching: Watching) -> None:
    """Nothing is known of how it came to be."""
    assert watching.sees(all_to("shop-1")).latch is None


def test_a_deployer_does_not_take_over(watching: Watching) -> None:
    """A pipeline that moves traffic is everyday business."""
    watching.sees(all_to("shop-1"))
    record = watching.sees(all_to("shop-2"), by="ci@shop")
    assert record.latch is None
    assert record.moved_at == START + 2 * MINUTE


def test_our_own_change_does_not_latch(watching: Watching) -> None:
    """Neither what we asked for nor what we put back, whoever is named as the last to modify."""
    watching.sees(all_to("shop-2"))
    ours = (all_to("shop-1"), all_to("shop-2"))
    watching.sees(all_to("shop-1"), ours=ours)
    assert watching.sees(all_to("shop-2"), ours=ours).latch is None


@pytest.mark.parametrize("away", [MINUTE, 300 * MINUTE], ids=["a minute", "five hours"])
def test_what_we_left_is_ours_when_it_is_first_seen(watching: Watching, away: timedelta) -> None:
    """However long nobody looked after a change of ours had ended."""
    record = watching.sees(all_to("shop-2"))
    own = OwnChange(at=watching.now, splits=(all_to("shop-2"), all_to("shop-1")))
    watching.record = replace(record, own=own)
    watching.now += away
    assert watching.sees(all_to("shop-1")).latch is None


def test_what_we_left_long_ago_is_anybodys_change(watching: Watching) -> None:
    """Once it was surely seen, whoever goes back to it takes over."""
    record = watching.sees(all_to("shop-2"))
    own = OwnChange(at=watching.now, splits=(all_to("shop-2"), all_to("shop-1")))
    watching.record = replace(record, own=own)
    assert watching.sees(all_to("shop-1"), 6).own is None
    assert watching.sees(all_to("shop-2")).latch is not None


def test_a_tag_is_no_change_of_traffic(watching: Watching) -> None:
    """Tags carry nothing, and a tagged line is the same share."""
    watching.sees(all_to("shop-1"))
    tagged = (
        TrafficTarget(percent=60, revision="shop-1", tag="blue"),
        TrafficTarget(percent=40, revision="shop-1"),
        TrafficTarget(percent=0, revision="shop-2", tag="next"),
    )
    record = watching.sees(tagged)
    assert (record.latch, record.moved_at) == (None, None)


def test_only_the_newest_proofs_are_kept(watching: Watching) -> None:
    """The head stays small."""
    for number in range(KEEP + 5):
        watching.sees(all_to(f"shop-{number}"), 12, by="ci@shop")
    record = watching.sees(all_to("shop-0"))
    assert len(record.good) == KEEP
    assert record.good[0].revision == f"shop-{KEEP + 4}"


SIGHTS = st.lists(
    st.tuples(
        st.sampled_from(["shop-1", "shop-2", ""]),
        st.integers(0, 12),
        st.sampled_from(["ana@shop", "ci@shop"]),
        st.sampled_from([None, 0, BUSY]),
        st.booleans(),
    ),
    max_size=12,
)


@given(SIGHTS)
def test_what_is_known_good_really_served(
    sights: list[tuple[str, int, str, int | None, bool]],
) -> None:
    """Each proof has the soak time without anything critical behind it, and real requests."""
    watching = Watching()
    served: dict[str, int] = {}
    for revision, minutes, by, requests, critical in sights:
        for _ in range(minutes):
            before = set(watching.proven)
            watching.sees(all_to(revision), by=by, requests=requests, critical=critical)
            name = revision or "shop-9"
            served = {} if critical else {name: served.get(name, -1) + 1}
            new = set(watching.proven) - before
            assert new <= {name}
            assert not new or (served.get(name, 0) >= 10 and requests == BUSY)


@given(SIGHTS)
def test_only_a_persons_change_latches(
    sights: list[tuple[str, int, str, int | None, bool]],
) -> None:
    """As long as only deployers change anything, nothing is ever latched."""
    watching = Watching()
    for revision, minutes, _, requests, critical in sights:
        watching.sees(all_to(revision), minutes + 1, by="ci@shop", requests=requests)
        watching.sees(all_to(revision), critical=critical)
    assert watching.latched == []
    assert watching.record is None or replace(watching.record).latch is None


def test_a_deploy_under_latest_is_a_change_of_what_serves(watching: Watching) -> None:
    """The asked traffic stays the same word, and another revision is known to have taken over."""
    latest = (TrafficTarget(percent=100),)
    first = watching.sees(latest)
    assert (first.main, first.main_since) == ("shop-9", None)
    deployed = replace(state(latest), latest_ready="shop-10")
    look = Look(service="shop", state=deployed)
    around = Circumstances(critical=False, ours=(), now=watching.now + MINUTE)
    record = learn(watching.record, look, RULES, around).record
    assert (record.main, record.main_since) == ("shop-10", watching.now + MINUTE)
    assert (record.moved_at, record.latch) == (None, None)
