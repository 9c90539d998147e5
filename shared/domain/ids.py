"""Derived identifiers: the same facts always give the same id."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

_WITHOUT_OFFSET: Final = -len("+00:00")


@lru_cache(maxsize=1024)
def derive(*parts: str, length: int = 32) -> str:
    """A hex id of `length` digits over the parts; a part may hold any text.

    The parts' lengths go into the hash, so that ("ab", "c") and ("a", "bc") differ. The last ones
    are remembered: the ids of an alert are asked for many times while it is dealt with.
    """
    raws = [part.encode("utf-8", "surrogatepass") for part in parts]
    told_apart = b"".join(b"%d:%b" % (len(raw), raw) for raw in raws)
    return hashlib.sha256(told_apart).hexdigest()[:length]


def stamp(at: datetime) -> str:
    """An instant as text with microseconds in UTC, the same for equal instants."""
    return _stamp(at if at.tzinfo is UTC else at.astimezone(UTC))


@lru_cache(maxsize=1024)
def _stamp(in_utc: datetime) -> str:
    return in_utc.isoformat(timespec="microseconds")[:_WITHOUT_OFFSET] + "Z"
