"""Reading what whoever drives the simulator sends; every fault is a RequestError."""

from typing import Any

from infra.local.slack.errors import RequestError
from infra.local.slack.messages import Conversations
from infra.local.slack.model import Channel, Json, SlackPerson, Workspace


class Fields:
    """The fields of one JSON body."""

    def __init__(self, body: Json, workspace: Workspace, conversations: Conversations) -> None:
        self._body = body
        self._workspace = workspace
        self._conversations = conversations

    def text(self, name: str, default: str | None = None) -> str:
        """A string; it must be there unless there is a default."""
        value = self._body.get(name, default)
        if not isinstance(value, str):
            raise RequestError(400, f"`{name}` must be a string")
        return value

    def number(self, name: str, default: float) -> float:
        """A number that is not negative."""
        value = self._body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise RequestError(400, f"`{name}` must be a number, 0 or more")
        return float(value)

    def raw(self, name: str, default: Any) -> Any:
        """The value as it was sent."""
        return self._body.get(name, default)

    def person(self) -> SlackPerson:
        """The person in `user`, by handle or id."""
        wanted = self.text("user")
        person = self._workspace.person(wanted)
        if person is None:
            handles = ", ".join(known.handle for known in self._workspace.people)
            raise RequestError(404, f"no person {wanted!r}; there are: {handles}")
        return person

    def channel(self) -> Channel:
        """The channel in `channel`, by id or name; the first one when the field is absent."""
        wanted = self.text("channel", self._workspace.channels[0].id)
        return find_channel(self._conversations, self._workspace, wanted)


def find_channel(conversations: Conversations, workspace: Workspace, wanted: str) -> Channel:
    """The channel of this id, `name`, `#name` or `@person`; RequestError (404) if there is none."""
    if wanted.startswith("@"):
        person = workspace.person(wanted)
        direct = (c for c in conversations.channels() if c.kind == "im")
        found = next((c for c in direct if person is not None and c.members == (person.id,)), None)
    else:
        found = conversations.channel(wanted) or conversations.public_channel(wanted)
    if found is None:
        raise RequestError(404, f"no channel {wanted!r}")
    return found


def display_name(channel: Channel) -> str:
    """The channel's name as people write it: `#incidents`, `@maria`."""
    return f"@{channel.name}" if channel.kind == "im" else f"#{channel.name}"
