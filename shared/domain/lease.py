"""How long a lease holds, by a clock that may be set back and is not the same everywhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

SKEW: Final = timedelta(minutes=1)
"""How far the clocks of two machines may be apart.

What was written longer ahead of now than this was written before the clock was set back.
"""


def remaining(taken_at: datetime, until: datetime, now: datetime) -> timedelta:
    """How much longer a lease holds; zero for one that is over.

    A lease taken in the future, and not merely by a clock that runs ahead, was taken before the
    clock was set back. It counts as over, for otherwise the action of a dead worker would lie
    still until that hour comes again; fencing keeps a worker that is alive from settling it.
    """
    if taken_at > now + SKEW:
        return timedelta()
    return max(timedelta(), until - now)
