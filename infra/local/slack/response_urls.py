"""The response URLs of interactions: five uses within thirty minutes.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from collections.abc import Callable
from dataclasses import replace

from infra.local.slack.errors import SlackError
from infra.local.slack.http import Request, Response, json_response
from infra.local.slack.messages import Conversations
from infra.local.slack.model import Json
from infra.local.slack.sessions import ResponseUrl, Sessions
from infra.local.slack.speech import Speech


class ResponseUrls:
    """Answers what the app posts to a response URL."""

    def __init__(
        self,
        conversations: Conversations,
        sessions: Sessions,
        speech: Speech,
        clock: Callable[[], float],
    ) -> None:
        self._conversations = conversations
        self._sessions = sessions
        self._speech = speech
        self._clock = clock

    def answer(self, request: Request, url_id: str) -> Response:
        """Posts, replaces or deletes a message; a refused answer uses up nothing."""
        body = request.json()
        url = self._sessions.response_url(url_id)
        if url is None or self._clock() > url.expires_at:
            return _refused("expired_url", 404)
        if url.uses_left < 1:
            return _refused("used_url", 404)
        try:
            self._carry_out(url, body)
        except SlackError as error:
            return _refused(error.code, 400)
        self._sessions.spend_response_url(url_id)
        return Response(200, b"ok", "text/plain; charset=utf-8")

    def _carry_out(self, url: ResponseUrl, body: Json) -> None:
        original = self._conversations.message(url.message_ts) if url.message_ts else None
        if body.get("delete_original") is True and original is not None:
            self._conversations.put(replace(original, deleted=True))
        elif body.get("replace_original") is True and original is not None:
            self._speech.replace(original, body)
        else:
            self._speech.answer(body, url.channel, url.user)


def _refused(code: str, status: int) -> Response:
    return json_response({"ok": False, "error": code}, status)
