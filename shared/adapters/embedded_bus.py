"""The bus of the one-machine world: an outbox row is the message, HTTP push the delivery.

It promises what Pub/Sub promises: at least once, in no particular order, again with growing
delays until the answer is 2xx, and a dead letter when that never comes.
"""

from __future__ import annotations

import http.client
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Final

from shared.adapters.embedded_feed import Feed
from shared.adapters.push_client import PushClient, envelope
from shared.adapters.sqlite.messages import Messages, Waiting
from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import Topic
from shared.ports import Message
from shared.wire import rejections

_LOG: Final = logging.getLogger(__name__)
_GRACE_SECONDS: Final = 0.4
"""How long an answer that is nearly there is waited for when the bus stops."""
_STOP_SECONDS: Final = 0.9
_JOIN_SECONDS: Final = 0.01


def everything(attributes: Mapping[str, str]) -> bool:  # noqa: ARG001  # any attributes will do
    """Accepts every message."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A push subscription: messages of `topic` whose attributes it accepts go to `url`.

    Of several routes of a topic the first that accepts a message gets it.
    """

    topic: str
    url: str
    subscription: str
    accepts: Callable[[Mapping[str, str]], bool] = everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How messages are delivered. `workers` are counted for each topic.

    The delay before attempt n+1 is `first_delay` doubled n-1 times, at most `longest_delay`,
    of which a random half is taken off. `deadline` is how long one answer may take. What is
    answered 503, or not at all, may succeed as soon as somebody has mended what is broken: that
    is a dead letter only after `patience` as well.
    """

    workers: Mapping[str, int] = field(
        default_factory=lambda: {"events": 4, "pages": 2, "changes": 2}
    )
    first_delay: timedelta = timedelta(milliseconds=100)
    longest_delay: timedelta = timedelta(seconds=10)
    max_attempts: int = 20
    patience: timedelta = timedelta(days=1)
    poll: timedelta = timedelta(milliseconds=200)
    deadline: timedelta = timedelta(seconds=600)

    def delay(self, failures: int, random: Random) -> float:
        """Seconds until the next attempt after this many failures."""
        doubled: timedelta = self.first_delay * 2 ** min(failures - 1, 20)
        return min(doubled, self.longest_delay).total_seconds() * random.uniform(0.5, 1)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a message was not taken. `passing`: for now, as far as the answer goes."""

    why: str
    passing: bool = False


class EmbeddedBus:
    """Delivers what is published, each topic by workers of its own, until stopped."""

    def __init__(
        self,
        store: SqliteStore,
        routes: Sequence[Route],
        random: Random,
        delivery: Delivery | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        delivery = delivery or Delivery()
        self._workers: list[_Worker] = []
        for topic in dict.fromkeys(route.topic for route in routes):
            feed = Feed(store.messages, topic, delivery.poll.total_seconds(), monotonic)
            store.messages.listen(feed.ring)
            of_topic = tuple(route for route in routes if route.topic == topic)
            self._workers += [
                _Worker(store.messages, feed, of_topic, random, delivery)
                for _ in range(delivery.workers.get(topic, 1))
            ]

    def start(self) -> None:
        """Begin to deliver, with whatever an earlier process left undelivered."""
        for worker in self._workers:
            worker.thread.start()

    def stop(self) -> None:
        """Stop within a second. What is being delivered then is delivered again later."""
        for worker in self._workers:
            worker.feed.stop()
        asked = time.monotonic()
        while any(worker.thread.is_alive() for worker in self._workers):
            waited = time.monotonic() - asked
            if waited > _STOP_SECONDS:
                break
            for worker in self._workers:
                if waited > _GRACE_SECONDS:
                    worker.client.interrupt()
                if worker.thread.is_alive():
                    worker.thread.join(_JOIN_SECONDS)


class _Worker:
    """Delivers one message at a time."""

    def __init__(
        self,
        messages: Messages,
        feed: Feed,
        routes: tuple[Route, ...],
        random: Random,
        delivery: Delivery,
    ) -> None:
        self.feed: Final = feed
        self.thread: Final = threading.Thread(
            target=self._work, name=f"bus-{feed.topic}", daemon=True
        )
        self.client: Final = PushClient(delivery.deadline.total_seconds())
        self._messages = messages
        self._routes = routes
        self._random = random
        self._delivery = delivery

    def _work(self) -> None:
        while not self.feed.stopping(0):
            try:
                message = self.feed.take()
            except Exception as error:  # whatever it is, the topic must go on being served
                _LOG.warning("the bus cannot read topic %s now: %r", self.feed.topic, error)
                self.feed.stopping(self._delivery.poll.total_seconds())
                continue
            if message is not None:
                self._handle(message)
        self.client.close()

    def _handle(self, message: Waiting) -> None:
        """Deliver the message, and record how that ended; a delivery cut off is not recorded."""
        failure = self._deliver(message)
        try:
            if failure is None:
                self._messages.delivered(message.seq)
            elif not self.feed.stopping(0):
                self._failed(message, failure)
        except Exception as trouble:  # the same: the message comes again
            _LOG.warning("how message %s ended is not recorded: %r", message.id, trouble)
            self.feed.again(message, self._delivery.longest_delay.total_seconds())

    def _deliver(self, message: Waiting) -> _Failure | None:
        """What went wrong, or None."""
        route = self._route(message)
        if route is None:
            return _Failure("no subscription accepts it")
        try:
            status = self.client.post(route.url, envelope(message, route.subscription))
        except (OSError, http.client.HTTPException) as error:
            return _Failure(f"no answer: {error!r}", passing=True)
        if http.HTTPStatus.OK <= status < http.HTTPStatus.MULTIPLE_CHOICES:
            return None
        later = status == http.HTTPStatus.SERVICE_UNAVAILABLE
        return _Failure(f"answered with {status}", passing=later)

    def _route(self, message: Waiting) -> Route | None:
        return next((each for each in self._routes if each.accepts(message.attributes)), None)

    def _tell(self, message: Waiting, why: str) -> None:
        """Have somebody paged about a dead letter; of the page about one there is none."""
        told = rejections.rejection(f"dead letters of {message.topic}", why, message.data)
        if message.attributes.get("kind") != rejections.KIND:
            letter = Message(
                id=f"dead-{message.topic}-{message.id}",
                data=rejections.encode(told),
                attributes={"kind": rejections.KIND},
            )
            self._messages.publish(Topic.EVENTS.value, [letter])

    def _failed(self, message: Waiting, failure: _Failure) -> None:
        failures = message.attempts + 1
        dead = self._route(message) is None or self._is_dead(message, failures, failure)
        _LOG.log(
            logging.ERROR if dead else logging.WARNING,
            "message %s of %s, attempt %d: %s%s",
            *(message.id, message.topic, failures, failure.why, "; given up" if dead else ""),
        )
        if dead:
            self._tell(message, f"given up after {failures} deliveries: {failure.why}")
        self._messages.failed(message.seq, failure.why, dead=dead)
        if not dead:
            delay = self._delivery.delay(failures, self._random)
            self.feed.again(replace(message, attempts=failures), delay)

    def _is_dead(self, message: Waiting, failures: int, failure: _Failure) -> bool:
        if failures < self._delivery.max_attempts:
            return False
        return not failure.passing or self._messages.age(message) >= self._delivery.patience
