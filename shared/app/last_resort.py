"""When Switchman cannot work: who waits is told past the policy, the store and the topics."""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.domain.errors import SwitchmanError
from shared.ports import Clock, LastResort

LOG: Final = logging.getLogger("switchman")

ENOUGH: Final = 3
"""Failures after which somebody is told: one or two may pass by themselves."""
SILENCE: Final = timedelta(hours=1)
"""How long nothing more is said about the same cause, as long as nothing new waits for it."""
SHORT_SILENCE: Final = timedelta(minutes=5)
"""How long nothing more is said although something waits that has not been told of."""
_REMEMBERED: Final = timedelta(days=1)
_MOST: Final = 10
"""Faults, or alerts, that are told one by one."""


class LastWord:
    """Says each thing once for a while through the last resort, and never raises."""

    def __init__(self, resort: LastResort | None, clock: Clock) -> None:
        self._resort = resort
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[str, datetime] = {}

    def say(self, cause: str, text: str, silence: timedelta = SILENCE) -> bool:
        """Send the text, unless the same cause was told less than `silence` ago.

        Whether it was sent. What could not be sent counts as not said. The log has the outcome,
        and not the text.
        """
        if not self._begins(cause, silence):
            return False
        if self._resort is None:
            LOG.error("nobody is told of %s: SWITCHMAN_LAST_RESORT is not set", cause)
            return False
        try:
            self._resort.send(plain(text))
        except Exception as error:  # whatever it is: an answer waits, and the next failure comes
            self.forget(cause)
            why = str(error) if isinstance(error, SwitchmanError) else type(error).__name__
            LOG.error("the last resort was not reached about %s: %s", cause, why)  # noqa: TRY400
            return False
        LOG.error("told through the last resort: %s", cause)
        return True

    def forget(self, cause: str) -> None:
        """The cause has passed: should it come again, it is told again."""
        with self._lock:
            self._said.pop(cause, None)

    def _begins(self, cause: str, silence: timedelta) -> bool:
        now = self._clock.now()
        with self._lock:
            kept = {key: at for key, at in self._said.items() if now - at < _REMEMBERED}
            begins = not (cause in kept and timedelta() <= now - kept[cause] < silence)
            self._said = {**kept, cause: now} if begins else kept
            return begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One request that could not be worked on. No text here holds a secret.

    `cause` is the same for the same trouble; `faults` say what is wrong, `waiting` what waits
    for it to be mended. `delivery` counts how often the message came, 0 where nobody counts.
    """

    function: str
    cause: str
    faults: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    delivery: int = 0


class Watch:
    """Counts what fails in a row in this process, and has somebody told the third time.

    A message that comes for the third time counts as well: the first two may have met others.
    """

    def __init__(self, last_word: LastWord) -> None:
        self._last_word = last_word
        self._lock = threading.Lock()
        self._in_a_row: Counter[str] = Counter()
        self._causes: dict[str, set[str]] = defaultdict(set)
        self._told: dict[str, frozenset[str]] = {}

    def worked(self, function: str) -> None:
        """A request was worked on: what failed before it has passed."""
        with self._lock:
            self._in_a_row[function] = 0
            passed = self._causes.pop(function, set())
            for cause in passed:
                self._told.pop(cause, None)
        for cause in passed:
            self._last_word.forget(cause)

    def failed(self, failure: Failure) -> None:
        """Count it; never raises."""
        with self._lock:
            self._in_a_row[failure.function] += 1
            times = max(self._in_a_row[failure.function], failure.delivery)
            told_of = self._told.get(failure.cause, frozenset())
        if times < ENOUGH:
            return
        news = set(failure.waiting) - told_of
        silence = SHORT_SILENCE if news else SILENCE
        if self._last_word.say(failure.cause, told(failure, times), silence):
            with self._lock:
                self._causes[failure.function].add(failure.cause)
                self._told[failure.cause] = told_of.union(failure.waiting)


def told(failure: Failure, times: int) -> str:
    """What a person reads who knows of nothing."""
    parts = [f"Switchman cannot work: its function {failure.function} failed {times} times."]
    parts += ["What is wrong:", *_listed(failure.faults)]
    if failure.waiting:
        parts += ["What waits for it, and pages nobody until then:", *_listed(failure.waiting)]
    parts += [
        f"What to do: read the log of the function {failure.function} and mend what it names; "
        "what waits comes again by itself. Look at what alerts without Switchman meanwhile. "
        "More in docs/when-switchman-fails.md."
    ]
    return "\n".join(parts)


def _listed(lines: Iterable[str]) -> list[str]:
    each = list(dict.fromkeys(lines))
    more = [f"• and {len(each) - _MOST} more"] if len(each) > _MOST else []
    return [*(f"• {line}" for line in each[:_MOST]), *more]


def plain(text: str) -> str:
    """The text without what Slack, Mattermost or Google Chat would take for more than text.

    What alerts are called is not ours: it may hold links, or mention everybody.
    """
    return text.replace("<", "[").replace(">", "]").replace("@", "@\u200b")
