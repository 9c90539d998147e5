"""One topic's messages on their way to the embedded bus's workers."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from shared.adapters.sqlite.messages import Messages, Waiting

_BATCH: Final = 100
_MOST_IN_MEMORY: Final = 1000


class Feed:
    """Hands out each waiting message of a topic to one worker at a time.

    What is being delivered, or waits for its next attempt, is known here and not in the file:
    after a restart everything unacknowledged is handed out again at once. Times are seconds of
    `monotonic`.
    """

    def __init__(
        self,
        messages: Messages,
        topic: str,
        poll: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.topic: Final = topic
        self._messages = messages
        self._poll = poll
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._ready: deque[Waiting] = deque()
        self._later: list[tuple[float, int, Waiting]] = []
        self._newest = 0
        self._look_at = monotonic()
        self._stopped = False

    def ring(self, topic: str) -> None:
        """Messages were published on this topic: look at once, without waiting for the poll."""
        if topic == self.topic:
            with self._changed:
                self._look_at = self._monotonic()
                self._changed.notify()

    def take(self) -> Waiting | None:
        """The next message, or None once stopped. Raises `Transient` if the file is away."""
        with self._changed:
            while not self._stopped:
                self._gather()
                if self._ready:
                    message = self._ready.popleft()
                    if self._ready:
                        self._changed.notify()
                    return message
                self._changed.wait(self._patience())
            return None

    def again(self, message: Waiting, delay: float) -> None:
        """Hand the message out again after `delay` seconds."""
        with self._changed:
            heapq.heappush(self._later, (self._monotonic() + delay, message.seq, message))
            self._changed.notify()

    def stop(self) -> None:
        """Let every worker go."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def stopping(self, seconds: float) -> bool:
        """Wait this long; True at once when stopped."""
        with self._changed:
            return self._changed.wait_for(lambda: self._stopped, seconds)

    def _gather(self) -> None:
        now = self._monotonic()
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[2])
        if not self._ready and self._look_at <= now and len(self._later) < _MOST_IN_MEMORY:
            found = self._messages.waiting(self.topic, self._newest, _BATCH)
            self._ready.extend(found)
            if len(found) < _BATCH:
                self._look_at = now + self._poll
            if found:
                self._newest = found[-1].seq

    def _patience(self) -> float:
        """Seconds until there may be something; never longer than the poll."""
        until = min([self._look_at, *(when for when, _, _ in self._later[:1])])
        return min(self._poll, max(0.001, until - self._monotonic()))
