"""Documents in the stores: they come back as they were, and a bad one is named as such."""

from __future__ import annotations

import json
import subprocess
import sys
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import MappingProxyType, NoneType, UnionType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.action import (
    ORDERS,
    Action,
    ActionKind,
    Delivered,
    Done,
    GaveUp,
    Measured,
    Sights,
)
from shared.domain.alert import AlertRow
from shared.domain.decision import AuditRow, DrillRow, RejectedRow, TimelineRow
from shared.domain.errors import BadMessage
from shared.domain.event import Instruction, Timer
from shared.domain.incident import Incident
from shared.domain.recording import Recorded
from shared.domain.rollback import NoPlan, Plan, TrafficOutcome
from shared.domain.stack import Stack
from shared.wire import stored
from tests.contract.store_contract import action, alert_row, incident, shop

_ALL_AT_ONCE = """
import sys, threading
from datetime import UTC, datetime
sys.setswitchinterval(1e-6)
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.stack import Stack
from shared.wire import stored
head = stored.HEAD.encode(Stack(id="shop"))
now = datetime.now(UTC)
texts = dict.fromkeys(("id", "stack", "lane", "incident", "title"), "x")
row = AlertRow(**texts, status=AlertStatus.FIRING, starts_at=now, received_at=now)
kinds = [stored.HEAD, stored.INCIDENT, stored.ALERT, stored.DRILL] * 2
begin = threading.Barrier(len(kinds))
def read(codec):
    begin.wait()
    try:
        stored.ALERT.encode(row)
        codec.decode(head)
    except stored.Unreadable:
        pass
threads = [threading.Thread(target=read, args=(codec,)) for codec in kinds]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

SCALARS = {
    str: st.text(st.characters(codec="utf-8"), max_size=8),
    int: st.integers(-(2**62), 2**62),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    timedelta: st.timedeltas(timedelta(), timedelta(days=30)),
    NoneType: st.none(),
}


def anything(shape: Any) -> st.SearchStrategy[Any]:
    """Any value of a domain type, with every field filled in all ways its annotation allows."""
    origin, inside = typing.get_origin(shape), typing.get_args(shape)
    if shape in SCALARS:
        return SCALARS[shape]
    if origin in (typing.Union, UnionType):
        return st.one_of([anything(each) for each in inside])
    if origin is tuple:
        return st.lists(anything(inside[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(anything(inside[0]), anything(inside[1]), max_size=2)
    if isinstance(shape, type) and issubclass(shape, Enum):
        return st.sampled_from(shape)
    assert isinstance(shape, type), shape
    assert is_dataclass(shape), shape
    hints = typing.get_type_hints(shape)
    return st.builds(shape, **{field.name: anything(hints[field.name]) for field in fields(shape)})


def any_action() -> st.SearchStrategy[Action]:
    """Any action whose order fits its kind."""
    hints = typing.get_type_hints(Action)
    rest = {name: anything(hint) for name, hint in hints.items() if name not in ("kind", "order")}
    return st.sampled_from(ActionKind).flatmap(
        lambda kind: st.builds(Action, kind=st.just(kind), order=anything(ORDERS[kind]), **rest)
    )


OUTCOMES = (Delivered, Done, GaveUp, Plan, NoPlan, TrafficOutcome, Measured, Sights)
DOCUMENTS: dict[str, tuple[stored.Codec[Any], st.SearchStrategy[Any]]] = {
    "head": (stored.HEAD, anything(Stack)),
    "action": (stored.ACTION, any_action()),
    "outcome": (stored.OUTCOME, st.one_of([anything(shape) for shape in OUTCOMES])),
    "alert": (stored.ALERT, anything(AlertRow)),
    "timeline": (stored.TIMELINE, anything(TimelineRow)),
    "incident": (stored.INCIDENT, anything(Incident)),
    "drill": (stored.DRILL, anything(DrillRow)),
    "rejected": (stored.REJECTED, anything(RejectedRow)),
    "audit": (stored.AUDIT, anything(AuditRow)),
    "timer": (stored.TIMER, anything(Timer)),
    "instruction": (stored.INSTRUCTION, anything(Instruction)),
}
each_document = pytest.mark.parametrize("name", DOCUMENTS)


@each_document
@given(data=st.data())
def test_documents_come_back_as_they_were(name: str, data: st.DataObject) -> None:
    """Whatever the domain can hold survives being stored, to the microsecond."""
    codec, values = DOCUMENTS[name]
    value = data.draw(values)
    assert codec.decode(codec.encode(value)) == value


@each_document
@given(raw=st.binary(max_size=30) | st.sampled_from([b"[]", b"{}", b'"x"', b"[" * 9999]))
def test_nonsense_is_unreadable(name: str, raw: bytes) -> None:
    """Bytes that no store of ours wrote are refused by a declared error."""
    with pytest.raises(stored.Unreadable):
        DOCUMENTS[name][0].decode(raw)


def test_older_document_is_filled_up() -> None:
    """A document written before a field existed takes the field's default."""
    document = json.loads(stored.HEAD.encode(shop()))
    del document["schema"], document["stack"]["incidents"][0]["rounds"]
    assert stored.HEAD.decode(json.dumps(document)) == shop()


