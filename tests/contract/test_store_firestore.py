"""What only the Firestore store promises: lost answers, a service that is away, declared indexes."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import firestore

from shared.adapters.firestore.store import FirestoreStore
from shared.domain.action import Done
from shared.domain.alert import AlertStatus
from shared.domain.decision import IncidentRow
from shared.domain.errors import Conflict, Transient
from shared.domain.stack import Stack
from shared.ports import Committed, Lease, NotClaimed, Series, Settlement
from shared.wire import stored
from tests import emulators
from tests.contract.store_contract import (
    FirestoreByHand,
    action,
    alert_row,
    at,
    audited,
    commit,
    firestore_client,
    incident,
    instruction,
    line,
    put,
    shop,
    timer,
)
from tests.fakes.clock import ManualClock

INDEXES = Path(__file__).parents[2] / "infra" / "firestore.indexes.json"
LEASE = timedelta(seconds=30)
LOST: tuple[type[Exception], ...] = (
    exceptions.DeadlineExceeded,
    exceptions.ServiceUnavailable,
    exceptions.InternalServerError,
)
lost_answers = pytest.mark.parametrize("answer", LOST)
heads = pytest.mark.parametrize("head", [shop(), None], ids=["with head", "rows only"])


@pytest.fixture
def client(firestore_emulator: str) -> firestore.Client:
    """A client for an empty database."""
    return firestore_client(firestore_emulator)


@pytest.fixture
def clock() -> ManualClock:
    """The store's clock."""
    return ManualClock(at(0))


@pytest.fixture
def store(client: firestore.Client, clock: ManualClock) -> FirestoreStore:
    """A store on an empty database."""
    return FirestoreByHand(client, clock)


@pytest.fixture
def api(client: firestore.Client) -> Any:
    """The client's own door to the service: every request passes here."""
    return client._firestore_api


def losing(send: Callable[..., Any], answer: type[Exception], *, done: bool) -> Callable[..., Any]:
    """The request is carried out or not, and either way nobody hears of it."""

    def lossy(*args: Any, **kwargs: Any) -> Any:
        if done:
            send(*args, **kwargs)
        raise answer("lost")

    return lossy


@heads
@lost_answers
def test_commit_whose_answer_was_lost_is_recognised_as_done(
    store: FirestoreStore,
    api: Any,
    monkeypatch: pytest.MonkeyPatch,
    head: Stack | None,
    answer: type[Exception],
) -> None:
    """The event's row tells that the commit succeeded, whatever the client was told."""
    put(store, "e1", shop())
    _, token = store.load("shop")
    monkeypatch.setattr(api, "commit", losing(api.commit, answer, done=True))
    assert store.commit(commit("e2", head, rows=(line("t1"),)), token) is Committed.ALREADY
    assert [row.id for row in store.timeline(incident().id)] == ["t1"]


@heads
@lost_answers
def test_commit_that_never_arrived_is_transient(
    store: FirestoreStore,
    api: Any,
    monkeypatch: pytest.MonkeyPatch,
    head: Stack | None,
    answer: type[Exception],
) -> None:
    """Without the event's row nothing was written, and the message must come again."""
    monkeypatch.setattr(api, "commit", losing(api.commit, answer, done=False))
    with pytest.raises(Transient) as raised:
        store.commit(commit("e1", head, rows=(line("t1"),)), "")
    assert not isinstance(raised.value, Conflict)
    assert store.timeline(incident().id) == ()


