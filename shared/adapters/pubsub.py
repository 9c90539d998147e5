"""Publishing to Google Cloud Pub/Sub.

What may be published again: https://cloud.google.com/pubsub/docs/publisher#retry_requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import wait
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.domain.errors import TopicsAway
from shared.ports import Message

if TYPE_CHECKING:
    from google.cloud.pubsub_v1.publisher.futures import Future

ID_ATTRIBUTE: Final = "id"


class PubSubPublisher:
    """Publishes to the topics of one project; a message's id travels as its attribute `id`.

    `prefix` goes before a topic's name. `deadline` bounds one `publish`, however many messages it
    has. The client itself heeds PUBSUB_EMULATOR_HOST. Safe to use from several threads.

    Raises:
        TopicsAway: There are no credentials to be had.
    """

    def __init__(
        self, project: str, *, prefix: str = "", deadline: timedelta = timedelta(seconds=20)
    ) -> None:
        from google.auth.exceptions import GoogleAuthError
        from google.cloud.pubsub_v1 import PublisherClient

        self._project = project
        self._prefix = prefix
        self._seconds = deadline.total_seconds()
        try:
            self._client = PublisherClient()
        except GoogleAuthError as error:
            raise TopicsAway(f"no credentials for Pub/Sub: {type(error).__name__}") from error

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Return once Pub/Sub has every message; publishing one of them twice does no harm.

        Raises:
            TopicsAway: At least one of them is not known to be durable.
        """
        path = self._client.topic_path(self._project, self._prefix + topic)
        futures = [self._begin(path, message) for message in messages]
        done, late = wait(futures, timeout=self._seconds)
        failed = [error for error in (future.exception() for future in done) if error is not None]
        if failed or late:
            why = type(failed[0]).__name__ if failed else f"not confirmed in {self._seconds:g} s"
            count = len(failed) + len(late)
            text = f"{count} of {len(messages)} messages are not published to {path}: {why}"
            raise TopicsAway(f"{text}{_hint(failed)}") from (failed[0] if failed else None)

    def close(self) -> None:
        """Send what is waiting, and stop."""
        self._client.stop()

    def _begin(self, path: str, message: Message) -> Future:
        attributes = {**message.attributes, ID_ATTRIBUTE: message.id}
        return self._client.publish(path, message.data, timeout=self._seconds, **attributes)


def _hint(failed: Sequence[BaseException]) -> str:
    from google.api_core.exceptions import NotFound, PermissionDenied

    if any(isinstance(error, PermissionDenied) for error in failed):
        return " (needs pubsub.topics.publish: roles/pubsub.publisher on the topic)"
    if any(isinstance(error, NotFound) for error in failed):
        return " (there is no such topic)"
    return ""
