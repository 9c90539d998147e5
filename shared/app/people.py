"""Actions that reach people."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.action import Delivered, Done, Outcome, PageOrder, ShowOrder, TellOrder
from shared.domain.card import card_for, digest
from shared.domain.incident import Incident
from shared.domain.paging import Page
from shared.domain.policy import Policy
from shared.ports import Chat, Heads, Lease, Reports


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Pages, redrawn pages and private answers."""

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
        if lease.attempt > 1:
            standing = self.chat.find(page.channel, page.key)
            if standing is not None:
                return Delivered(standing, drawn="")
        return Delivered(self.chat.post(page.channel, card, page.key), digest(card))

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
