"""What a rule of `switchman lint` is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.policy.schema import PolicyFile

Path = tuple[str | int, ...]
"""Where in the file: `("routes", 3, "match")`, `("lanes", "infra", "owner")`."""

Found = tuple[Path, str]
"""Where it shows, and what is wrong and would be right."""

Check = Callable[[PolicyFile], Iterator[Found]]
CheckAt = Callable[[PolicyFile, datetime], Iterator[Found]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Something a policy that can be read may still have wrong.

    `name` stands behind what lint prints and is the name of the rule's sample in
    `tests/samples/policies`; `says`, one sentence without its full stop, is its row in
    `docs/policy.md`. `reads` are the parts of the file that it looks at: while one of them has a
    fault of its own, the rule waits, so that it never claims what is not so. What time makes a
    difference to is in `check_at`. With `refuses` a policy that `check` finds wrong is not loaded
    either; without it only lint complains.
    """

    name: str
    says: str
    reads: tuple[str, ...]
    check: Check | None = None
    check_at: CheckAt | None = None
    refuses: bool = False

    def broken(self, file: PolicyFile, at: datetime) -> Iterator[Found]:
        """Everything that it finds at that time."""
        if self.check is not None:
            yield from self.check(file)
        if self.check_at is not None:
            yield from self.check_at(file, at)
