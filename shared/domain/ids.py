"""Derived identifiers: the same facts always give the same id."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime


def derive(*parts: str, length: int = 32) -> str:
    """A hex id of `length` digits over the parts; a part may hold any text.

    The parts' lengths go into the hash, so that ("ab", "c") and ("a", "bc") differ.
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(f"{len(raw)}:".encode())
        digest.update(raw)
    return digest.hexdigest()[:length]


def stamp(at: datetime) -> str:
    """An instant as text with microseconds in UTC, the same for equal instants."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
