"""Switchman's own small messages: `{"action": "ID"}`, `{"instruction": "ID"}`, a drill's order."""

from __future__ import annotations

from shared.domain.errors import BadMessage
from shared.wire import strict_json


def field(data: bytes, name: str) -> str:
    """The text under `name`. Raises `BadMessage` when the message does not have it."""
    value = _values(data).get(name)
    if not isinstance(value, str) or not value:
        raise BadMessage(f"the message has no {name}")
    return value


def flag(data: bytes, name: str) -> bool:
    """Whether `name` is true; False where it is left out. Raises `BadMessage` for other values."""
    value = _values(data).get(name, False)
    if not isinstance(value, bool):
        raise BadMessage(f"{name} must be true or false")
    return value


def _values(data: bytes) -> dict[str, object]:
    return strict_json.decode(strict_json.clean(data), dict[str, object], "the message")
