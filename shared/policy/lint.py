"""Everything wrong with a policy: what keeps it from being read, then what the rules find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.policy.document import Document
from shared.policy.faults import Fault
from shared.policy.rules import RULES, Found, Rule
from shared.policy.schema import MUST_HAVE, PolicyFile


@dataclass(frozen=True, slots=True)
class Linted:
    """What was found, in the order of the file, and the rules that wait for faults to be mended."""

    faults: tuple[Fault, ...]
    waiting: tuple[str, ...]


def lints(text: str, file: str, at: datetime) -> Linted:
    """Every fault that the policy in this text has at that time, of every rule that can be asked."""
    document = Document(file)
    document.read(text, PolicyFile, MUST_HAVE)
    asked = [rule for rule in RULES if document.whole(rule.reads)]
    entries = PolicyFile(**{"version": 1, "people": {}, "teams": {}, "lanes": {}, **document.parts})
    found = [*document.faults, *broken(asked, entries, document, at)]
    waiting = tuple(rule.name for rule in RULES if rule not in asked)
    return Linted(tuple(sorted(found)), waiting)


def refused(entries: PolicyFile, document: Document) -> Sequence[Fault]:
    """What the rules find that keep a policy from being used."""
    found = ((rule, rule.check(entries)) for rule in RULES if rule.refuses and rule.check)
    return tuple(_fault(document, rule, each) for rule, all_ in found for each in all_)


def broken(
    rules: Iterable[Rule], entries: PolicyFile, document: Document, at: datetime
) -> Iterator[Fault]:
    """What these rules find, each with its line and the rule's name."""
    for rule in rules:
        for found in rule.broken(entries, at):
            yield _fault(document, rule, found)


def _fault(document: Document, rule: Rule, found: Found) -> Fault:
    path, text = found
    return document.fault(path, f"{text} [{rule.name}]")
