"""Posting Pub/Sub push envelopes over HTTP, with connections that are kept."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from shared.adapters.sqlite.messages import Waiting
from shared.domain.ids import stamp

_HEADERS: Final[Mapping[str, str]] = {"Content-Type": "application/json"}


def envelope(message: Waiting, subscription: str) -> bytes:
    """The message as Pub/Sub pushes it.

    https://cloud.google.com/pubsub/docs/push#receive_push
    """
    return json.dumps(
        {
            "message": {
                "data": base64.b64encode(message.data).decode("ascii"),
                "messageId": message.id,
                "attributes": message.attributes,
                "publishTime": stamp(message.published_at),
            },
            "subscription": f"projects/local/subscriptions/{subscription}",
            "deliveryAttempt": message.attempts + 1,
        }
    ).encode()


class PushClient:
    """One worker's connections, one for each server. `timeout` is in seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def post(self, url: str, body: bytes) -> int:
        """The answer's status. Raises `OSError` or `HTTPException` when there is no answer.

        A kept connection that the server has closed meanwhile is opened anew, once.
        """
        where = urlsplit(url)
        path = f"{where.path or '/'}{'?' if where.query else ''}{where.query}"
        connection = self._connections.get(where.netloc)
        if connection is not None:
            with suppress(ConnectionError):
                return self._ask(where.netloc, connection, path, body)
        connection = http.client.HTTPConnection(where.netloc, timeout=self._timeout)
        self._connections[where.netloc] = connection
        return self._ask(where.netloc, connection, path, body)

    def interrupt(self) -> None:
        """End a request that is under way; may be called from another thread."""
        for connection in tuple(self._connections.values()):
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _ask(
        self, server: str, connection: http.client.HTTPConnection, path: str, body: bytes
    ) -> int:
        try:
            connection.request("POST", path, body, dict(_HEADERS))
            response = connection.getresponse()
            response.read()
        except BaseException:
            connection.close()
            self._connections.pop(server, None)
            raise
        return response.status