def test_unknown_keys_are_ignored() -> None:
    """A document with a field this program does not know yet loads without it."""
    document = json.loads(stored.ACTION.encode(action("e1-0"))) | {"colour": "green"}
    document["order"]["colour"] = "green"
    assert stored.ACTION.decode(json.dumps(document)) == action("e1-0")


def test_document_without_a_needed_field_is_unreadable() -> None:
    """What has no default cannot be made up."""
    document = json.loads(stored.INCIDENT.encode(incident()))
    del document["opened_at"]
    with pytest.raises(stored.Unreadable, match="opened_at"):
        stored.INCIDENT.decode(json.dumps(document))


def test_head_of_a_newer_program_is_refused() -> None:
    """A head with a newer schema is refused by both versions, whether or not it would parse."""
    for stack in ({"id": "shop"}, {"name": "shop"}):
        newer = json.dumps({"schema": stored.SCHEMA + 1, "stack": stack})
        with pytest.raises(stored.NewerSchema, match=r"version 2, .* up to 1"):
            stored.HEAD.decode(newer)


def test_unknown_outcome_is_unreadable() -> None:
    """An outcome of a kind that this program does not know is not guessed at."""
    with pytest.raises(stored.Unreadable, match="sung"):
        stored.OUTCOME.decode(b'{"kind": "sung", "value": {}}')


def test_drill_holds_a_plan_and_nothing_else() -> None:
    """An outcome that is no plan does not belong into a drill's row."""
    document: dict[str, object] = {"id": "d", "stack": "s", "drill": "x", "text": ""}
    document |= {"at": "2026-03-01T12:00:00Z", "passed": True}
    document["plan"] = {"kind": "done", "value": {}}
    with pytest.raises(stored.Unreadable, match="Done"):
        stored.DRILL.decode(json.dumps(document))


def test_read_only_labels_are_stored() -> None:
    """Labels may come as a read-only view."""
    row = alert_row(labels=MappingProxyType({"service": "shop"}))
    assert stored.ALERT.decode(stored.ALERT.encode(row)).labels == {"service": "shop"}


def test_row_of_an_alert_is_brief() -> None:
    """What an alert did not say takes no room, and is as it was when the row is read."""
    row = alert_row(recorded=Recorded(source="prometheus", fingerprint="f1", summary="It is down"))
    raw = stored.ALERT.encode(row)
    told = {"source": "prometheus", "fingerprint": "f1", "summary": "It is down"}
    assert json.loads(raw)["recorded"] == told
    assert stored.ALERT.decode(raw) == row


def test_broken_unicode_is_the_senders_fault() -> None:
    """A lone surrogate cannot be stored: the message it came with can never succeed."""
    with pytest.raises(BadMessage):
        stored.ALERT.encode(alert_row(title="\ud800"))


@pytest.mark.parametrize("run", range(8))
def test_the_first_documents_may_be_read_by_many_threads(run: int) -> None:
    """A process whose threads all read at once, the first time, lives; msgspec alone would die."""
    ended = subprocess.run([sys.executable, "-c", _ALL_AT_ONCE], capture_output=True, check=False)
    assert (run, ended.returncode, ended.stderr) == (run, 0, b"")
