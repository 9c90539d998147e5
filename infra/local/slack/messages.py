"""Channels and messages as they are kept."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from infra.local.slack.database import Database
from infra.local.slack.model import Channel, Message, Workspace, format_ts, parse_ts

_NEVER = 2**62


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a conversation: microseconds, both ends outside unless `inclusive`."""

    oldest: int = -1
    latest: int = _NEVER
    inclusive: bool = False

    @property
    def bounds(self) -> tuple[int, int]:
        """The first and the last microsecond that belong to it."""
        inner = 0 if self.inclusive else 1
        return self.oldest + inner, self.latest - inner


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """What the parent of a thread shows of its replies."""

    reply_count: int
    reply_users: tuple[str, ...]
    latest_reply: str


class Conversations:
    """The channels, and the messages in them; a deleted message leaves its timestamp taken."""

    def __init__(self, database: Database, workspace: Workspace) -> None:
        self._database = database
        with database.transaction():
            for channel in workspace.channels:
                self.add_channel(channel)

    def add_channel(self, channel: Channel) -> bool:
        """Keeps the channel; False when it was already there."""
        row = (channel.id, channel.name, channel.kind, json.dumps(channel.members))
        with self._database.transaction() as connection:
            cursor = connection.execute("INSERT OR IGNORE INTO channels VALUES (?, ?, ?, ?)", row)
            return cursor.rowcount > 0

    def channels(self) -> tuple[Channel, ...]:
        """Every channel, public ones first, each kind by name."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT * FROM channels ORDER BY kind, name").fetchall()
        return tuple(
            Channel(row["id"], row["name"], row["kind"], tuple(json.loads(row["members"])))
            for row in rows
        )

    def channel(self, channel_id: str) -> Channel | None:
        """The channel of this id; None when there is none."""
        return next((c for c in self.channels() if c.id == channel_id), None)

    def public_channel(self, name: str) -> Channel | None:
        """The public channel of this name (`#` optional); None when there is none."""
        wanted = name.removeprefix("#")
        return next((c for c in self.channels() if c.kind == "channel" and c.name == wanted), None)

    def post(self, draft: Message, now: float) -> Message:
        """Keeps `draft` under a timestamp no earlier message has; `now` in Unix seconds."""
        with self._database.transaction() as connection:
            last = connection.execute("SELECT max(micros) FROM messages").fetchone()[0] or 0
            message = replace(draft, ts=format_ts(max(round(now * 1e6), last + 1)))
            self.put(message)
        return message

    def put(self, message: Message) -> None:
        """Keeps the message as it now is."""
        thread = parse_ts(message.thread_ts) if message.thread_ts else None
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    message.micros,
                    message.channel,
                    thread,
                    message.ephemeral_to is not None,
                    message.deleted,
                    self._database.raise_revision(),
                    json.dumps(message.to_json()),
                ),
            )

    def message(self, ts: str) -> Message | None:
        """The message of this timestamp; None when there is none, or it was deleted."""
        found = self._select("micros = ? AND NOT deleted", (parse_ts(ts),))
        return found[0] if found else None

    def history(self, channel_id: str, span: Span) -> list[Message]:
        """What the channel shows, newest first: no replies, nothing ephemeral."""
        where = "channel = ? AND micros BETWEEN ? AND ? AND NOT deleted AND NOT ephemeral"
        top = self._select(where + " AND thread IS NULL", (channel_id, *span.bounds))
        return top[::-1]

    def replies(self, channel_id: str, thread_ts: str, span: Span) -> list[Message]:
        """The replies in one thread, oldest first, nothing ephemeral."""
        where = "channel = ? AND thread = ? AND micros BETWEEN ? AND ?"
        parameters = (channel_id, parse_ts(thread_ts), *span.bounds)
        return self._select(where + " AND NOT deleted AND NOT ephemeral", parameters)

    def thread(self, parent: Message) -> ThreadSummary | None:
        """The replies of `parent` in short; None when there are none."""
        replies = self.replies(parent.channel, parent.ts, Span())
        if not replies:
            return None
        users = tuple(dict.fromkeys(reply.user for reply in replies))
        return ThreadSummary(len(replies), users, replies[-1].ts)

    def all(self, channel_id: str | None = None) -> list[Message]:
        """Every message that was not deleted, oldest first, ephemeral ones included."""
        if channel_id is None:
            return self._select("NOT deleted", ())
        return self._select("channel = ? AND NOT deleted", (channel_id,))

    def changed_since(self, revision: int) -> list[Message]:
        """Messages posted, edited or deleted after `revision`, oldest first."""
        return self._select("revision > ?", (revision,))

    def _select(self, where: str, parameters: Iterable[str | int | None]) -> list[Message]:
        query = f"SELECT document FROM messages WHERE {where} ORDER BY micros"  # noqa: S608 - `where` is ours
        with self._database.transaction() as connection:
            rows = connection.execute(query, tuple(parameters)).fetchall()
        return [Message.from_json(json.loads(row["document"])) for row in rows]
