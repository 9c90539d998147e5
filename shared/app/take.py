"""Carrying out what people typed or filled in: store it, or open the modal it begins with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.app.accept import StoreInstruction
from shared.app.answers import Answer
from shared.app.asked import ToOpen, ToStore
from shared.app.desk import Desk
from shared.app.typed import LONGEST_TEXT, Typed
from shared.domain.errors import Refused, UnknownOutcome
from shared.domain.event import Instruction
from shared.ports import Chat


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeCommand:
    """What `slack` does with a typed command."""

    desk: Desk
    store: StoreInstruction
    chat: Chat

    def __call__(self, typed: Typed) -> Answer | None:
        """Do what the command asks for; None when a modal says the rest.

        Raises `Transient` when the store, the bus or the chat is away.
        """
        match self.desk(typed):
            case Answer() as answer:
                return answer
            case ToStore(instruction=instruction, answer=answer):
                self.store(instruction)
                return answer
            case ToOpen(instruction=instruction):
                return self._open(instruction, typed.trigger)

    def _open(self, preview: Instruction, trigger: str) -> Answer | None:
        if self.store.instructions.instruction(preview.id) is not None:
            return None
        try:
            view = self.chat.ask(trigger, preview.stack)
        except (Refused, UnknownOutcome) as error:
            return Answer(paragraphs=(f"The form could not be opened: {error}",))
        self.store(replace(preview, view=view))
        return None


@dataclass(frozen=True, slots=True)
class AskForRollback:
    """What `slack` does with a submitted form."""

    store: StoreInstruction

    def __call__(self, asked: Instruction) -> str:
        """Store it; or, where its reason will not do, say why, and store nothing."""
        if not asked.text:
            return "Say why: whoever has to approve reads it."
        if len(asked.text) > LONGEST_TEXT:
            return f"Say it in at most {LONGEST_TEXT} characters."
        self.store(asked)
        return ""
