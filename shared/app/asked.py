"""What is to be done about a typed command that asks for something."""

from __future__ import annotations

from dataclasses import dataclass

from shared.app.answers import Answer
from shared.app.typed import Typed
from shared.domain.event import Instruction
from shared.domain.paging import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class ToStore:
    """Store the instruction, and tell the person so."""

    instruction: Instruction
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ToOpen:
    """Open a modal, then store the instruction that has it filled."""

    instruction: Instruction


def instruction_of(
    typed: Typed, choice: Choice, stack: str = "", incident: str = ""
) -> Instruction:
    """The instruction that was typed, as far as every one is alike."""
    return Instruction(
        id=typed.id,
        choice=choice,
        person=typed.person,
        channel=typed.channel,
        at=typed.at,
        stack=stack,
        incident=incident,
    )
