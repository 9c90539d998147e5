"""A YAML document read into the schema's structs, remembering the line of everything."""

from __future__ import annotations

import types
import typing
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache
from typing import Any, TypeVar

import msgspec
import yaml

from shared.policy.faults import Fault
from shared.policy.kinds import Entry
from shared.policy.version import other_version
from shared.policy.wording import described, likely, nearest, right, shown_path

Path = tuple[str | int, ...]
S = TypeVar("S", bound=msgspec.Struct)

_NOTHING: Any = object()  # stands for a value that was faulty, so that reading goes on
_DEEPEST = 20
_ALL = ""  # stands for every part of the file: what is wrong may be about any of them
_START = yaml.Mark("", 0, 0, 0, "", 0)
_EMPTY = yaml.MappingNode("", [], _START, _START)


class Document:
    """One YAML file: the faults found so far, and the line of each path."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: dict[Path, int] = {}
        self._faults: list[Fault] = []
        self._faulty: set[str] = set()
        self._parts: dict[str, Any] = {}
        self._references: list[tuple[Path, str, str]] = []
        self._names: dict[tuple[str, str], int] = {}

    @property
    def faults(self) -> Sequence[Fault]:
        """Everything wrong that was found."""
        return tuple(self._faults)

    @property
    def parts(self) -> Mapping[str, Any]:
        """The parts of the file that have no fault, for a struct of those at least."""
        return {name: value for name, value in self._parts.items() if self.whole([name])}

    def whole(self, parts: Iterable[str]) -> bool:
        """Whether these parts of the file are as they were meant, as far as can be told."""
        return self._faulty.isdisjoint(parts) and _ALL not in self._faulty

    def fault(self, path: Path, text: str) -> Fault:
        """This is wrong at this path, or where the path would be."""
        while path and path not in self._lines:
            path = path[:-1]
        return Fault(self._lines.get(path, 1), text, self._file)

    def read(self, text: str, kind: type[S], must_have: Mapping[str, str]) -> S | None:
        """The file as a struct of this kind, or None when it has faults.

        `must_have` names keys that a section cannot do without.
        """
        try:
            root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            self._broken(error)
            return None
        if unreadable := other_version(root or _EMPTY):
            self._faults.append(Fault(unreadable[0], unreadable[1], self._file))
            self._faulty.add(_ALL)
            return None
        value = self._read(root or _EMPTY, kind, ())
        known = self._known()
        for path, section, name in self._references:
            self._refers(path, section, name, known)
        for section, name in must_have.items():
            if (section,) in self._lines:
                self._refers((section,), section, name, known)
        return None if self._faults else value

    def _fault(self, path: Path, text: str) -> None:
        self._faults.append(self.fault(path, text))
        self._faulty.add(str(path[0]) if path else _ALL)

    def _broken(self, error: Exception) -> None:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read, or is nested too deeply"
        line = mark.line + 1 if mark else 1
        self._faults.append(Fault(line, f"this is not YAML: {problem}", self._file))
        self._faulty.add(_ALL)

    def _known(self) -> Mapping[str, Set[str]]:
        """The names in each section of the file."""
        known: defaultdict[str, set[str]] = defaultdict(set)
        for section, *rest in filter(None, self._lines):
            if len(rest) == 1:
                known[str(section)].add(str(rest[0]))
        return known

    def _refers(self, path: Path, sections: str, name: str, known: Mapping[str, Set[str]]) -> None:
        there = [each for each in sections.split(" or ") if each in known]
        names = {each for section in there for each in known[section]}
        if name not in names:
            listed = " or ".join(there) or sections
            self._fault(path, f"there is no {name!r} in {listed}{nearest(name, names)}")

    def _read(self, node: yaml.Node, kind: Any, path: Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > _DEEPEST:
            self._fault(path, "this is nested too deeply")
            return _NOTHING
        if kind is Any:  # what a sender sends, which is read elsewhere
            return yaml.constructor.SafeConstructor().construct_document(node)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(node, kind, path)
        origin, args = typing.get_origin(kind), typing.get_args(kind)
        if origin is dict:
            return self._mapping(node, args[0], args[1], path)
        if origin is types.UnionType and isinstance(node, yaml.CollectionNode):
            return self._read(node, args[0], path)  # the other is None, and this is not
        if origin is tuple:
            return self._list(node, args[0], path)
        return self._scalar(node, kind, path)

    def _struct(self, node: yaml.Node, kind: type[msgspec.Struct], path: Path) -> Any:
        hints = _hints(kind)
        values: dict[str, Any] = {}
        misspelt: set[str] = set()
        for key, key_path, item in self._items(node, path):
            if key in hints:
                values[key] = self._read(item, hints[key], key_path)
            else:
                self._fault(key_path, f"{key!r} is not known here{nearest(key, hints)}")
                self._faulty.add(str(path[0]) if path else _ALL)
                misspelt.add(likely(key, hints))
        lacking = [name for name in _required(kind) if name not in values]
        for name in lacking:
            if isinstance(node, yaml.MappingNode) and name not in misspelt:
                self._fault(path, f"{shown_path(path)} lacks {name}: {right(hints[name])}")
        if not path:
            self._parts = values
        if lacking or _any_faulty(values.values()):
            return _NOTHING
        attributes = _attributes(kind)
        value = kind(**{attributes[key]: each for key, each in values.items()})
        if isinstance(value, Entry):
            for key, text in value.faults():
                self._fault((*path, key) if key else path, text)
        return value

    def _mapping(self, node: yaml.Node, key_kind: Any, kind: Any, path: Path) -> Any:
        values: dict[str, Any] = {}
        for key, key_path, item in self._items(node, path):
            self._checked(key, key_kind, key_path, f"the name {key!r}")
            values[key] = self._read(item, kind, key_path)
        return _NOTHING if _any_faulty(values.values()) else values

    def _list(self, node: yaml.Node, kind: Any, path: Path) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            self._fault(path, f"{shown_path(path)} must be a list, not {described(node)}")
            return _NOTHING
        items = [self._read(item, kind, (*path, i)) for i, item in enumerate(node.value)]
        return _NOTHING if _any_faulty(items) else tuple(items)

    def _scalar(self, node: yaml.Node, kind: Any, path: Path) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            self._fault(path, f"{shown_path(path)} must be {right(kind)}, not {described(node)}")
            return _NOTHING
        try:
            value = yaml.constructor.SafeConstructor().construct_document(node)
        except (yaml.YAMLError, ValueError):
            value = node
        return self._checked(value, kind, path, shown_path(path))

    def _checked(self, value: Any, kind: Any, path: Path, subject: str) -> Any:
        try:
            result = msgspec.convert(value, kind)
        except msgspec.ValidationError:
            shown = "nothing" if value is None else repr(getattr(value, "value", value))[:60]
            self._fault(path, f"{subject} must be {right(kind)}, not {shown}")
            return _NOTHING
        for meta in getattr(kind, "__metadata__", ()):
            self._checked_further(result, meta.extra or {}, path)
        return result

    def _checked_further(self, value: str, extra: Mapping[str, Any], path: Path) -> None:
        """What the schema says in `extra`; see `shared.policy.schema`."""
        if "refers" in extra:
            self._references.append((path, extra["refers"], value))
        if "unique" in extra:
            first = self._names.setdefault((extra["unique"], value), self._lines[path])
            if first != self._lines[path]:
                self._fault(path, f"{value!r} is the name of another on line {first} already")
        if "parse" in extra:
            try:
                extra["parse"](value)
            except ValueError as error:
                self._fault(path, str(error))

    def _items(self, node: yaml.Node, path: Path) -> Iterator[tuple[str, Path, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._fault(path, f"{shown_path(path)} must be keys with values, not {described(node)}")
            return
        for key_node, item in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            key_path = (*path, key)
            if key_path in self._lines:
                text = f"{key!r} is here twice; line {self._lines[key_path]} has it already"
                self._faults.append(Fault(line, text, self._file))
                self._faulty.add(str(key_path[0]))
                continue
            self._lines[key_path] = line
            yield key, key_path, item


@cache
def _hints(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    """What the schema says of each key; a file has many entries of one kind."""
    hints = typing.get_type_hints(kind, include_extras=True)
    keys = {each.encode_name: hints[each.name] for each in msgspec.structs.fields(kind)}
    return types.MappingProxyType(keys)


@cache
def _attributes(kind: type[msgspec.Struct]) -> Mapping[str, str]:
    """The attribute of each key; a few keys are words that Python keeps for itself."""
    fields = msgspec.structs.fields(kind)
    return types.MappingProxyType({each.encode_name: each.name for each in fields})


@cache
def _required(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The keys that every entry of this kind has."""
    return tuple(each.encode_name for each in msgspec.structs.fields(kind) if each.required)


def _any_faulty(values: typing.Iterable[Any]) -> bool:
    return any(value is _NOTHING for value in values)
