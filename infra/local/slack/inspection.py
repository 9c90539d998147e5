"""What the simulator shows of itself: messages, modals, calls, faults, and changes as they come."""

import threading

from infra.local.slack.database import Database
from infra.local.slack.errors import RequestError
from infra.local.slack.faults import CallLog, Fault, FaultKind, Faults
from infra.local.slack.fields import Fields, display_name, find_channel
from infra.local.slack.http import Request, Response, json_response
from infra.local.slack.messages import Conversations
from infra.local.slack.model import Channel, Json, Message, Workspace
from infra.local.slack.sessions import OpenView, Sessions

# A waiting page holds one of the server's threads, so few may wait, and not for long.
_WAIT_SECONDS = 10.0
_WAITING_PAGES = 2


class Inspection:
    """Read-only views of the workspace, and the faults that tests order."""

    def __init__(
        self,
        *,
        database: Database,
        workspace: Workspace,
        conversations: Conversations,
        sessions: Sessions,
        faults: Faults,
        log: CallLog,
    ) -> None:
        self._database = database
        self._workspace = workspace
        self._conversations = conversations
        self._sessions = sessions
        self._faults = faults
        self._log = log
        self._waiting = threading.BoundedSemaphore(_WAITING_PAGES)

    def messages(self, request: Request) -> Response:
        """Every message, oldest first; `?channel=` narrows it to one channel."""
        wanted = request.query.get("channel")
        channel_id = None
        if wanted is not None:
            channel_id = find_channel(self._conversations, self._workspace, wanted).id
        found = self._conversations.all(channel_id)
        return json_response([self._message(message) for message in found])

    def views(self, request: Request) -> Response:
        """Every open modal."""
        return json_response([_view(view) for view in self._sessions.views()])

    def log(self, request: Request) -> Response:
        """The Web API calls received."""
        return json_response(self._log.calls())

    def faults(self, request: Request) -> Response:
        """The faults still to come."""
        return json_response([fault.to_json() for fault in self._faults.all()])

    def add_fault(self, fields: Fields) -> Json:
        """Orders a fault."""
        kind = fields.text("fault")
        if kind not in set(FaultKind):
            raise RequestError(400, f"`fault` must be one of: {', '.join(FaultKind)}")
        times = fields.number("times", 1)
        if times < 1 or not times.is_integer():
            raise RequestError(400, "`times` must be a whole number, 1 or more")
        seconds = fields.number("seconds", 1)
        fault = Fault(fields.text("method"), FaultKind(kind), seconds, int(times))
        self._faults.add(fault)
        return fault.to_json()

    def clear_faults(self, request: Request) -> Response:
        """Forgets the faults of `?method=` or `{"method": ...}`, or all of them."""
        method = request.query.get("method")
        if request.body:
            method = request.json().get("method", method)
        self._faults.clear(method)
        return json_response({"cleared": method or "all"})

    def changes(self, request: Request) -> Response:
        """Everything, or what changed after revision `?since=`, waiting a while for a change.

        A page beyond the few that may wait is answered at once, `"polling": true`, and asks
        again after a pause of its own.
        """
        since = request.query.get("since")
        if since is None:
            return json_response(self._changes(0) | {"polling": False})
        if not since.isdecimal():
            raise RequestError(400, "`since` must be a whole number")
        waited = self._wait_for_change(int(since))
        return json_response(self._changes(int(since)) | {"polling": not waited})

    def _wait_for_change(self, since: int) -> bool:
        """Whether this page was one of the few that may wait."""
        if not self._waiting.acquire(blocking=False):
            return False
        try:
            if not self._database.wait_for_change(since, _WAIT_SECONDS):
                raise RequestError(503, "the simulator is stopping")
            return True
        finally:
            self._waiting.release()

    def _changes(self, since: int) -> Json:
        with self._database.transaction():
            return {
                "store": self._database.store(),
                "revision": self._database.revision(),
                "team": "Switchman",
                "bot": self._workspace.bot.id,
                "people": [
                    {"id": p.id, "handle": p.handle, "name": p.name, "title": p.title}
                    for p in self._workspace.people
                ],
                "channels": [_channel(c) for c in self._conversations.channels()],
                "messages": [
                    self._message(message) | {"deleted": message.deleted}
                    for message in self._conversations.changed_since(since)
                ],
                "views": [
                    _view(view) | {"open": view.open}
                    for view in self._sessions.views_changed_since(since)
                ],
            }

    def _message(self, message: Message) -> Json:
        channel = self._conversations.channel(message.channel)
        edited = {"user": message.user, "ts": message.edited_ts} if message.edited_ts else None
        return {
            "channel": display_name(channel) if channel else message.channel,
            "channel_id": message.channel,
            "user": message.user,
            "ts": message.ts,
            "text": message.text,
            "blocks": list(message.blocks),
            "thread_ts": message.thread_ts,
            "metadata": message.metadata,
            "edited": edited,
            "ephemeral_to": message.ephemeral_to,
        }


def _channel(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": display_name(channel),
        "kind": channel.kind,
        "members": list(channel.members),
    }


def _view(view: OpenView) -> Json:
    return {"id": view.id, "user": view.user, "view": view.document}
