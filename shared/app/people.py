"""Actions that reach people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.domain.action import (
    Delivered,
    Done,
    NoticeOrder,
    Outcome,
    PageOrder,
    ShowOrder,
    TellOrder,
)
from shared.domain.card import card_for, digest, notice_card
from shared.domain.errors import Transient
from shared.domain.incident import Incident
from shared.domain.paging import MessageRef, Page
from shared.domain.policy import Policy
from shared.ports import Chat, Heads, Lease, Reports

IN_DOUBT_AFTER: Final = 4
"""The attempt from which on a page is sent although nobody could look whether it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Pages, redrawn pages, notices and private answers."""

    policy: Policy
    heads: Heads
    reports: Reports
    chat: Chat

    def page(self, lease: Lease) -> Outcome:
        """Send the page; after a lost answer, look whether it stands already."""
        found = self._find(lease)
        if found is None:
            return Done()
        incident, page = found
        card = card_for(self.policy, incident, page)
        standing = self._standing(page, lease.attempt)
        if standing is not None:
            return Delivered(standing, drawn="")
        return Delivered(self.chat.post(page.channel, card, page.key), digest(card))

    def _standing(self, page: Page, attempt: int) -> MessageRef | None:
        """The message of an earlier attempt. If nobody can look for long, there is none known.

        In doubt a page is sent: Slack limits looking more than posting.
        """
        if attempt == 1:
            return None
        try:
            return self.chat.find(page.channel, page.key)
        except Transient:
            if attempt < IN_DOUBT_AFTER:
                raise
            return None

    def refresh(self, lease: Lease) -> Outcome:
        """Redraw the page from the incident as it is now."""
        found = self._find(lease)
        if found is None or found[1].message is None:
            return Done()
        incident, page = found
        card = card_for(self.policy, incident, page)
        assert page.message is not None
        self.chat.update(page.message, card)
        return Delivered(page.message, digest(card))

    def notify(self, lease: Lease) -> Outcome:
        """Say something in a channel; after a lost answer, look whether it stands already."""
        action = lease.action
        assert isinstance(action.order, NoticeOrder)
        again = lease.attempt > 1
        if not again or self.chat.find(action.order.channel, action.id) is None:
            self.chat.post(action.order.channel, notice_card(action.order), action.id)
        return Done()

    def tell(self, lease: Lease) -> Outcome:
        """Tell one person something only they see."""
        order = lease.action.order
        assert isinstance(order, TellOrder)
        self.chat.tell(order.channel, order.slack_user, order.text)
        return Done()

    def show(self, lease: Lease) -> Outcome:
        """Fill a person's open modal."""
        order = lease.action.order
        assert isinstance(order, ShowOrder)
        self.chat.show(order.view, order.sheet)
        return Done()

    def _find(self, lease: Lease) -> tuple[Incident, Page] | None:
        order = lease.action.order
        assert isinstance(order, PageOrder)
        stack, _ = self.heads.load(lease.action.stack)
        incident = stack.incident(lease.action.incident) or self._filed(lease.action.incident)
        page = incident.page(order.page) if incident else None
        return (incident, page) if incident and page else None

    def _filed(self, incident_id: str) -> Incident | None:
        """An incident that was closed before its page went out; the page goes out all the same."""
        view = self.reports.incident(incident_id)
        return view.incident if view else None
