"""The arguments of a Web API call, however the client sent them.

Slack takes query strings, forms and JSON; in the first two, structured values are JSON text and
booleans are `1`, `0`, `true` or `false`. https://docs.slack.dev/apis/web-api
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from infra.local.slack.errors import SlackError
from infra.local.slack.http import Request
from infra.local.slack.model import Json

_TRUE = frozenset({"1", "true"})


class Arguments:
    """Arguments by name; a value that cannot be read is a SlackError."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def as_sent(self) -> Json:
        """All arguments but the token."""
        return {name: value for name, value in self._values.items() if name != "token"}

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        value = self._values.get(name, default)
        return value if isinstance(value, str) else json.dumps(value)

    def required(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if not value:
            message = f"[ERROR] missing required field: {name} [json-pointer:]"
            raise SlackError("invalid_arguments", [message])
        return value

    def flag(self, name: str) -> bool:
        """A boolean; false when absent."""
        return self.text(name).lower() in _TRUE

    def number(self, name: str, default: int, highest: int) -> int:
        """A whole number of at least 1, cut down to `highest`."""
        text = self.text(name, str(default))
        if not text.isdecimal() or int(text) < 1:
            raise SlackError("invalid_arguments", [f"[ERROR] invalid `{name}`"])
        return min(int(text), highest)

    def structure(self, name: str, error: str) -> Any:
        """A structured value, given as itself or as JSON text; `error` when it is neither."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as problem:
            raise SlackError(error) from problem


def read_arguments(request: Request) -> Arguments:
    """The arguments of `request`; SlackError when its body is not what its type says."""
    values: Json = dict(request.query)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if not request.body:
        return Arguments(values)
    if content_type == "application/json":
        return Arguments(values | _json_object(request.body))
    if content_type == "application/x-www-form-urlencoded":
        return Arguments(values | _form(request.body))
    raise SlackError("invalid_post_type")


def _json_object(body: bytes) -> Json:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(document, dict):
        raise SlackError("json_not_object")
    return document


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError as error:
        raise SlackError("invalid_form_data") from error