def test_commit_is_sent_once(
    store: FirestoreStore, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is told not to send a commit again on its own, and when to give up."""
    sent: list[dict[str, Any]] = []
    away: type[Exception] = exceptions.ServiceUnavailable

    def recording(**kwargs: Any) -> Any:
        sent.append(kwargs)
        raise away("away")

    monkeypatch.setattr(api, "commit", recording)
    with pytest.raises(Transient):
        store.commit(commit("e1", shop()), "")
    assert [(each["retry"], each["timeout"]) for each in sent] == [(None, 5.0)]


@lost_answers
def test_claim_whose_answer_was_lost_runs_out(
    store: FirestoreStore,
    clock: ManualClock,
    api: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: type[Exception],
) -> None:
    """Nobody knows of the lease, so nobody works on the action until it has expired."""
    put(store, "e1", actions=(action("e1-0"),))
    with monkeypatch.context() as patch:
        patch.setattr(api, "commit", losing(api.commit, answer, done=True))
        with pytest.raises(Transient):
            store.claim("e1-0", LEASE)
    assert store.claim("e1-0", LEASE) is NotClaimed.HELD
    clock.advance(LEASE)
    assert isinstance(store.claim("e1-0", LEASE), Lease)


def test_leases_are_by_firestores_own_clock(client: firestore.Client) -> None:
    """Workers whose clocks are hours apart agree on who holds an action."""
    slow, right, fast = (
        FirestoreStore(client, ManualClock(datetime.now(UTC) + timedelta(hours=off)))
        for off in (-3, 0, 3)
    )
    put(right, "e1", shop(), actions=(action("e1-0"),))
    held = slow.claim("e1-0", LEASE)
    assert isinstance(held, Lease)
    assert fast.claim("e1-0", LEASE) is NotClaimed.HELD
    held = fast.renew(held, LEASE)
    assert timedelta() < slow.left(held) <= LEASE
    assert right.claim("e1-0", LEASE) is NotClaimed.HELD


def test_service_that_is_away_is_transient(clock: ManualClock) -> None:
    """Nobody answers: every door says so in the store's own word, within its deadline."""
    client = firestore_client(f"127.0.0.1:{emulators.free_port()}")
    store = FirestoreStore(client, clock, deadline=timedelta(milliseconds=200))
    doors: tuple[Callable[[], object], ...] = (
        lambda: store.load("shop"),
        lambda: store.seen("e1"),
        lambda: store.firing("shop-1"),
        lambda: store.series("s1"),
        lambda: store.commit(commit("e1", shop()), ""),
        lambda: store.claim("e1-0", LEASE),
        lambda: store.unsettled(LEASE),
        lambda: store.due(at(0)),
        store.incidents,
        lambda: store.timeline("shop-1"),
        lambda: store.instruction("f00d"),
        store.audit,
    )
    for door in doors:
        with pytest.raises(Transient):
            door()


def test_what_may_be_forgotten_says_when(store: FirestoreStore, client: firestore.Client) -> None:
    """Events and settled actions go after 7 days, ended alerts and instructions after 30."""
    ended = alert_row(2, status=AlertStatus.RESOLVED, ends_at=at(0))
    put(store, "e1", rows=(alert_row(1), ended, alert_row(3)))
    put(store, "e2", rows=(alert_row(3, status=AlertStatus.RESOLVED, ends_at=at(0)),))
    put(store, "e3", rows=(audited("e3"),), actions=(action("e3-0"), action("e3-1")))
    held = store.claim("e3-1", LEASE)
    assert isinstance(held, Lease)
    put(store, "e3-1-1", settles=Settlement(action="e3-1", fence=held.fence, outcome=Done()))
    store.add_instruction(instruction("e3"))

    def expiry(collection: str, name: str) -> datetime | None:
        fields = client.collection(collection).document(name).get().to_dict() or {}
        when: datetime | None = fields.get("expire_at")
        return when

    week, month = at(0) + timedelta(days=7), at(0) + timedelta(days=30)
    assert expiry("events", "e1") == expiry("actions", "e3-1") == week
    assert expiry("alerts", "alert-2") == expiry("alerts", "alert-3") == month
    assert expiry("instructions", "e3") == month
    kept = (("alerts", "alert-1"), ("events", "e3"), ("actions", "e3-0"), ("audit", "e3"))
    assert [expiry(*each) for each in kept] == [None] * 4


def test_only_what_may_be_forgotten_has_a_ttl(
    store: FirestoreStore, client: firestore.Client
) -> None:
    """Google deletes in exactly those collections in which a document may say when."""
    put(store, "e1", shop(), rows=(line("t1"), alert_row(1), audited("i1")), timers=(timer(),))
    put(store, "e2", actions=(action("e2-0"),), rows=(IncidentRow(incident=incident(2)),))
    put(store, "e3", rows=(alert_row(2, status=AlertStatus.RESOLVED),))
    held = store.claim("e2-0", LEASE)
    assert isinstance(held, Lease)
    put(store, "e2-0-1", settles=Settlement(action="e2-0", fence=held.fence, outcome=Done()))
    store.add_instruction(instruction())
    put(store, "e4", rows=(alert_row(3),), series=Series(id="s1", limit=20))
    saying_when = {
        each.id
        for each in client.collections()
        if any("expire_at" in (row.to_dict() or {}) for row in each.stream())
    }
    declared = json.loads(INDEXES.read_text(encoding="utf-8"))["fieldOverrides"]
    assert saying_when == {each["collectionGroup"] for each in declared if each.get("ttl")}


def test_alerts_side_by_side_do_not_hold_one_another_up(store: FirestoreStore) -> None:
    """Each reads the head and its own series alone: nobody waits for a lock of somebody else's."""
    put(store, "opened", shop())
    _, token = store.load("shop")

    def take(number: int) -> Committed:
        row = replace(alert_row(number), series=f"s{number}")
        read = Series(id=f"s{number}", limit=20)
        given = commit(f"alert{number}", rows=(row,), series=read)
        return store.commit(given, token)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(take, range(40))) == {Committed.NEW}


def test_action_that_is_gone_was_settled(store: FirestoreStore, client: firestore.Client) -> None:
    """Google forgets in no particular order: an action may go before the event that led to it."""
    put(store, "e1", actions=(action("e1-0"), action("e1-1")))
    client.collection("actions").document("e1-0").delete()
    assert store.seen("e1") == (action("e1-1"),)


