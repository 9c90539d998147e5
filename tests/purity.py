"""What pure code may not reach for, and module globals that could change under a thread's feet."""

import ast
from collections.abc import Iterator

PURE_LAYERS = ("domain", "policy", "wire")

# The clock, chance, the environment, and doors to the outside; each with everything below it.
_IMPURE = (
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
    *("datetime.date.today", "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns"),
    *("time.perf_counter", "time.perf_counter_ns", "time.sleep", "time.localtime", "time.gmtime"),
    *("random", "secrets", "uuid.uuid1", "uuid.uuid4", "os.urandom"),
    *("os.environ", "os.getenv", "socket", "subprocess", "http.client", "urllib.request"),
)
_CONTAINERS = frozenset(
    {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"}
)
_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def impure_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yields line and name of each use of something impure, under whatever alias."""
    origins = _origins(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = _dotted(node, origins)
            yield from (
                (node.lineno, each) for each in _IMPURE if f"{name}.".startswith(f"{each}.")
            )


def mutable_globals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yields line and name of each module global that holds a mutable container.

    A filled one under `Final` is a constant (its type says whether it may change); an empty one
    can only be there to be filled.
    """
    for statement in _module_level(tree.body):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name), *_], value=value):
                if name != "__all__" and _is_mutable(value):
                    yield statement.lineno, name
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                final = "Final" in ast.unparse(statement.annotation)
                if _is_mutable(value) and not (final and _is_filled(value)):
                    yield statement.lineno, name


def _origins(tree: ast.Module) -> dict[str, str]:
    """Maps each imported local name to the dotted name that it stands for."""
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    top = alias.name.partition(".")[0]
                    origins[alias.asname or top] = alias.name if alias.asname else top
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for alias in names:
                    origins[alias.asname or alias.name] = f"{module}.{alias.name}"
    return origins


def _dotted(node: ast.expr, origins: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return origins.get(name, "")
        case ast.Attribute(value=value, attr=attr):
            base = _dotted(value, origins)
            return f"{base}.{attr}" if base else ""
        case _:
            return ""


def _module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yields the statements that run on import, those inside `if`, `try` and `with` included."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for _, inner in ast.iter_fields(statement):
                if isinstance(inner, list):
                    yield from _module_level([each for each in inner if isinstance(each, ast.stmt)])


def _is_mutable(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _CONTAINERS
        case _:
            return isinstance(value, _LITERALS)


def _is_filled(value: ast.expr) -> bool:
    match value:
        case ast.List(elts=inside) | ast.Set(elts=inside) | ast.Dict(values=inside):
            return bool(inside)
        case ast.Call(args=args, keywords=keywords):
            return bool(args or keywords)
        case _:
            return True
