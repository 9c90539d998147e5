"""Requests that Slack sends to the app, signed and given three seconds.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Literal
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPErrorProcessor, ProxyHandler, Request, build_opener

ANSWER_SECONDS = 3.0
_OK = 200

# What Slack shows a person whose slash command or button did not get through.
Failure = Literal["operation_timeout", "dispatch_failed"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app answered; `status` is None when it answered nothing in time, or at all."""

    status: int | None
    body: str = ""
    content_type: str = ""
    failure: Failure | None = None


class Callback:
    """Sends forms to the app's function."""

    def __init__(
        self,
        function_url: str,
        signing_secret: str,
        clock: Callable[[], float],
        answer_seconds: float,
    ) -> None:
        self._url = function_url
        self._secret = signing_secret.encode()
        self._clock = clock
        self._answer_seconds = answer_seconds
        self._opener = build_opener(ProxyHandler({}), _KeepErrors())

    def send(self, form: Mapping[str, str]) -> Answer:
        """Posts `form`, signed at this moment; never raises for what the app does."""
        body = urlencode(form).encode()
        request = Request(self._url, data=body, headers=self._headers(body), method="POST")  # noqa: S310 - the URL is configured
        try:
            with self._opener.open(request, timeout=self._answer_seconds) as response:
                return _read(response.status, response.headers.get_content_type(), response)
        except TimeoutError:
            return Answer(None, failure="operation_timeout")
        except URLError as error:
            late = isinstance(error.reason, TimeoutError)
            return Answer(None, failure="operation_timeout" if late else "dispatch_failed")
        except OSError:
            return Answer(None, failure="dispatch_failed")

    def _headers(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock()))
        signed = b":".join((b"v0", timestamp.encode(), body))
        digest = hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json,*/*",
            "User-Agent": "Slackbot 1.0 (simulated)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={digest}",
        }


class _KeepErrors(HTTPErrorProcessor):
    """Hands every answer back as it is: Slack follows no redirects either."""

    def http_response(self, request, response):  # type: ignore[no-untyped-def]
        return response


def _read(status: int, content_type: str, response: IO[bytes]) -> Answer:
    body = response.read().decode(errors="replace")
    return Answer(status, body, content_type, None if status == _OK else "dispatch_failed")
