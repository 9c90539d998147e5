"""The simulated Slack as one WSGI application for every path under `/sim/slack`."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from infra.local.slack.callback import ANSWER_SECONDS, Callback
from infra.local.slack.database import Database
from infra.local.slack.errors import RequestError
from infra.local.slack.faults import CallLog, Faults
from infra.local.slack.fields import Fields
from infra.local.slack.http import Request, Response, json_response, wsgi_application
from infra.local.slack.inspection import Inspection
from infra.local.slack.interactions import Interactions
from infra.local.slack.messages import Conversations
from infra.local.slack.methods_chat import ChatMethods
from infra.local.slack.methods_conversations import ConversationMethods
from infra.local.slack.methods_users import UserMethods
from infra.local.slack.methods_views import ViewMethods
from infra.local.slack.model import Json, SlackPerson, Workspace, public_channel
from infra.local.slack.page import Page
from infra.local.slack.response_urls import ResponseUrls
from infra.local.slack.sessions import Sessions
from infra.local.slack.speech import Speech
from infra.local.slack.web_api import WebApi

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_ROOT = "/sim/slack"

_Handler = Callable[[Request], Response]
_PlacedHandler = Callable[[Request, str], Response]
Handler = TypeVar("Handler")


class SimulatedSlack:
    """A workspace with its people, its channels and one app, Switchman.

    Args:
        data: The folder for its state; what was answered survives `kill -9`.
        base_url: Where this server is reached, such as `http://127.0.0.1:8080`.
        function_url: Where slash commands and interactions go.
        signing_secret: Signs those requests.
        bot_token: The only token the Web API accepts.
        people: Who can type and press; at least one.
        channels: Names of public channels, `#` optional; at least one.
        clock: Unix seconds.
        answer_seconds: How long the app has for each answer; Slack gives it three.
    """

    wsgi: "WSGIApplication"

    def __init__(  # noqa: PLR0913, PLR0917 - a workspace has that many parts
        self,
        data: Path,
        base_url: str,
        function_url: str,
        signing_secret: str,
        bot_token: str,
        people: Sequence[SlackPerson],
        channels: Sequence[str],
        clock: Callable[[], float] = time.time,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._stopping = threading.Event()
        self._database = Database(data / "slack.sqlite3")
        self._workspace = Workspace(
            base_url.rstrip("/"), tuple(people), tuple(public_channel(name) for name in channels)
        )
        self._conversations = Conversations(self._database, self._workspace)
        self._sessions, self._page = Sessions(self._database), Page()
        self._faults, self._log = Faults(self._database), CallLog(self._database)
        self._clock = clock
        callback = Callback(function_url, signing_secret, clock, answer_seconds)
        speech = Speech(self._conversations, clock)
        urls = ResponseUrls(self._conversations, self._sessions, speech, clock)
        self._exact = self._exact_routes(self._interactions(speech, callback))
        self._placed = self._placed_routes(self._web_api(bot_token), urls)
        self.wsgi = wsgi_application(self._handle)

    def stop(self) -> None:
        """Ends every wait and closes the files; calling it twice is harmless."""
        self._stopping.set()
        self._database.close()

    def _handle(self, request: Request) -> Response:
        path = request.path.rstrip("/") or "/"
        exact = self._exact.get(path)
        if exact is not None:
            return _with_method(exact, request)(request)
        for prefix, methods in self._placed.items():
            if path.startswith(prefix):
                return _with_method(methods, request)(request, path.removeprefix(prefix))
        raise RequestError(404, f"the simulated Slack has nothing at {path}")

    def _exact_routes(self, people: Interactions) -> Mapping[str, Mapping[str, _Handler]]:
        shown = self._inspection()
        return {
            _ROOT: {"GET": self._page.index},
            f"{_ROOT}/messages": {"GET": shown.messages},
            f"{_ROOT}/views": {"GET": shown.views},
            f"{_ROOT}/log": {"GET": shown.log},
            f"{_ROOT}/changes": {"GET": shown.changes},
            f"{_ROOT}/faults": {
                "GET": shown.faults,
                "POST": self._json(shown.add_fault),
                "DELETE": shown.clear_faults,
            },
            f"{_ROOT}/command": {"POST": self._json(people.command)},
            f"{_ROOT}/press": {"POST": self._json(people.press)},
            f"{_ROOT}/submit": {"POST": self._json(people.submit)},
            f"{_ROOT}/close": {"POST": self._json(people.close)},
            f"{_ROOT}/say": {"POST": self._json(people.say)},
        }

    def _placed_routes(
        self, api: WebApi, urls: ResponseUrls
    ) -> Mapping[str, Mapping[str, _PlacedHandler]]:
        return {
            f"{_ROOT}/api/": {"GET": api.answer, "POST": api.answer},
            f"{_ROOT}/respond/": {"POST": urls.answer},
            f"{_ROOT}/assets/": {"GET": self._page.asset},
            f"{_ROOT}/archives/": {"GET": self._page.permalink},
        }

    def _inspection(self) -> Inspection:
        return Inspection(
            database=self._database,
            workspace=self._workspace,
            conversations=self._conversations,
            sessions=self._sessions,
            faults=self._faults,
            log=self._log,
        )

    def _interactions(self, speech: Speech, callback: Callback) -> Interactions:
        return Interactions(
            workspace=self._workspace,
            conversations=self._conversations,
            sessions=self._sessions,
            speech=speech,
            callback=callback,
            clock=self._clock,
        )

    def _web_api(self, bot_token: str) -> WebApi:
        groups = (
            ChatMethods(self._workspace, self._conversations, self._clock),
            ConversationMethods(self._workspace, self._conversations),
            UserMethods(self._workspace),
            ViewMethods(self._sessions, self._clock),
        )
        return WebApi(
            bot_token=bot_token,
            methods={name: method for group in groups for name, method in group.table().items()},
            faults=self._faults,
            log=self._log,
            clock=self._clock,
            pause=self._stopping.wait,
        )

    def _json(self, carry_out: Callable[[Fields], Json]) -> _Handler:
        def handler(request: Request) -> Response:
            fields = Fields(request.json(), self._workspace, self._conversations)
            return json_response(carry_out(fields))

        return handler


def _with_method(handlers: Mapping[str, Handler], request: Request) -> Handler:
    handler = handlers.get(request.method)
    if handler is None:
        raise RequestError(405, f"{request.path} takes only {', '.join(handlers)}")
    return handler
