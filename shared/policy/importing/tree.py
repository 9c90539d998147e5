"""Alertmanager's configuration, so far as a policy can say the same.

https://prometheus.io/docs/alerting/latest/configuration/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml

from shared.policy.faults import Fault, PolicyError
from shared.policy.matchers import MatcherError, parse_matchers
from shared.policy.wording import nearest

_ROUTE_KEYS: Final = ("receiver", "match", "match_re", "matchers", "continue", "routes")
_TIMES: Final = ("mute_time_intervals", "active_time_intervals")
_GROUPING: Final = ("group_by", "group_wait", "group_interval", "repeat_interval")
_NOT_CARRIED: Final[Mapping[str, str]] = {
    "inhibit_rules": "say with `depends_on` which lane explains a failure of another",
    "time_intervals": "see `quiet_hours` and `maintenance`",
    "mute_time_intervals": "see `quiet_hours` and `maintenance`",
}


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who is notified: the name, the first Slack channel, and by what else."""

    name: str
    line: int
    channel: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlatRoute:
    """All conditions from the root down to a node, and the receiver there."""

    line: int
    matchers: tuple[str, ...]
    receiver: str


@dataclass(slots=True)
class Imported:
    """What was read. `notes` is what could not be carried over, each with its line."""

    file: str
    default: str = ""
    receivers: dict[str, Receiver] = field(default_factory=dict)
    routes: list[FlatRoute] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def note(self, node: yaml.Node, text: str) -> None:
        """This is said otherwise here, or not at all."""
        self.notes.append(Fault(node.start_mark.line + 1, text, self.file))

    def fault(self, node: yaml.Node, text: str) -> None:
        """This is no configuration of Alertmanager."""
        self.faults.append(Fault(node.start_mark.line + 1, text, self.file))


def read(text: str, file: str) -> Imported:
    """The routing tree, flattened in the order in which Alertmanager tries it.

    Raises `PolicyError` with every fault at once.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise PolicyError([Fault(line, "this is not YAML", file)]) from error
    imported = Imported(file)
    top = _items(root)
    for key, why in _NOT_CARRIED.items():
        if key in top and top[key].value:
            imported.note(top[key], f"{key} is not carried over: {why}")
    receivers = {_text(_items(each).get("name")): each for each in _list(top.get("receivers"))}
    imported.receivers = {name: _receiver(name, node) for name, node in receivers.items()}
    if "route" not in top:
        imported.faults.append(Fault(1, "there is no route; Alertmanager needs one", file))
    else:
        imported.default = _text(_items(top["route"]).get("receiver"))
        _walk(imported, top["route"], (), imported.default)
        imported.routes = imported.routes[:-1]  # the root is what no route fits
    if imported.faults:
        raise PolicyError(imported.faults)
    _keep_reachable(imported)
    _keep_used(imported, receivers)
    imported.notes.sort()
    return imported


def _receiver(name: str, node: yaml.Node) -> Receiver:
    items = _items(node)
    channels = [_text(_items(each).get("channel")) for each in _list(items.get("slack_configs"))]
    others = tuple(_others(items))
    return Receiver(name, node.start_mark.line + 1, next(iter(channels), ""), others)


def _others(items: Mapping[str, yaml.Node]) -> Iterator[str]:
    """The ways other than Slack by which a receiver is told."""
    for key in items:
        if key.endswith("_configs") and key != "slack_configs":
            yield key.removesuffix("_configs")


def _keep_reachable(imported: Imported) -> None:
    """The routes up to the first that takes everything."""
    for place, route in enumerate(imported.routes):
        if not any(parse_matchers(text) for text in route.matchers):
            for late in imported.routes[place + 1 :]:
                text = f"no alert comes here, because line {route.line} takes every one"
                imported.notes.append(Fault(late.line, text, imported.file))
            imported.routes = imported.routes[: place + 1]
            return


def _keep_used(imported: Imported, nodes: Mapping[str, yaml.Node]) -> None:
    """The receivers to which alerts go, and what of them is not carried over."""
    used = {imported.default, *(route.receiver for route in imported.routes)}
    imported.receivers = {n: each for n, each in imported.receivers.items() if n in used}
    for name, node in nodes.items():
        if name in used:
            _notes_of_receiver(imported, name, node)
        else:
            imported.note(node, f"receiver {name!r} is left out: no alert goes to it")


def _notes_of_receiver(imported: Imported, name: str, node: yaml.Node) -> None:
    items = _items(node)
    configs = {key: each for key, each in items.items() if key.endswith("_configs")}
    channels = _list(configs.get("slack_configs"))
    if not configs:
        imported.note(
            node, f"receiver {name!r} tells nobody; no alert is dropped here, so it pages"
        )
    for other in _others(items):
        imported.note(
            configs[other + "_configs"], f"{other} of receiver {name!r} is not carried over"
        )
    if len(channels) > 1:
        imported.note(node, f"receiver {name!r} has {len(channels)} channels; a team has one")


def _walk(imported: Imported, node: yaml.Node, above: tuple[str, ...], inherited: str) -> None:
    """Children before their parent: it takes what none of them does."""
    items = _items(node)
    receiver = _text(items.get("receiver")) or inherited
    if receiver not in imported.receivers:
        text = f"there is no receiver {receiver!r}{nearest(receiver, imported.receivers)}"
        imported.fault(items.get("receiver", node), text)
    matchers = (*above, *_matchers(imported, items))
    _notes_of_route(imported, items, receiver)
    for child in _list(items.get("routes")):
        _walk(imported, child, matchers, receiver)
    imported.routes.append(FlatRoute(node.start_mark.line + 1, matchers, receiver))


def _matchers(imported: Imported, items: Mapping[str, yaml.Node]) -> Iterator[str]:
    for key, op in (("match", "="), ("match_re", "=~")):
        for name, value in _items(items.get(key)).items():
            yield f"{name}{op}{_quoted(_text(value))}"
    for node in _list(items.get("matchers")):
        text = _text(node)
        try:
            parse_matchers(text)
        except MatcherError as error:
            imported.fault(node, str(error))
        else:
            yield text


def _notes_of_route(imported: Imported, items: Mapping[str, yaml.Node], receiver: str) -> None:
    if _text(items.get("continue")) == "true":
        text = f"continue: the first route decides here, so only {receiver!r} is paged"
        imported.note(items["continue"], text)
    for key in _TIMES:
        if key in items:
            imported.note(
                items[key], f"{key} is not carried over: see `quiet_hours` and `maintenance`"
            )
    for key in items.keys() - {*_ROUTE_KEYS, *_TIMES, *_GROUPING}:
        imported.note(items[key], f"{key} is not carried over")


def _items(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value}


def _list(node: yaml.Node | None) -> Sequence[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def _text(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _quoted(value: str) -> str:
    """As a classic matcher's value: only these three are escaped."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
