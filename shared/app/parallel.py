"""Doing the same to several things at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Parallel(Protocol):
    """Calls for all items side by side, and returns when every call has ended."""

    def __call__(self, call: Callable[[A], B], items: Sequence[A], /) -> tuple[B, ...]:
        """The results in the order of the items; raises what the first failed call raised."""
        ...


def in_threads(call: Callable[[A], B], items: Sequence[A], /) -> tuple[B, ...]:
    """`Parallel` with a thread for each item."""
    with ThreadPoolExecutor(max_workers=max(1, len(items)), thread_name_prefix="beside") as pool:
        return tuple(pool.map(call, items))
