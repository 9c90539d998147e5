"""Everything wrong with a policy: what keeps it from being read, then what the rules find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.policy.document import Document
from shared.policy.faults import Fault
from shared.policy.rules import RULES, Rule
from shared.policy.schema import MUST_HAVE, PolicyFile


@dataclass(frozen=True, slots=True)
class Linted:
    """What was found, in the order of the file, and the rules that wait for faults to be mended."""

    faults: tuple[Fault, ...]
    waiting: tuple[str, ...]


def lints(text: str, file: str) -> Linted:
    """Every fault of the policy in this text, and of every rule that can be asked already."""
    document = Document(file)
    document.read(text, PolicyFile, MUST_HAVE)
    asked = [rule for rule in RULES if document.whole(rule.reads)]
    entries = PolicyFile(**{"version": 1, "people": {}, "teams": {}, "lanes": {}, **document.parts})
    found = [*document.faults, *broken(asked, entries, document)]
    waiting = tuple(rule.name for rule in RULES if rule not in asked)
    return Linted(tuple(sorted(found)), waiting)


def refused(entries: PolicyFile, document: Document) -> Sequence[Fault]:
    """What the rules find that keep a policy from being used."""
    return tuple(broken((rule for rule in RULES if rule.refuses), entries, document))


def broken(rules: Iterable[Rule], entries: PolicyFile, document: Document) -> Iterator[Fault]:
    """What these rules find, each with its line and the rule's name."""
    for rule in rules:
        for path, text in rule.check(entries):
            yield document.fault(path, f"{text} [{rule.name}]")
