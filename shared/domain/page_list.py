"""Which pages an incident lists: that nobody takes it for weeks must not make the head grow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from shared.domain.paging import Page

MOST_PAGES: Final = 30
"""So many pages an incident lists; each message of one is drawn again in one commit."""

FIRST_PAGES: Final = 5
"""So many of the first are always listed: when somebody was paged is measured by them."""

TRIED_FOR: Final = timedelta(hours=6)
"""For so long a page that has not gone out is tried; see `PATIENCE_WITH_PAGES`."""


def listed(pages: tuple[Page, ...], now: datetime) -> tuple[Page, ...]:
    """The pages without the oldest after the first, so that there is room for one more.

    None is left out that may still go out and that its person is not called by again.
    """
    left_out = list(_done_with(pages, now))[: max(0, len(pages) - MOST_PAGES + 1)]
    return tuple(page for page in pages if page.key not in left_out)


def _done_with(pages: tuple[Page, ...], now: datetime) -> Iterator[str]:
    """The keys of those that may be left out, the oldest first."""
    for number, page in enumerate(pages[FIRST_PAGES:], FIRST_PAGES + 1):
        again = any(_calls_again(later, page) for later in pages[number:])
        if page.sent_at is not None or again or now - page.decided_at > TRIED_FOR:
            yield page.key


def _calls_again(later: Page, page: Page) -> bool:
    return (later.person, later.channel, later.wakes) == (page.person, page.channel, True)
