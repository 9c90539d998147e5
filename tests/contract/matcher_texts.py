"""Makes up matchers, expressions and labels: mostly right, some spoilt, the same for each seed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

NAMES = ("a", "b", "c", "_x", "a:b")
_LETTERS = "aab1 -_é"
_AWKWARD = '"\\,{}=~!\n é'
_ATOMS = ("a", "b", "1", ".", "-", r"\d", r"\w", r"\s", r"\D", r"\.", r"\-", r"\\", r"\x61")
_MORE_ATOMS = (r"\b", r"\B", "^", "$", r"\z", r"\A", r"\x{62}", r"\Qa.\E", r"\141", r"\n", "{", "]")
_CLASSES = ("[ab]", "[^a]", "[a-c1]", r"[\d-]", "[[:alpha:]]", "[^[:digit:] ]", "[]a]", "[-a]")
_QUANTIFIERS = ("*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,}", "{,2}", "{0,1}?", "**")
_GROUPS = ("({})", "(?:{})", "(?i:{})", "(?P<n>{})", "(?s:{})", "(?-i:{})")


def matchers(random: Random) -> str:
    """What stands under `match`: one matcher or a list, now and then spoilt."""
    joined = random.choice((",", ", ", " , ")).join(
        _matcher(random) for _ in range(random.choice((1, 1, 1, 2, 3)))
    )
    text = random.choice(("{}", "{}", "{{{}}}", "{},", "{{{},}}", " {}")).format(joined)
    return _spoilt(random, text) if random.random() < 0.3 else text


def labels(random: Random) -> dict[str, str]:
    """A set of labels, some of which the matchers ask for."""
    names = random.sample(NAMES, random.randint(0, 3))
    return {name: _text(random, _LETTERS + random.choice(("", _AWKWARD)), 4) for name in names}


def _matcher(random: Random) -> str:
    operator = random.choice(("=", "!=", "=~", "!~"))
    value = _expression(random, 2) if "~" in operator else _text(random, _LETTERS, 4)
    around = random.choice(("", "", " "))
    return f"{random.choice(NAMES)}{around}{operator}{around}{_written(random, value)}"


def _written(random: Random, value: str) -> str:
    if random.random() < 0.3:
        return value
    return f'"{value}"' if random.random() < 0.5 else '"{}"'.format(value.replace("\\", "\\\\"))


def _expression(random: Random, depth: int) -> str:
    parts = [_repeated(random, depth) for _ in range(random.randint(0, 3))]
    text = "".join(parts)
    return f"{text}|{_expression(random, 0)}" if random.random() < 0.2 else text


def _repeated(random: Random, depth: int) -> str:
    atom = _atom(random, depth)
    return atom + random.choice(_QUANTIFIERS) if random.random() < 0.4 else atom


def _atom(random: Random, depth: int) -> str:
    makers: list[Callable[[], str]] = [
        lambda: random.choice(_ATOMS),
        lambda: random.choice(_ATOMS),
        lambda: random.choice(_MORE_ATOMS),
        lambda: random.choice(_CLASSES),
    ]
    if depth:
        makers.append(lambda: random.choice(_GROUPS).format(_expression(random, depth - 1)))
    make: Callable[[], str] = random.choice(makers)
    return make()


def _text(random: Random, alphabet: str, longest: int) -> str:
    return "".join(random.choice(alphabet) for _ in range(random.randint(0, longest)))


def _spoilt(random: Random, text: str) -> str:
    at = random.randint(0, len(text))
    inserted = random.choice(_AWKWARD) if random.random() < 0.9 else ""
    return text[:at] + inserted + text[at + random.randint(0, 1) :]
