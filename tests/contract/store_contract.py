"""What the store tests share: the stores to hold to the contract, and things to put into them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from google.cloud import firestore

from shared.adapters.firestore.store import FirestoreStore
from shared.adapters.memory.store import MemoryStore
from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import Action, ActionKind, Order, PageOrder, PlanOrder
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decision import AuditRow, TimelineRow
from shared.domain.event import Instruction, Timer, TimerKind
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.severity import Severity
from shared.domain.stack import Stack
from shared.ports import Clock, Commit, Store

DURABLE: Final = ("sqlite", pytest.param("firestore", marks=pytest.mark.emulator))
STORES: Final = ("memory", *DURABLE)
"""The parameters of a `store` fixture; a durable store forgets in time."""

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def open_store(request: pytest.FixtureRequest, folder: Path, clock: Clock) -> Iterator[Store]:
    """The store that the test's parameter names, empty."""
    if request.param == "sqlite":
        store: Store = SqliteStore(folder / "switchman.db", clock)
    elif request.param == "memory":
        store = MemoryStore(clock)
    else:
        store = open_firestore(request.getfixturevalue("firestore_emulator"), clock)
    try:
        yield store
    finally:
        store.close()


class FirestoreByHand(FirestoreStore):
    """Firestore whose own clock, too, is the one that the test moves."""

    def _read_at(self, found: firestore.DocumentSnapshot[Any]) -> datetime:
        return self._clock.now()


def open_firestore(address: str, clock: Clock) -> FirestoreStore:
    """A Firestore store in a project of its own on the emulator."""
    return FirestoreByHand(firestore_client(address), clock)


def firestore_client(address: str) -> firestore.Client:
    """A client for a project of its own on the emulator."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", address)
        return firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")


def at(minutes: float) -> datetime:
    """Minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def incident(number: int = 1, stack: str = "shop", **changes: object) -> Incident:
    """An open incident of the stack; the number makes its id and its opening time."""
    facts: dict[str, object] = {
        "id": f"{stack}-{number:010x}",
        "stack": stack,
        "lane": f"lane{number}",
        "team": "runtime",
        "severity": Severity.SEV1,
        "state": State.OPEN,
        "title": "ProjectorLagHigh",
        "summary": "the projector falls behind",
        "reasons": ("lane=projector",),
        "rule": "projector",
        "trigger": "alert-1",
        "opened_at": at(number),
    }
    return Incident(**{**facts, **changes})  # type: ignore[arg-type]  # a builder takes any field


def alert_row(number: int = 1, **changes: object) -> AlertRow:
    """A firing alert of incident 1."""
    facts: dict[str, object] = {
        "id": f"alert-{number}",
        "stack": "shop",
        "lane": "lane1",
        "incident": incident().id,
        "status": AlertStatus.FIRING,
        "title": "ProjectorLagHigh",
        "starts_at": at(0),
        "received_at": at(1),
        "labels": {"service": "shop-backend"},
    }
    return AlertRow(**{**facts, **changes})  # type: ignore[arg-type]  # a builder takes any field


def line(name: str, minutes: float = 0, of: str = "") -> TimelineRow:
    """A line of an incident's timeline."""
    return TimelineRow(
        id=name,
        incident=of or incident().id,
        at=at(minutes),
        kind=TimelineKind.OPENED,
        text=f"{name} happened",
    )


def audited(name: str, minutes: float = 0) -> AuditRow:
    """Somebody acknowledged incident 1."""
    return AuditRow(
        id=name,
        at=at(minutes),
        person="U1",
        choice=Choice.ACKNOWLEDGE,
        stack="shop",
        incident=incident().id,
        plan="",
        answer="carried out",
    )


def instruction(name: str = "f00d", minutes: float = 0) -> Instruction:
    """Somebody asks for the rollback of incident 1."""
    return Instruction(
        id=name,
        choice=Choice.APPROVE,
        incident=incident().id,
        plan="hash",
        person="U1",
        channel="C1",
        at=at(minutes),
    )


def action(name: str, kind: ActionKind = ActionKind.PAGE, minutes: float = 0) -> Action:
    """A page to send, or a plan to make."""
    order: Order = PlanOrder() if kind is ActionKind.PLAN else PageOrder(page="page-1")
    return Action(
        id=name,
        kind=kind,
        stack="shop",
        incident=incident().id,
        order=order,
        decided_at=at(minutes),
    )


def timer(kind: TimerKind = TimerKind.SETTLE, minutes: float = 0, of: str = "") -> Timer:
    """A timer of incident 1."""
    return Timer(kind=kind, stack="shop", incident=of or incident().id, due=at(minutes))


def commit(event: str, stack: Stack | None = None, **changes: object) -> Commit:
    """A commit of the stack "shop" unless the given stack says otherwise."""
    facts: dict[str, object] = {
        "event": event,
        "kind": "alert",
        "at": at(0),
        "stack_id": stack.id if stack else "shop",
        "stack": stack,
    }
    return Commit(**{**facts, **changes})  # type: ignore[arg-type]  # a builder takes any field


def shop(*incidents: Incident) -> Stack:
    """The stack "shop" with these incidents, or with incident 1."""
    return Stack(id="shop", incidents=incidents or (incident(),))


def put(store: Store, event: str, stack: Stack | None = None, **changes: object) -> None:
    """Commit on top of whatever is there."""
    given = commit(event, stack, **changes)
    _, token = store.load(given.stack_id)
    store.commit(given, token)
