"""The Web API at `/sim/slack/api/METHOD`: faults, authentication, dispatch, log."""

import hmac
import math
from collections.abc import Callable, Mapping

from infra.local.slack.arguments import Arguments, read_arguments
from infra.local.slack.errors import SlackError
from infra.local.slack.faults import CallLog, Fault, FaultKind, Faults
from infra.local.slack.http import Request, Response, json_response
from infra.local.slack.model import Json

Method = Callable[[Arguments], Json]

_NEEDS_NO_TOKEN = frozenset({"api.test"})


class WebApi:
    """Answers Web API calls as slack.com does."""

    def __init__(
        self,
        *,
        bot_token: str,
        methods: Mapping[str, Method],
        faults: Faults,
        log: CallLog,
        clock: Callable[[], float],
        pause: Callable[[float], object],
    ) -> None:
        self._bot_token = bot_token
        self._methods = methods
        self._faults = faults
        self._log = log
        self._clock = clock
        self._pause = pause

    def answer(self, request: Request, method: str) -> Response:
        """The answer to one call, with the fault it meets, if any."""
        fault = self._faults.take(method)
        refusal = self._refuse(fault, method)
        if refusal is not None:
            return refusal
        if fault is not None and fault.fault is FaultKind.DELAY:
            self._pause(fault.seconds)
        document = self._call(request, method)
        if fault is not None and fault.fault is FaultKind.TIMEOUT_AFTER_SUCCESS:
            self._pause(fault.seconds)
            return json_response({"ok": False, "error": "internal_error"}, 500)
        return json_response(document)

    def _refuse(self, fault: Fault | None, method: str) -> Response | None:
        """The answer to a call that a fault stops before it is carried out."""
        match fault:
            case Fault(fault=FaultKind.RATE_LIMITED):
                wait = max(1, math.ceil(fault.seconds))
                self._log.record(method, self._clock(), "ratelimited")
                refused = {"ok": False, "error": "ratelimited"}
                return json_response(refused, 429, Retry_After=str(wait))
            case Fault(fault=FaultKind.SERVER_ERROR):
                self._log.record(method, self._clock(), "internal_error")
                return json_response({"ok": False, "error": "internal_error"}, 500)
            case _:
                return None

    def _call(self, request: Request, method: str) -> Json:
        at = self._clock()
        try:
            document = {"ok": True, **self._dispatch(request, method)}
        except SlackError as error:
            self._log.record(method, at, error.code)
            return _refusal(error)
        self._log.record(method, at, None)
        return document

    def _dispatch(self, request: Request, method: str) -> Json:
        arguments = read_arguments(request)
        if method not in self._methods:
            raise SlackError("unknown_method")
        if method not in _NEEDS_NO_TOKEN:
            self._authenticate(request, arguments)
        return self._methods[method](arguments)

    def _authenticate(self, request: Request, arguments: Arguments) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else arguments.text("token")
        if not given:
            raise SlackError("not_authed")
        if not hmac.compare_digest(given.encode(), self._bot_token.encode()):
            raise SlackError("invalid_auth")


def _refusal(error: SlackError) -> Json:
    document: Json = {"ok": False, "error": error.code}
    if error.messages:
        document["errors"] = [message.removeprefix("[ERROR] ") for message in error.messages]
        document["response_metadata"] = {"messages": list(error.messages)}
    return document
