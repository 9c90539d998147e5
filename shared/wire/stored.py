"""What the stores keep: domain objects as JSON documents.

Unknown keys are ignored and missing ones take the domain's defaults, so that a document written
by an older or a slightly newer program loads. Where a field may hold one of several classes, the
document says which: `kind` stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final, Generic, TypeVar, get_type_hints

import msgspec

from shared.domain.action import (
    ORDERS,
    Action,
    Delivered,
    Done,
    GaveUp,
    Measured,
    Outcome,
    Sights,
)
from shared.domain.alert import AlertRow
from shared.domain.data_rollback import DataOutcome, DataPlan
from shared.domain.decision import AuditRow, DrillRow, RejectedRow, TimelineRow
from shared.domain.errors import BadMessage, SwitchmanError
from shared.domain.event import Instruction, Timer
from shared.domain.incident import Incident
from shared.domain.recording import Recorded
from shared.domain.rollback import NoPlan, Plan, TrafficOutcome
from shared.domain.stack import Stack
from shared.wire.decoders import converted, decoder

T = TypeVar("T")
Raw = bytes | str

SCHEMA: Final = 1
"""The version of a head document. It rises when an older program would misread a newer one."""


class Unreadable(SwitchmanError):
    """A stored document makes no sense to this program: a person must look at it."""


class NewerSchema(Unreadable):
    """The store was written by a newer Switchman: start that one, or a newer one still."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the store has schema version {found}, this program knows versions up to {known}:"
            " start the Switchman that wrote it, or a newer one"
        )


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """Both ways for one class.

    `encode` raises `BadMessage` for text that is not valid Unicode, which only a sender can
    have brought in; `decode` raises `Unreadable`.
    """

    encode: Callable[[T], bytes]
    decode: Callable[[Raw], T]


class _Tagged(msgspec.Struct, frozen=True):
    """A value of one of several classes, and which."""

    kind: str
    value: msgspec.Raw


class _Head(msgspec.Struct, frozen=True):
    stack: Stack
    schema: int = SCHEMA


class _Schema(msgspec.Struct, frozen=True):
    schema: int = SCHEMA


def _record(shape: type[Any], *, brief: bool = False, **instead: object) -> type[msgspec.Struct]:
    """A struct with the fields of a domain class, but for those that have another form here.

    A `brief` one is written without what is as it would be if nothing were said.
    """
    hints = {**get_type_hints(shape), **instead}
    spec: list[Any] = []
    for each in fields(shape):
        if each.default is not MISSING:
            spec.append((each.name, hints[each.name], each.default))
        elif each.default_factory is not MISSING:
            default = msgspec.field(default_factory=each.default_factory)
            spec.append((each.name, hints[each.name], default))
        else:
            spec.append((each.name, hints[each.name]))
    return msgspec.defstruct(shape.__name__, spec, frozen=True, kw_only=True, omit_defaults=brief)


_OUTCOMES: Final[Mapping[str, type[Outcome]]] = {
    "delivered": Delivered,
    "done": Done,
    "gave_up": GaveUp,
    "plan": Plan,
    "no_plan": NoPlan,
    "traffic": TrafficOutcome,
    "measured": Measured,
    "sights": Sights,
    "data_plan": DataPlan,
    "data": DataOutcome,
}
_KINDS: Final[Mapping[type[Outcome], str]] = {shape: kind for kind, shape in _OUTCOMES.items()}


def _plain_mapping(value: object) -> dict[object, object]:
    """Read-only views and other mappings are written as objects."""
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} is not stored")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_plain_mapping)


def _encode(value: object) -> bytes:
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise BadMessage("it holds text that is not valid Unicode") from error


def _decode(shape: type[T], raw: Raw) -> T:
    try:
        return decoder(shape).decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Unreadable(f"a stored document cannot be read: {error}") from error


def _codec(shape: type[T]) -> Codec[T]:
    return Codec(encode=_encode, decode=lambda raw: _decode(shape, raw))


def _part(raw: msgspec.Raw, shape: type[T]) -> T:
    return _decode(shape, bytes(raw))


def _tag(outcome: Outcome) -> _Tagged:
    return _Tagged(_KINDS[type(outcome)], msgspec.Raw(_encode(outcome)))


def _untag(tagged: _Tagged) -> Outcome:
    shape = _OUTCOMES.get(tagged.kind)
    if shape is None:
        raise Unreadable(f"a stored document has the unknown kind {tagged.kind!r}")
    return _part(tagged.value, shape)


_HEAD: Final = _codec(_Head)
_SCHEMA: Final = _codec(_Schema)
_ACTION: Final = _codec(_record(Action, order=msgspec.Raw))
_DRILL: Final = _codec(_record(DrillRow, plan=_Tagged | None))
_RECORDED: Final = _record(Recorded, brief=True)
_BRIEF_ALERT: Final = _record(AlertRow, brief=True, recorded=_RECORDED | None)
_TAGGED: Final = _codec(_Tagged)


def _encode_head(stack: Stack) -> bytes:
    return _encode(_Head(stack))


def _decode_head(raw: Raw) -> Stack:
    try:
        head = _HEAD.decode(raw)
    except Unreadable:
        _refuse_newer(_SCHEMA.decode(raw).schema)
        raise
    _refuse_newer(head.schema)
    return head.stack


def _refuse_newer(found: int) -> None:
    if found > SCHEMA:
        raise NewerSchema(found, SCHEMA)


def _decode_action(raw: Raw) -> Action:
    values = msgspec.structs.asdict(_ACTION.decode(raw))
    order = _part(values["order"], ORDERS[values["kind"]])
    return Action(**{**values, "order": order})


def _encode_alert(row: AlertRow) -> bytes:
    """Of all that an alert may say most say little.

    Rows beyond about 1,000 bytes get a page of SQLite each: three times the file, and a seventh
    more processor time for each commit.
    """
    return _encode(converted(row, _BRIEF_ALERT))


def _encode_drill(row: DrillRow) -> bytes:
    values = {each.name: getattr(row, each.name) for each in fields(row)}
    return _encode({**values, "plan": _tag(row.plan) if row.plan else None})


def _decode_drill(raw: Raw) -> DrillRow:
    values = msgspec.structs.asdict(_DRILL.decode(raw))
    plan = _untag(values["plan"]) if values["plan"] else None
    if not isinstance(plan, Plan | NoPlan | None):
        raise Unreadable(f"a drill holds {type(plan).__name__} where a plan belongs")
    return DrillRow(**{**values, "plan": plan})


HEAD: Final = Codec(_encode_head, _decode_head)
ACTION: Final[Codec[Action]] = Codec(_encode, _decode_action)
OUTCOME: Final[Codec[Outcome]] = Codec(
    lambda outcome: _encode(_tag(outcome)), lambda raw: _untag(_TAGGED.decode(raw))
)
DRILL: Final = Codec(_encode_drill, _decode_drill)
ALERT: Final = Codec(_encode_alert, _codec(AlertRow).decode)
TIMELINE: Final = _codec(TimelineRow)
REJECTED: Final = _codec(RejectedRow)
AUDIT: Final = _codec(AuditRow)
INCIDENT: Final = _codec(Incident)
TIMER: Final = _codec(Timer)
INSTRUCTION: Final = _codec(Instruction)
