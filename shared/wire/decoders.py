"""Decoders of JSON, each made once, and one at a time in the whole process.

What msgspec learns of a class's fields it notes on the class, and it does so before it has learned
all of them. A thread that makes a decoder meanwhile, for that class or for any that holds it, takes
the half for the whole; decoding then ends the process with a segmentation fault (msgspec 0.22.0,
three times in four where eight threads begin at once). A decoder that is made is safe to share.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Hashable

T = TypeVar("T")

_MAKING: Final = Lock()


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """The decoder for a kind. There are few kinds, and each is worked out once."""
    made: msgspec.json.Decoder[T] = _made(cast("Hashable", kind))
    return made


def converted(value: object, kind: type[T]) -> T:
    """The value as this kind, by its attributes.

    That too needs what msgspec knows of the class, which its decoder has learned by then.
    """
    decoder(kind)
    return msgspec.convert(value, kind, from_attributes=True)


@cache
def _made(kind: Hashable) -> msgspec.json.Decoder[Any]:
    with _MAKING:
        return msgspec.json.Decoder(kind)
