"""Who may import whom: the layers, and a checker that reads every module of a source tree.

`check(root)` names each violation by file and line. Imports count wherever they stand: at the top,
inside a function, relative, under TYPE_CHECKING, or as `import_module("a.name")`.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.purity import PURE_LAYERS, impure_uses, mutable_globals

_ANYTHING = "*"
_WIRE_FORMATS = frozenset({"msgspec", "yaml"})
_VENDOR_SDKS = frozenset(
    {"apprise", "cryptography", "google", "grpc", "httpx", "httpx2", "icalendar", "jinja2", "nacl"}
    | {"pagerduty", "proto", "recurring_ical_events", "requests", "slack_sdk", "stamina"}
)
# What a handler's signature needs of the framework's own request and answer, and no more of flask.
_FRAMEWORK = frozenset({"functions_framework", "flask.Request", "flask.Response", "flask.typing"})
_IN_SHARED = frozenset(
    {"domain", "ports", "config", "policy", "wire", "app", "adapters", "bootstrap", "cli"}
)


@dataclass(frozen=True, slots=True)
class Layer:
    """What modules under the dotted name `prefix` may import besides themselves and the stdlib."""

    name: str
    prefix: str
    layers: frozenset[str] = frozenset()
    third_party: frozenset[str] = frozenset()


LAYERS = (
    Layer("domain", "shared.domain"),
    Layer("ports", "shared.ports", frozenset({"domain"})),
    Layer("config", "shared.config"),
    Layer("policy", "shared.policy", frozenset({"domain"}), _WIRE_FORMATS),
    Layer("wire", "shared.wire", frozenset({"domain"}), _WIRE_FORMATS),
    Layer("app", "shared.app", frozenset({"domain", "policy", "ports"})),
    Layer("adapters", "shared.adapters", frozenset({"domain", "ports", "wire"}), _VENDOR_SDKS),
    Layer("bootstrap", "shared.bootstrap", _IN_SHARED, _VENDOR_SDKS),
    Layer("cli", "shared.cli", _IN_SHARED, frozenset({"click", "rich", "typer"})),
    Layer("functions", "functions", frozenset({"app", "wire", "domain", "bootstrap"}), _FRAMEWORK),
    Layer("main", "main", frozenset({"functions"})),
    Layer("infra.local", "infra.local", frozenset({_ANYTHING})),
)
_ROOTS = ("shared", "functions", "infra", "main")


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One broken rule at one place."""

    path: str
    line: int
    rule: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}"


@dataclass(frozen=True, slots=True)
class Import:
    """One imported dotted name, its line, and the names of the functions it stands in."""

    target: str
    line: int
    inside: tuple[str, ...]


def check(root: Path) -> tuple[Violation, ...]:
    """Returns every violation in the modules under `root`, ordered by file and line."""
    files = [path for name in _ROOTS for path in sorted((root / name).rglob("*.py"))]
    files += [path for path in [root / "main.py"] if path.exists()]
    return tuple(sorted(set().union(*(_check_file(root, path) for path in files))))


def _check_file(root: Path, path: Path) -> set[Violation]:
    relative = path.relative_to(root)
    tree = ast.parse(path.read_text(encoding="utf-8"), str(relative))
    module = _module_name(relative)
    layer = _layer_of(module)
    found: list[tuple[int, str]] = []
    if layer is not None:
        found += _bad_imports(tree, _package(relative), layer)
    elif path.name != "__init__.py":
        found.append((1, f"{module} belongs to no layer of the design"))
    else:
        found += [
            (each.line, f"{module} marks a package and imports nothing")
            for each in imports(tree, module)
        ]
    if layer is not None and layer.name in PURE_LAYERS:
        found += [
            (line, f"{layer.name} is pure and may not use {use}") for line, use in impure_uses(tree)
        ]
    if relative.parts[0] in ("shared", "functions"):
        found += [
            (line, f"module global {name} is a mutable container")
            for line, name in mutable_globals(tree)
        ]
    return {Violation(relative.as_posix(), line, rule) for line, rule in found}


def _bad_imports(tree: ast.Module, package: str, layer: Layer) -> Iterator[tuple[int, str]]:
    for each in imports(tree, package):
        if not _allowed(layer, each):
            yield each.line, f"{layer.name} may not import {each.target}"


def _allowed(layer: Layer, wanted: Import) -> bool:
    top = wanted.target.partition(".")[0]
    if _ANYTHING in layer.layers or top in sys.stdlib_module_names:
        return True
    if top not in _ROOTS:
        return any(_within(wanted.target, prefix) for prefix in layer.third_party)
    target = _layer_of(wanted.target)
    if layer.name == "cli" and target is not None and target.name == "infra.local":
        return "local" in wanted.inside
    # A bare package such as `shared` is an empty marker: nothing comes with it.
    return target is None or target == layer or target.name in layer.layers


def imports(tree: ast.Module, package: str) -> Iterator[Import]:
    """Yields every import in `tree`, relative ones resolved against `package`."""
    yield from _imports(tree, package, ())


def _imports(node: ast.AST, package: str, inside: tuple[str, ...]) -> Iterator[Import]:
    for target in _targets(node, package):
        yield Import(target, getattr(node, "lineno", 1), inside)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inside = (*inside, node.name)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, package, inside)


def _targets(node: ast.AST, package: str) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = _absolute("." * level + (module or ""), package)
            yield from (f"{base}.{alias.name}" for alias in names)
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[name, *_]):
            if called in ("import_module", "__import__"):
                yield _named(name, package)


def _named(name: ast.expr, package: str) -> str:
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return _absolute(name.value, package)
    return "a module whose name only shows when it runs"


def _absolute(name: str, package: str) -> str:
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    if not level:
        return name
    parts = package.split(".")
    return ".".join([*parts[: max(0, len(parts) - level + 1)], *([bare] if bare else [])])


def _module_name(relative: Path) -> str:
    parts = relative.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _package(relative: Path) -> str:
    return ".".join(relative.parent.parts)


def _layer_of(module: str) -> Layer | None:
    return next((layer for layer in LAYERS if _within(module, layer.prefix)), None)


def _within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
