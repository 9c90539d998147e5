"""Calls of Slack's Web API through slack-sdk: paging, rate limits, and errors by what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.slack_errors import Call, from_answer, from_failure, retry_after
from shared.domain.errors import Refused
from shared.ports import Clock

if TYPE_CHECKING:
    from slack_sdk.web import SlackResponse

_PATIENCE: Final = timedelta(seconds=5)
_PAGE_SIZE: Final = 200
_MOST_PAGES: Final = 5
_TOKEN: Final = re.compile(r"[!-~]+")


class SlackWeb:
    """slack-sdk's client without its own retries, which could post a message twice.

    Only a call that Slack refused for coming too soon is made again: once, when Slack asks for a
    wait of at most `patience`. `client` offers the methods to call.
    """

    def __init__(
        self,
        token: str,
        clock: Clock,
        base_url: str,
        timeout_seconds: int,
        patience: timedelta = _PATIENCE,
    ) -> None:
        from slack_sdk import WebClient

        if not _TOKEN.fullmatch(token):
            # The SDK would log such a token, as part of the header it cannot send.
            raise Refused("SLACK_BOT_TOKEN is empty or holds characters that no token has")
        self.client = WebClient(
            token=token, base_url=base_url, timeout=timeout_seconds, retry_handlers=[]
        )
        self._clock = clock
        self._patience = patience

    def pages(
        self, call: Call, method: Callable[..., SlackResponse], **arguments: object
    ) -> Iterator[Mapping[str, Any]]:
        """The answers page by page, at most a thousand items; errors as for `call`."""
        cursor = ""
        for _ in range(_MOST_PAGES):
            page = self.call(call, method, limit=_PAGE_SIZE, cursor=cursor, **arguments)
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return

    def call(
        self, call: Call, method: Callable[..., SlackResponse], **arguments: object
    ) -> Mapping[str, Any]:
        """The answer of one call.

        Raises:
            Transient: Nothing was done, or doing it again does no harm.
            Refused: Slack will never do it; the text says what to do.
            UnknownOutcome: It may have been done, and must not be done twice.
        """
        from slack_sdk.errors import SlackApiError

        try:
            return self._once(call, method, **arguments)
        except SlackApiError as error:
            wait = retry_after(error)
            if wait is None or wait > self._patience:
                raise from_answer(error, call) from error
        self._clock.sleep(wait)
        try:
            return self._once(call, method, **arguments)
        except SlackApiError as error:
            raise from_answer(error, call) from error

    def _once(
        self, call: Call, method: Callable[..., SlackResponse], **arguments: object
    ) -> Mapping[str, Any]:
        from slack_sdk.errors import SlackRequestError

        try:
            data: Any = method(**arguments).data
        except SlackRequestError as error:
            raise Refused(f"{call}: {error}") from error
        except (OSError, HTTPException, ValueError, AttributeError) as error:
            raise from_failure(error, call) from error
        answer: Mapping[str, Any] = data
        return answer
