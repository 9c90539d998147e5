"""How long what may be forgotten is kept; everything else is kept for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

EVENTS: Final = timedelta(days=7)
"""As long as any queue holds a message, so that no event is delivered again after it: Pub/Sub
keeps one for 7 days here (`infra/terraform/topics.tf`). Settled actions and delivered messages
go with them. An event that left an audit row stays, as that row does."""

RESOLVED_ALERTS: Final = timedelta(days=30)
"""From when their end was heard of, not from when a sender says that they ended."""

INSTRUCTIONS: Final = timedelta(days=30)
"""From when they were given; what came of them is in the audit."""
