"""The classic grammar of matchers, held to the real amtool on whatever can be made up."""

from pathlib import Path
from random import Random

import pytest

from shared.policy.matchers import MatcherError, parse_classic, parse_matchers
from tests.contract import amtool, matcher_texts
from tests.emulators import need_program

_TEXTS = 500
_LABEL_SETS = 500
_NO_MATCHER = frozenset("{ ,}")  # amtool takes an empty text to match everything; here it is a slip

pytestmark = [pytest.mark.program, pytest.mark.slow]


@pytest.fixture
def program() -> Path:
    """The amtool of this machine."""
    return need_program("amtool", "whether matchers mean what they mean in Alertmanager")


def comparable(text: str) -> bool:
    """Whether this is not among what is refused here on purpose; see docs/policy.md."""
    folded = "(?i" in text and not text.isascii()
    return not folded and not _NO_MATCHER.issuperset(text) and not _for_ever(text)


def _for_ever(text: str) -> bool:
    """Whether it holds an expression whose trying would not come to an end."""
    try:
        parse_matchers(text)
    except MatcherError as error:
        return "take for ever" in str(error)
    return False


def taken(text: str) -> bool:
    """Whether this text is one or more matchers here, by the classic grammar."""
    try:
        parse_classic(text)
        parse_matchers(text)
    except MatcherError:
        return False
    return True


def test_what_amtool_takes_is_taken_and_matches_what_it_matches(
    program: Path, tmp_path: Path
) -> None:
    """500 texts are taken or refused as amtool does, and match 500 sets of labels as there."""
    random = Random(7)
    made_up = [matcher_texts.matchers(random) for _ in range(_TEXTS * 2)]
    texts = list(filter(comparable, made_up))[:_TEXTS]
    label_sets = [matcher_texts.labels(random) for _ in range(_LABEL_SETS)]

    theirs = amtool.accepted(program, tmp_path, texts)
    differing = [(t, ok) for t, ok in zip(texts, theirs, strict=True) if taken(t) is not ok]
    assert differing == []

    usable = [text for text, ok in zip(texts, theirs, strict=True) if ok]
    parsed = [parse_matchers(text) for text in usable]
    found = amtool.matching(program, tmp_path, usable, label_sets)
    for labels, their_numbers in zip(label_sets, found, strict=True):
        ours = {n for n, each in enumerate(parsed) if all(m.matches(labels) for m in each)}
        assert [usable[number] for number in ours ^ their_numbers] == [], labels

    assert len(usable) > _TEXTS / 2
    assert len(usable) < _TEXTS
    assert sum(map(len, found)) > _LABEL_SETS * 10
