"""What lives for a while: modals, trigger ids, response URLs."""

import json
import secrets
from dataclasses import dataclass

from infra.local.slack.database import Database
from infra.local.slack.model import Json

# https://docs.slack.dev/interactivity/handling-user-interaction
TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass(frozen=True, slots=True)
class OpenView:
    """A modal and the person who sees it."""

    user: str
    document: Json
    open: bool = True

    @property
    def id(self) -> str:
        """The view's id, as `views.open` answered it."""
        return str(self.document["id"])


@dataclass(frozen=True, slots=True)
class Trigger:
    """Permission to open one modal for `user` until `expires_at` (Unix seconds)."""

    user: str
    expires_at: float
    used: bool


@dataclass(frozen=True, slots=True)
class ResponseUrl:
    """Permission to answer one interaction a few times until `expires_at` (Unix seconds)."""

    channel: str
    user: str
    message_ts: str | None
    expires_at: float
    uses_left: int


class Sessions:
    """Modals, trigger ids and response URLs as they are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_view(self, view: OpenView) -> None:
        """Keeps the modal as it now is, open or closed."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?, ?, ?)",
                (
                    view.id,
                    view.user,
                    view.document["external_id"],
                    view.open,
                    self._database.raise_revision(),
                    json.dumps(view.document),
                ),
            )

    def view(self, view_id: str) -> OpenView | None:
        """The open modal of this id; None when there is none."""
        found = self._views("open AND id = ?", view_id)
        return found[0] if found else None

    def view_by_external_id(self, external_id: str) -> OpenView | None:
        """The open modal that the app named so; None when there is none."""
        found = self._views("open AND external_id = ?", external_id)
        return found[0] if found else None

    def views(self) -> list[OpenView]:
        """Every open modal, in the order in which they last changed."""
        return self._views("open AND revision > ?", 0)

    def views_changed_since(self, revision: int) -> list[OpenView]:
        """Modals opened, updated or closed after `revision`."""
        return self._views("revision > ?", revision)

    def new_trigger(self, user: str, now: float) -> str:
        """A trigger id with which a modal can be opened for `user`, once and soon."""
        trigger_id = f"{int(now)}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}"
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO triggers VALUES (?, ?, ?, 0)",
                (trigger_id, user, now + TRIGGER_SECONDS),
            )
        return trigger_id

    def trigger(self, trigger_id: str) -> Trigger | None:
        """The trigger of this id; None when Slack never gave it out."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT * FROM triggers WHERE id = ?", (trigger_id,)
            ).fetchone()
        return Trigger(row["user"], row["expires_at"], bool(row["used"])) if row else None

    def spend_trigger(self, trigger_id: str) -> None:
        """Marks the trigger as exchanged for a modal."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE triggers SET used = 1 WHERE id = ?", (trigger_id,))

    def new_response_url(self, channel: str, user: str, message_ts: str | None, now: float) -> str:
        """The id of a fresh response URL."""
        url_id = secrets.token_hex(16)
        expires_at = now + RESPONSE_URL_SECONDS
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO response_urls VALUES (?, ?, ?, ?, ?, ?)",
                (url_id, channel, user, message_ts, expires_at, RESPONSE_URL_USES),
            )
        return url_id

    def response_url(self, url_id: str) -> ResponseUrl | None:
        """The response URL of this id; None when Slack never gave it out."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT channel, user, message_ts, expires_at, uses_left"
                " FROM response_urls WHERE id = ?",
                (url_id,),
            ).fetchone()
        return ResponseUrl(*row) if row else None

    def spend_response_url(self, url_id: str) -> None:
        """Counts one use of the response URL."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE response_urls SET uses_left = uses_left - 1 WHERE id = ?", (url_id,)
            )

    def _views(self, where: str, parameter: str | int) -> list[OpenView]:
        query = f"SELECT * FROM views WHERE {where} ORDER BY revision"  # noqa: S608 - `where` is ours
        with self._database.transaction() as connection:
            rows = connection.execute(query, (parameter,)).fetchall()
        return [OpenView(r["user"], json.loads(r["document"]), bool(r["open"])) for r in rows]
