"""Health checks over HTTP."""

from __future__ import annotations

from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final

from shared.domain.policy import HealthCheck
from shared.ports import Clock, HealthResult

if TYPE_CHECKING:
    import httpx

_MOST_READ: Final = 64 * 1024


class HttpHealth:
    """Asks services over HTTP, each time on a new connection, and believes what they answer.

    A redirect is an answer and is not followed; proxies of the environment are not used. At most
    64 KiB of a body are read. Safe to use from several threads.
    """

    def __init__(self, clock: Clock) -> None:
        import httpx

        self._clock = clock
        self._client = httpx.Client(
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"Accept-Encoding": "identity", "User-Agent": "switchman-health"},
        )

    def check(self, uri: str, check: HealthCheck) -> HealthResult:
        """One request. Never raises: what cannot be reached is not healthy."""
        import httpx

        try:
            status, body = self._get(uri.rstrip("/") + check.path, check.timeout)
        except httpx.TimeoutException:
            return late(check)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            return HealthResult(False, f"{check.path} could not be asked: {reason}")
        return judge(check, status, body)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def __enter__(self) -> HttpHealth:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _get(self, url: str, timeout: timedelta) -> tuple[int, bytes]:
        end = self._clock.now() + timeout
        with self._client.stream("GET", url, timeout=timeout.total_seconds()) as response:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) >= _MOST_READ:
                    break
                if self._clock.now() >= end:
                    raise _late(response)
            return response.status_code, bytes(body[:_MOST_READ])


def judge(check: HealthCheck, status: int, body: bytes) -> HealthResult:
    """What an answer means for a check; white space alone counts as an empty body."""
    answered = f"{check.path} answered {status}"
    if status not in check.expect_status:
        return HealthResult(False, answered)
    if check.non_empty and not body.strip():
        return HealthResult(False, f"{answered} and an empty body")
    return HealthResult(True, answered)


def late(check: HealthCheck) -> HealthResult:
    """What it means that no complete answer came in time."""
    seconds = check.timeout.total_seconds()
    return HealthResult(False, f"{check.path} did not answer within {seconds:g} s")


def _late(response: httpx.Response) -> httpx.ReadTimeout:
    import httpx

    return httpx.ReadTimeout("the body took too long", request=response.request)
