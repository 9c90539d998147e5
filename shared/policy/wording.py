"""How faults of the policy file are put into words."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from enum import Enum
from typing import Any

import msgspec
import yaml


def shown_path(path: tuple[str | int, ...]) -> str:
    """The path as a person would point at it: `lanes.infra.owner`, `routes[3].match`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the file"


def described(node: yaml.Node) -> str:
    """What stands there instead."""
    if isinstance(node, yaml.MappingNode):
        return "keys with values"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return repr(node.value)[:60] if node.value else "nothing"


def likely(name: str, known: Iterable[str]) -> str:
    """Which of the known names was probably meant; empty if none is like it."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)), "")


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: which of the known names may have been meant, or all of them."""
    names = sorted(known)
    near = likely(name, names)
    return f"; did you mean {near}?" if near else f"; there are {', '.join(names) or 'none'}"


def right(kind: Any) -> str:
    """What would be right: the description in the schema, or the type in words."""
    for meta in getattr(kind, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(right(each) for each in args if each is not type(None))
    if origin is typing.Literal:
        return " or ".join(map(str, args))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "one of " + ", ".join(str(each.value) for each in kind)
    if kind is bool:
        return "true or false"
    return "a list" if origin is tuple else "keys with values"
