"""What a rule of `switchman lint` is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.policy.schema import PolicyFile

Path = tuple[str | int, ...]
"""Where in the file: `("routes", 3, "match")`, `("lanes", "infra", "owner")`."""

Found = tuple[Path, str]
"""Where it shows, and what is wrong and would be right."""

Check = Callable[[PolicyFile], Iterator[Found]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Something a policy that can be read may still have wrong.

    `name` stands behind what lint prints and is the name of the rule's sample in
    `tests/samples/policies`; `says`, one sentence without its full stop, is its row in
    `docs/policy.md`. `reads` are the parts of the file that `check` looks at: while one of them
    has a fault of its own, the rule waits, so that it never claims what is not so. With
    `refuses` a policy that breaks it is not loaded either; without it only lint complains.
    """

    name: str
    says: str
    reads: tuple[str, ...]
    check: Check
    refuses: bool = False