def test_names_may_hold_slashes(store: FirestoreStore) -> None:
    """A slash in a name is part of the name."""
    put(store, "a/b", Stack(id="team/shop"), rows=(line("x/y"),))
    assert store.load("team/shop")[0] == Stack(id="team/shop")
    assert store.seen("a/b") == ()


def test_head_of_an_older_program_is_taken_over(
    store: FirestoreStore, client: firestore.Client
) -> None:
    """A head from before there was a schema loads, and has today's after its next write."""
    document = client.collection("stacks").document("shop")
    body = json.loads(stored.HEAD.encode(shop()))
    del body["schema"], body["stack"]["incidents"][0]["rounds"]
    document.set({"event": "e1", "body": json.dumps(body)})
    head, token = store.load("shop")
    assert head == shop()
    store.commit(commit("e2", shop()), token)
    assert document.get().get("schema") == stored.SCHEMA
    assert json.loads(document.get().get("body"))["schema"] == stored.SCHEMA


def test_head_of_a_newer_program_is_refused(
    store: FirestoreStore, client: firestore.Client
) -> None:
    """Whoever reads it is told which Switchman to start; nothing is decided, nothing written."""
    newer = json.dumps({"schema": stored.SCHEMA + 1, "stack": {"id": "shop"}})
    document = client.collection("stacks").document("shop")
    document.set({"schema": stored.SCHEMA + 1, "event": "e1", "body": newer})
    for door in (lambda: store.load("shop"), store.heads, store.incidents):
        with pytest.raises(stored.NewerSchema, match="start the Switchman that wrote it"):
            door()
    assert document.get().get("body") == newer


def test_lease_of_an_older_program_holds(
    store: FirestoreStore, client: firestore.Client, clock: ManualClock
) -> None:
    """An action claimed before it was written when still is held until its lease ends."""
    put(store, "e1", actions=(action("e1-0"),))
    store.claim("e1-0", LEASE)
    client.collection("actions").document("e1-0").update({"leased_at": firestore.DELETE_FIELD})
    assert store.claim("e1-0", LEASE) is NotClaimed.HELD
    clock.advance(LEASE)
    assert isinstance(store.claim("e1-0", LEASE), Lease)


def test_settlement_keeps_the_outcome(store: FirestoreStore, client: firestore.Client) -> None:
    """What an action came to is kept in its document."""
    put(store, "e1", actions=(action("e1-0"),))
    held = store.claim("e1-0", LEASE)
    assert isinstance(held, Lease)
    put(store, "e1-0-1", settles=Settlement(action="e1-0", fence=held.fence, outcome=Done()))
    kept = client.collection("actions").document("e1-0").get().get("outcome")
    assert json.loads(kept) == {"kind": "done", "value": {}}


@pytest.fixture
def queries(api: Any, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, ...]]:
    """Collection and fields of each query that was issued."""
    issued: set[tuple[str, ...]] = set()

    def recorded(send: Callable[..., Any], find: Callable[[Any], Any]) -> Callable[..., Any]:
        def recording(*args: Any, **kwargs: Any) -> Any:
            query = find(kwargs["request"])
            issued.add((query.from_[0].collection_id, *_fields(query)))
            return send(*args, **kwargs)

        return recording

    run, count = api.run_query, api.run_aggregation_query
    monkeypatch.setattr(api, "run_query", recorded(run, lambda r: r["structured_query"]))
    aggregated = recorded(count, lambda r: r["structured_aggregation_query"].structured_query)
    monkeypatch.setattr(api, "run_aggregation_query", aggregated)
    return issued


def _fields(query: Any) -> list[str]:
    both = query.where.composite_filter.filters or [query.where]
    asked = [each.field_filter.field.field_path for each in both]
    ordered = [f"{o.field.field_path} {o.direction.name}" for o in query.order_by]
    named = {each.partition(" ")[0] for each in ordered}
    equal = [f"{field} ASCENDING" for field in asked if field and field not in named]
    return [*equal, *(each for each in ordered if not each.startswith("__name__"))]


def test_composite_queries_are_declared(
    store: FirestoreStore, queries: set[tuple[str, ...]]
) -> None:
    """The emulator never misses an index, Google does: every one needed is declared, no other."""
    store.firing("shop-1")
    store.unsettled(LEASE)
    store.due(at(0))
    put(store, "e1", shop())
    store.incidents()
    store.timeline("shop-1")
    store.drills()
    store.rejected()
    store.series("s1")
    store.audit()
    store.received(at(0), at(1))
    declared = {
        (each["collectionGroup"], *(f"{f['fieldPath']} {f['order']}" for f in each["fields"]))
        for each in json.loads(INDEXES.read_text(encoding="utf-8"))["indexes"]
    }
    assert {query for query in queries if len(query) > 2} == declared
    assert len(queries) == 12
