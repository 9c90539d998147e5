"""The last resort: a webhook, or whatever apprise can reach; nothing of Switchman's own.

A webhook is posted `{"text": ...}`, which the incoming webhooks of Slack, Mattermost and Google
Chat all take: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
https://developers.mattermost.com/integrate/webhooks/incoming,
https://developers.google.com/workspace/chat/quickstart/webhooks. All else is an apprise URL:
https://github.com/caronc/apprise/wiki. Such addresses are secrets, and no error shows one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from shared.domain.errors import Refused, Transient

Way = Callable[[str], None]

_WEBHOOKS: Final = ("https://", "http://")
_ONE_STEP: Final = 3.0
"""Seconds for one step of a request: connecting, sending, each part of the answer."""


class Everywhere:
    """Sends by every way at once, each on a thread of its own, and waits at most `deadline`."""

    def __init__(self, ways: Sequence[Way], deadline: timedelta = timedelta(seconds=4)) -> None:
        self._ways = tuple(ways)
        self._seconds = deadline.total_seconds()

    def send(self, text: str) -> None:
        """Return once one of the ways has taken the text, and all had their time.

        Raises:
            Transient: None of them is known to have taken it.
        """
        ends: SimpleQueue[str] = SimpleQueue()
        for way in self._ways:
            Thread(target=_go, args=(way, text, ends), daemon=True).start()
        until = time.monotonic() + self._seconds
        failed = [why for _ in self._ways if (why := self._end(ends, until))]
        if len(failed) == len(self._ways):
            raise Transient("; ".join(failed) or "there is no way to send it")

    def _end(self, ends: SimpleQueue[str], until: float) -> str:
        """Why the next way failed; empty if it did not."""
        try:
            return ends.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            return f"no answer within {self._seconds:g} s"


def _go(way: Way, text: str, ends: SimpleQueue[str]) -> None:
    try:
        way(text)
    except (Refused, Transient) as error:
        ends.put(str(error))
    except Exception as error:  # a thread's error would be told to nobody; its text may be secret
        ends.put(f"unforeseen {type(error).__name__}")
    else:
        ends.put("")


def webhook(url: str) -> Way:
    """Posts to an incoming webhook."""

    def post(text: str) -> None:
        import httpx

        try:
            answer = httpx.post(url, json={"text": text}, timeout=_ONE_STEP)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Transient(f"the webhook cannot be asked: {type(error).__name__}") from error
        if not answer.is_success:
            raise Transient(f"the webhook answered {answer.status_code}")

    return post


def by_apprise(url: str) -> Way:
    """Sends as apprise does for this URL."""

    def notify(text: str) -> None:
        import apprise

        # Its lines may name what is secret, and are no lines of JSON.
        logging.getLogger("apprise").disabled = True
        sender = apprise.Apprise()
        if not sender.add(url):
            raise Refused("one of the URLs is none that apprise knows")
        if not sender.notify(body=text, body_format=apprise.NotifyFormat.TEXT):
            raise Transient("apprise could not send it")

    return notify


def everywhere(urls: Iterable[str]) -> Everywhere:
    """All the ways that these URLs name."""
    return Everywhere(
        [webhook(url) if url.startswith(_WEBHOOKS) else by_apprise(url) for url in urls]
    )
