"""A page that Slack does not take is told through the last resort, while it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.app.last_resort import ENOUGH, LastWord
from shared.domain.action import Action, Outcome, PageOrder
from shared.domain.card import card_for
from shared.domain.errors import Refused
from shared.domain.incident import Incident
from shared.domain.paging import Card
from shared.domain.policy import Policy
from shared.ports import Heads, Lease, Reports

ONCE: Final = timedelta(days=1)
"""Longer than a page is tried for: each is told once by a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInDoubt:
    """Sends a page by `send`; what fails for the third time, or is refused, is told otherwise.

    A refused page is another team's to hear of, but what refuses one (a token that was taken
    back) may refuse them all.
    """

    send: Callable[[Lease], Outcome]
    policy: Policy
    heads: Heads
    reports: Reports
    last_word: LastWord

    def __call__(self, lease: Lease) -> Outcome:
        """Send it. Whatever that raises is raised, told or not."""
        try:
            return self.send(lease)
        except Exception as error:
            if lease.attempt >= ENOUGH or isinstance(error, Refused):
                self.last_word.say(f"page {lease.action.id}", self._told(lease, error), ONCE)
            raise

    def _told(self, lease: Lease, error: Exception) -> str:
        return "\n".join(
            (
                f"Switchman cannot deliver a page (attempt {lease.attempt}): {error}",
                *self._page(lease),
                "What to do: somebody has to look at it now. Where Slack is away: `switchman "
                f"incidents show {lease.action.incident}`, and `switchman rollback apply "
                f"{lease.action.stack} --reason WHY --apply` asks for a rollback "
                "(docs/when-slack-is-down.md). Read the log of the function act; "
                "the page is tried again meanwhile. More in docs/when-switchman-fails.md.",
            )
        )

    def _page(self, lease: Lease) -> tuple[str, ...]:
        """The page as it would stand in Slack; if the store is away too, what the order says."""
        action = lease.action
        assert isinstance(action.order, PageOrder)
        try:
            incident = self._incident(action)
            page = incident.page(action.order.page) if incident else None
        except Exception as error:
            return (f"Incident {action.incident} ({type(error).__name__} while reading it)",)
        if incident is None or page is None:
            return (f"Incident {action.incident} of {action.stack}",)
        card = card_for(self.policy, incident, page)
        return (f"To {page.channel}: {card.headline}", _facts(card), *card.paragraphs)

    def _incident(self, action: Action) -> Incident | None:
        """The incident; one that was closed meanwhile is paged about all the same."""
        incident = self.heads.load(action.stack)[0].incident(action.incident)
        filed = None if incident else self.reports.incident(action.incident)
        return filed.incident if filed else incident


def _facts(card: Card) -> str:
    return ", ".join(f"{name} {value}" for name, value in card.facts)
