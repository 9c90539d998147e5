"""The policy to start from, as text with comments."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import yaml

from shared.domain.policy import TRIAGE
from shared.policy.importing.tree import FlatRoute, Imported

_CHANNEL: Final = re.compile(r"#[^\s#]{1,80}|[CG][A-Z0-9]{5,}")
_HEAD: Final = """\
# Made from {file} by `switchman policy from-alertmanager`.
# `switchman lint` says what is left to fill in, `switchman policy test` whether it does what you mean.
version: 1

people:
  # TODO: who is on call; give them the Slack member id by which they are woken
  todo: {{name: "TODO"}}
"""


def policy_text(imported: Imported) -> str:
    """A policy with a team for each receiver, and the routes in the order they are tried."""
    names = _names(imported)
    parts = [_HEAD.format(file=imported.file), *_notes(imported), *_teams(imported, names)]
    routes = imported.routes
    parts += _lanes(imported, names, {route.receiver for route in routes})
    if routes:
        parts += ["\n# The first route that fits decides.\n", "routes:\n"]
        parts += [_route(imported, names, *each) for each in zip(_ids(routes), routes, strict=True)]
    return "".join(parts)


def _notes(imported: Imported) -> Iterator[str]:
    if imported.notes:
        yield "\n# Not carried over:\n"
    for note in imported.notes:
        yield f"# - line {note.line}: {note.text}\n"


def _names(imported: Imported) -> Mapping[str, str]:
    """A short name for each receiver, no two alike."""
    names: dict[str, str] = {}
    taken = {TRIAGE}
    for receiver in imported.receivers:
        plain = re.sub(r"[^a-z0-9_-]+", "-", receiver.lower()).strip("-_")[:50] or "receiver"
        name, number = plain, 2
        while name in taken or not isinstance(yaml.safe_load(name), str):
            name, number = f"{plain}-{number}", number + 1
        taken.add(name)
        names[receiver] = name
    return names


def _teams(imported: Imported, names: Mapping[str, str]) -> Iterator[str]:
    yield "\nteams:\n"
    for receiver in imported.receivers.values():
        channel, todo = receiver.channel, ""
        if not _CHANNEL.fullmatch(channel):
            channel = f"#{names[receiver.name]}"
            todo = "  # TODO: the channel in which its pages appear"
        shown = f"name: {json.dumps(receiver.name)}, channel: {json.dumps(channel)}"
        yield f"  {names[receiver.name]}: {{{shown}, on_call: todo, members: [todo]}}{todo}\n"


def _lanes(imported: Imported, names: Mapping[str, str], routed: set[str]) -> Iterator[str]:
    yield "\nlanes:\n"
    yield f"  {TRIAGE}: {{owner: {names[imported.default]}}}  # what no route fits\n"
    for receiver in imported.receivers:
        if receiver in routed:
            yield f"  {names[receiver]}: {{owner: {names[receiver]}}}\n"


def _ids(routes: Sequence[FlatRoute]) -> Iterator[str]:
    """Each by its line; where several stand in one, also by its place there."""
    seen: Counter[int] = Counter()
    for route in routes:
        seen[route.line] += 1
        again = f"-{seen[route.line]}" if seen[route.line] > 1 else ""
        yield f"line-{route.line}{again}"


def _route(imported: Imported, names: Mapping[str, str], id_: str, route: FlatRoute) -> str:
    name = names[route.receiver]
    why = f"{imported.file}:{route.line} sends it to {route.receiver}"
    matchers = "".join(f"\n      - {json.dumps(text)}" for text in route.matchers) or " []"
    return f"  - id: {id_}\n    lane: {name}\n    match:{matchers}\n    why: {json.dumps(why)}\n"
