"""Which revision is rolled back to, and why the others are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.candidates import BARRIER, Candidate, candidates, choose
from shared.domain.ledger import Good, ServiceRecord
from shared.domain.rollback import NoPlan, Revision, ServiceState, TrafficTarget

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CURRENT = "api-00009-now"


def revision(name: str, age: int, *, barrier: bool = False, **facts: object) -> Revision:
    """A revision made so many minutes before noon, Ready unless said otherwise."""
    labels = {BARRIER: ""} if barrier else {}
    facts = {"ready": True, "digest": f"sha256:{name}", **facts}
    return Revision(
        name=name,
        created_at=NOON - timedelta(minutes=age),
        labels=labels,
        **facts,  # type: ignore[arg-type]  # a builder takes any
    )


def state(main: str = CURRENT, *, reconciling: bool = False) -> ServiceState:
    """A service whose whole traffic goes to one revision."""
    split = (TrafficTarget(percent=100, revision=main),)
    return ServiceState(
        resource="api",
        generation=4,
        etag="e",
        traffic=split,
        serving=split,
        ready=True,
        reconciling=reconciling,
        latest_ready=main,
        uri="https://api",
    )


def record(*good: str) -> ServiceRecord:
    """What is remembered of the service: these revisions proved themselves."""
    proofs = tuple(Good(revision=n, digest="", proven_at=NOON, requests=12) for n in good)
    return ServiceRecord(service="api", traffic=(), seen_at=NOON, good=proofs)


def found(
    *older: Revision, good: tuple[str, ...] = (), rolled_back: frozenset[str] = frozenset()
) -> tuple[Candidate, ...]:
    """The candidates of a service that serves the newest revision."""
    everything = (revision(CURRENT, 0), *older)
    answer = candidates(state(), everything, record(*good), rolled_back)
    assert not isinstance(answer, NoPlan)
    return answer


def chosen(*args: Candidate) -> tuple[str, bool] | None:
    """What is rolled back to, and whether it is known-good."""
    candidate = choose(args)
    return (candidate.revision.name, candidate.proven) if candidate else None


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("oa-convex-backend-nonprod-00011-v4r", "oa-convex-backend-nonprod-00010-kpf"),
        ("oa-convex-dashboard-nonprod-00002-hwm", "oa-convex-dashboard-nonprod-00001-8rs"),
    ],
)
def test_the_first_users_drill(bad: str, good: str) -> None:
    """From the revision that serves back to the one before it, as their report has it."""
    answer = candidates(state(bad), (revision(bad, 5), revision(good, 90)), record(good))
    assert not isinstance(answer, NoPlan)
    assert chosen(*answer) == (good, True)


def test_the_newest_known_good_one_is_preferred_to_a_newer_unproven_one() -> None:
    """Known-good counts for more than new."""
    older = revision("api-3", 30), revision("api-2", 60), revision("api-1", 90)
    assert chosen(*found(*older, good=("api-2", "api-1"))) == ("api-2", True)


def test_without_a_proof_the_previous_ready_revision_is_unproven() -> None:
    """It may be proposed, and it is said that nobody knows it to be good."""
    older = revision("api-3", 30, ready=False), revision("api-2", 60), revision("api-1", 90)
    assert chosen(*found(*older)) == ("api-2", False)


def test_a_barrier_is_not_crossed_backwards() -> None:
    """What a labelled revision changed cannot be undone; it may itself be the target."""
    older = (
        revision("api-3", 30),
        revision("api-2", 60, barrier=True),
        revision("api-1", 90),
    )
    answer = found(*older, good=("api-1",))
    assert [each.eligible for each in answer] == [True, True, False]
    assert "api-2 is labelled switchman-barrier" in answer[2].why
    assert chosen(*answer) == ("api-3", False)


def test_a_barrier_on_what_serves_leaves_no_way_back() -> None:
    """None: say why, do nothing."""
    everything = (revision(CURRENT, 0, barrier=True), revision("api-1", 90))
    answer = candidates(state(), everything, record("api-1"))
    assert not isinstance(answer, NoPlan)
    assert chosen(*answer) is None
    assert CURRENT in answer[0].why


def test_an_image_that_was_rolled_back_from_is_no_way_back() -> None:
    """Whatever revision it is in, and even if that one had proved itself."""
    older = revision("api-2", 60, digest="sha256:bad"), revision("api-1", 90)
    answer = found(*older, good=("api-2",), rolled_back=frozenset({"sha256:bad"}))
    assert chosen(*answer) == ("api-1", False)
    assert "rolled back from" in answer[0].why


def test_an_unknown_digest_is_not_taken_for_one_that_was_rolled_back() -> None:
    """No digest is not the same digest."""
    answer = found(revision("api-1", 90, digest=""), rolled_back=frozenset({""}))
    assert chosen(*answer) == ("api-1", False)


def test_why_a_revision_is_not_ready_is_said() -> None:
    """A secret or an image that is gone shows in what the person reads."""
    (only,) = found(revision("api-1", 90, ready=False, why_not_ready="secret key:3 is destroyed"))
    assert only.in_words() == "api-1: no, it is not Ready: secret key:3 is destroyed"


def test_nothing_is_planned_on_top_of_a_change_under_way() -> None:
    """Nor for a service whose serving revision cannot be found."""
    history = (revision(CURRENT, 0), revision("api-1", 90))
    assert isinstance(candidates(state(reconciling=True), history, None), NoPlan)
    assert isinstance(candidates(state("api-gone"), history, None), NoPlan)


def test_a_revision_made_after_the_current_one_is_not_back() -> None:
    """After a rollback the newer revision is forward, not back."""
    history = (revision(CURRENT, 0), revision("api-2", 30), revision("api-1", 90))
    answer = candidates(state("api-2"), history, record("api-1"))
    assert not isinstance(answer, NoPlan)
    assert [each.revision.name for each in answer] == ["api-1"]


REVISIONS = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.sampled_from(["", "a", "b"]), st.booleans()),
    max_size=8,
)


@given(REVISIONS, st.sets(st.sampled_from(["a", "b"])))
def test_what_is_chosen_is_never_what_is_ruled_out(
    facts: list[tuple[bool, bool, str, bool]], rolled_back: set[str]
) -> None:
    """Ready, not rolled back from, with no barrier in between; proven if any such one is."""
    older = [
        revision(f"api-{n}", 10 + n, ready=ready, barrier=barrier, digest=digest)
        for n, (ready, barrier, digest, _) in enumerate(facts)
    ]
    good = tuple(f"api-{n}" for n, (*_, proven) in enumerate(facts) if proven)
    answer = found(*older, good=good, rolled_back=frozenset(rolled_back))
    barred = next((n for n, (_, barrier, *_) in enumerate(facts) if barrier), len(facts))
    allowed = [
        each.name
        for n, each in enumerate(older)
        if n <= barred and each.ready and each.digest not in rolled_back
    ]
    proven = [name for name in allowed if name in good]
    expected = [(name, bool(proven)) for name in proven or allowed][:1]
    assert chosen(*answer) == (expected[0] if expected else None)
