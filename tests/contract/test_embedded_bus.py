"""The embedded bus, over real HTTP: at least once, again with delays, dead letters."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.adapters.embedded_bus import Delivery, EmbeddedBus, Route
from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import ActionKind, Done
from shared.ports import Lease, Message, Settlement
from shared.wire import rejections
from tests.contract.store_contract import action, at, put
from tests.fakes.clock import ManualClock

SOON = Delivery(first_delay=timedelta(milliseconds=1), longest_delay=timedelta(milliseconds=5))
NEVER_POLLS = replace(SOON, poll=timedelta(seconds=60))
DEADLINE_SECONDS = 20.0


class Subscriber(ThreadingHTTPServer):
    """Remembers each envelope with its path, and answers as it is told to."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answer: Callable[[str], int] = lambda _: 204
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.peers: set[tuple[str, int]] = set()
        self.held = threading.Event()
        self.let_go = threading.Event()

    def hold(self) -> int:
        """Answer only when told to."""
        self.held.set()
        self.let_go.wait(DEADLINE_SECONDS)
        return 204

    def ids(self, path: str = "/") -> list[str]:
        """The ids of the messages that came to this path, in order."""
        return [each["message"]["messageId"] for where, each in self.got if where == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Subscriber

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.peers.add(self.client_address)
        self.server.got.append((self.path, json.loads(body)))
        self.send_response(self.server.answer(self.path))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def server() -> Iterator[Subscriber]:
    """A subscriber that acknowledges everything."""
    with closing_server(Subscriber()) as running:
        yield running


@contextmanager
def closing_server(server: Subscriber) -> Iterator[Subscriber]:
    """Serves until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store on an empty file."""
    with closing(SqliteStore(tmp_path / "switchman.db", ManualClock(at(0)))) as opened:
        yield opened


@pytest.fixture
def start(server: Subscriber, store: SqliteStore) -> Iterator[Callable[..., EmbeddedBus]]:
    """Starts a bus that is stopped at the end; without routes, three topics lead to "/"."""
    with ExitStack() as stack:

        def started(*routes: Route, delivery: Delivery = SOON) -> EmbeddedBus:
            given = routes or tuple(route(t, server) for t in ("events", "pages", "changes"))
            bus = EmbeddedBus(store, given, Random(1), delivery)
            stack.callback(bus.stop)
            bus.start()
            return bus

        yield started


def route(topic: str, server: Subscriber, path: str = "/", **more: Any) -> Route:
    """A route to a path of the subscriber."""
    return Route(topic=topic, url=server.url + path, subscription=f"{topic}-push", **more)


def publish(store: SqliteStore, topic: str, *ids: str, **attributes: str) -> None:
    """Publishes messages whose data is their id."""
    messages = [Message(id=each, data=each.encode(), attributes=attributes) for each in ids]
    store.messages.publish(topic, messages)


def eventually(what: Callable[[], object]) -> None:
    """Waits until it is true, or fails."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.002)


def idle(store: SqliteStore, topic: str) -> bool:
    """Whether no message of the topic waits."""
    return store.messages.counts(topic)[0] == 0


def test_message_arrives_as_a_push_envelope(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """The body is what Pub/Sub would push, and an acknowledged message comes no more."""
    start()
    publish(store, "events", "m1", kind="alert")
    eventually(lambda: idle(store, "events"))
    assert server.got == [
        (
            "/",
            {
                "message": {
                    "data": base64.b64encode(b"m1").decode(),
                    "messageId": "m1",
                    "attributes": {"kind": "alert"},
                    "publishTime": "2026-03-01T12:00:00.000000Z",
                },
                "subscription": "projects/local/subscriptions/events-push",
                "deliveryAttempt": 1,
            },
        )
    ]


def test_refused_message_comes_again(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """An answer other than 2xx brings the message again, with the attempt counted."""
    answers = iter([500, 429, 302, 404, 200])
    server.answer = lambda _: next(answers)
    start()
    publish(store, "events", "m1")
    eventually(lambda: idle(store, "events"))
    assert [body["deliveryAttempt"] for _, body in server.got] == [1, 2, 3, 4, 5]
    assert store.dead_letters() == ()


def test_message_outlives_a_subscriber_that_is_away(
    store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """No answer at all is a refusal too; the message arrives once somebody listens."""
    server = Subscriber()
    with closing_server(server):
        server.answer = lambda _: 204
    start(route("events", server), delivery=replace(SOON, max_attempts=10**6))
    publish(store, "events", "m1")
    eventually(lambda: store.messages.waiting("events", 0, 1)[0].attempts > 2)
    assert not idle(store, "events")


def test_delays_double_and_are_bounded() -> None:
    """0.1 s, doubling to 10 s, of which a random half at most is taken off."""
    delivery = Delivery()
    full, half = _Extreme(1.0), _Extreme(0.0)
    assert [delivery.delay(n, full) for n in (1, 2, 3, 7, 8, 5000)] == [0.1, 0.2, 0.4, 6.4, 10, 10]
    assert [delivery.delay(n, half) for n in (1, 2, 8)] == [0.05, 0.1, 5]


class _Extreme(Random):
    """Always the same end of the range."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self.share


def test_given_up_message_is_a_dead_letter(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """After the last attempt the message is kept with what was wrong, and others pass on."""
    server.answer = lambda _: 500 if server.ids()[-1] == "bad" else 204
    start(delivery=replace(SOON, max_attempts=3, workers={}))
    publish(store, "events", "bad", "good")
    eventually(lambda: store.dead_letters() and idle(store, "events"))
    (dead,) = store.dead_letters()
    assert (dead.message.id, dead.message.topic, dead.message.data) == ("bad", "events", b"bad")
    assert (dead.message.attempts, dead.last_error) == (3, "answered with 500")
    assert sorted(server.ids()) == ["bad", "bad", "bad", "dead-events-bad", "good"]
    assert store.messages.counts("events") == (0, 1)


def test_what_may_succeed_later_is_not_given_up_while_something_is_being_mended(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """503 says that Switchman cannot work now: the message waits until it can."""
    mended = threading.Event()
    server.answer = lambda _: 204 if mended.is_set() else 503
    start(delivery=replace(SOON, max_attempts=2))
    publish(store, "events", "patient")
    eventually(lambda: len(server.ids()) > 10)
    assert store.dead_letters() == ()
    mended.set()
    eventually(lambda: idle(store, "events"))


def test_patience_has_an_end(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """What nobody has mended for so long is a dead letter after all."""
    server.answer = lambda _: 503
    start(delivery=replace(SOON, max_attempts=2, patience=timedelta()))
    publish(store, "events", "late")
    eventually(lambda: any(dead.message.id == "late" for dead in store.dead_letters()))


def test_a_dead_letter_of_any_topic_is_told_as_an_event(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """Somebody hears of it: what died, why, and a piece of it go to whoever handles events."""
    server.answer = lambda _: 500 if server.ids()[-1] == "gone" else 204
    start(route("pages", server), route("events", server), delivery=replace(SOON, max_attempts=2))
    publish(store, "pages", "gone")
    eventually(lambda: "dead-pages-gone" in server.ids())
    _, pushed = server.got[-1]
    told = rejections.decode(base64.b64decode(pushed["message"]["data"]))
    assert told.source == "dead letters of pages"
    assert told.reason == "given up after 2 deliveries: answered with 500"


def test_what_tells_of_a_dead_letter_may_die_too(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """Nothing goes round for ever where nobody answers at all."""
    server.answer = lambda _: 500
    start(delivery=replace(SOON, max_attempts=2))
    publish(store, "events", "bad")
    eventually(lambda: store.messages.counts("events") == (0, 2))
    assert sorted(set(server.ids())) == ["bad", "dead-events-bad"]


def test_attributes_choose_the_route(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """Commands go to one function and everything else to another."""

    def is_command(attributes: Mapping[str, str]) -> bool:
        return attributes.get("kind") == "command"

    start(route("events", server, "/command", accepts=is_command), route("events", server, "/rest"))
    publish(store, "events", "press", kind="command")
    publish(store, "events", "alert", kind="alert")
    publish(store, "events", "plain")
    eventually(lambda: idle(store, "events"))
    assert server.ids("/command") == ["press"]
    assert sorted(server.ids("/rest")) == ["alert", "plain"]


def test_message_that_no_route_accepts_is_a_dead_letter(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """Nothing is dropped in silence, and nothing hopeless is tried again."""
    start(route("events", server, accepts=lambda attributes: "kind" in attributes))
    publish(store, "events", "stray")
    eventually(lambda: store.dead_letters() and idle(store, "events"))
    assert store.dead_letters()[0].last_error == "no subscription accepts it"
    assert server.ids() == ["dead-events-stray"]


def test_publishing_wakes_the_bus(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """A message published here is delivered at once, long before the next poll."""
    start(delivery=NEVER_POLLS)
    for number in range(5):
        publish(store, "events", f"m{number}")
        eventually(lambda: idle(store, "events"))
    assert server.ids() == [f"m{number}" for number in range(5)]


def test_committing_wakes_the_bus(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """The actions of a commit are delivered at once, each on its topic, one for each id."""
    start(
        route("pages", server, "/pages"),
        route("changes", server, "/changes"),
        delivery=NEVER_POLLS,
    )
    put(store, "e1", actions=(action("e1-0"), action("e1-1", ActionKind.PLAN)))
    eventually(lambda: idle(store, "pages") and idle(store, "changes"))
    assert server.ids("/pages") == ["e1-0"]
    assert server.ids("/changes") == ["e1-1"]


def test_other_processes_messages_are_polled(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus], tmp_path: Path
) -> None:
    """A message that another process wrote into the file is found by looking."""
    start()
    with closing(SqliteStore(tmp_path / "switchman.db", ManualClock(at(0)))) as other:
        publish(other, "events", "m1")
    eventually(lambda: server.ids() == ["m1"])


def test_blocked_changes_do_not_hold_up_pages(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """While every worker of `changes` waits for an answer, pages are delivered."""
    server.answer = lambda path: server.hold() if path == "/changes" else 204
    start(route("changes", server, "/changes"), route("pages", server, "/pages"))
    publish(store, "changes", "c1", "c2", "c3")
    eventually(lambda: len(server.ids("/changes")) == 2)
    publish(store, "pages", "p1", "p2")
    eventually(lambda: idle(store, "pages"))
    assert store.messages.counts("changes") == (3, 0)
    server.let_go.set()
    eventually(lambda: idle(store, "changes"))


def test_stop_is_quick_and_the_rest_is_delivered_after_a_restart(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """A delivery cut off by the end of the bus is made again by the next one, at once."""
    server.answer = lambda _: server.hold()
    first = start(delivery=replace(NEVER_POLLS, longest_delay=timedelta(hours=1)))
    publish(store, "events", "m1")
    assert server.held.wait(DEADLINE_SECONDS)
    asked = time.monotonic()
    first.stop()
    assert time.monotonic() - asked < 1
    server.let_go.set()
    assert not idle(store, "events")
    start(delivery=NEVER_POLLS)
    eventually(lambda: idle(store, "events"))
    assert server.ids() == ["m1", "m1"]
    assert server.got[-1][1]["deliveryAttempt"] == 1


def test_delays_do_not_outlive_the_process(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """A message that waited for its next attempt is tried at once after a restart."""
    server.answer = lambda _: 500
    hour = timedelta(hours=1)
    first = start(delivery=replace(SOON, first_delay=hour, longest_delay=hour))
    publish(store, "events", "m1")
    eventually(lambda: store.messages.waiting("events", 0, 1)[0].attempts == 1)
    first.stop()
    server.answer = lambda _: 204
    start()
    eventually(lambda: idle(store, "events"))
    assert [body["deliveryAttempt"] for _, body in server.got] == [1, 2]


def test_waiting_message_is_not_published_twice(store: SqliteStore) -> None:
    """Publishing an id that is still waiting changes nothing."""
    publish(store, "events", "m1", "m2")
    publish(store, "events", "m1")
    assert [each.id for each in store.messages.waiting("events", 0, 9)] == ["m1", "m2"]


def test_time_of_publication_never_goes_back(tmp_path: Path) -> None:
    """It tells which of two messages was said last, also where the clock was set back between."""
    clock = ManualClock(at(0))
    with closing(SqliteStore(tmp_path / "switchman.db", clock)) as store:
        publish(store, "events", "m1")
        clock.advance(-timedelta(hours=1))
        publish(store, "events", "m2")
        publish(store, "events", "m3")
        one, two, three = (m.published_at for m in store.messages.waiting("events", 0, 9))
    assert one < two < three


def test_delivered_message_may_be_published_again(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """A repeat of a message that was delivered, or given up, is delivered again."""
    server.answer = lambda _: 204 if len(server.got) != 2 else 500
    start(delivery=replace(SOON, max_attempts=1))
    for _ in range(3):
        publish(store, "events", "m1")
        eventually(lambda: idle(store, "events"))
    assert [each for each in server.ids() if each == "m1"] == ["m1"] * 3
    assert store.dead_letters() == ()


def test_message_of_a_settled_action_stays_delivered(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """An unsettled action's message may be sent again; a settled one's has nothing to say."""
    start()
    put(store, "e1", actions=(action("e1-0"),))
    eventually(lambda: idle(store, "pages"))
    publish(store, "pages", "e1-0")
    eventually(lambda: len(server.ids()) == 2 and idle(store, "pages"))
    held = store.claim("e1-0", timedelta(minutes=1))
    assert isinstance(held, Lease)
    settles = Settlement(action="e1-0", fence=held.fence, outcome=Done())
    put(store, "e1-0-1", settles=settles)
    publish(store, "pages", "e1-0")
    assert idle(store, "pages")


def test_connections_are_kept(
    server: Subscriber, store: SqliteStore, start: Callable[..., EmbeddedBus]
) -> None:
    """A worker delivers many messages over one connection."""
    start(route("events", server), delivery=replace(SOON, workers={"events": 1}))
    publish(store, "events", *(f"m{number}" for number in range(50)))
    eventually(lambda: idle(store, "events"))
    assert server.ids() == [f"m{number}" for number in range(50)]
    assert len(server.peers) == 1
