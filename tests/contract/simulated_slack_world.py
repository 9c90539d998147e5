"""A simulated Slack on a real port, with an app behind it that records what it is sent."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from infra.local.server import serve
from infra.local.slack import SimulatedSlack, SlackPerson

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BOT_TOKEN = "xoxb-the-only-token"
MARIA = SlackPerson("U0MARIA", "maria", "Maria Lopes", "Runtime on-call")
KENJI = SlackPerson("U0KENJI", "kenji", "Kenji Sato", "Incident commander")
DEADLINE_SECONDS = 10.0


@dataclass(slots=True)
class VirtualClock:
    """Unix seconds that pass only when a test says so."""

    now: float = 1_770_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True, slots=True)
class Received:
    """One request that the app received."""

    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def payload(self) -> Any:
        return json.loads(self.form["payload"])

    def is_signed(self, now: float) -> bool:
        """Whether slack_sdk's own verifier accepts it at `now`."""
        verifier = SignatureVerifier(SIGNING_SECRET)
        verifier.clock.now = lambda: now  # type: ignore[method-assign]
        return verifier.is_valid_request(self.body, self.headers)


@dataclass(slots=True)
class App:
    """The app's function: keeps what it is sent, answers what the test wants."""

    received: Queue[Received] = field(default_factory=Queue)
    status: str = "200 OK"
    content_type: str = "application/json"
    body: bytes = b""
    during: Callable[[Received], object] = field(default=lambda _: None)

    def answer(self, document: object) -> None:
        self.body = json.dumps(document).encode()

    def take(self) -> Received:
        return self.received.get(timeout=DEADLINE_SECONDS)

    def wsgi(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith(("HTTP_", "CONTENT_TYPE"))
        }
        length = int(environ.get("CONTENT_LENGTH") or 0)
        received = Received(headers, environ["wsgi.input"].read(length))
        self.received.put(received)
        self.during(received)
        start(self.status, [("Content-Type", self.content_type)])
        return [self.body]


@dataclass(frozen=True, slots=True)
class SlackWorld:
    """Everything a test needs to talk to a simulated Slack."""

    sim: SimulatedSlack
    base_url: str
    app: App
    clock: VirtualClock
    slack: WebClient
    http: httpx.Client

    def messages(self, channel: str = "#incidents") -> list[Any]:
        found = self.http.get("/sim/slack/messages", params={"channel": channel}).json()
        assert isinstance(found, list)
        return found

    def post(self, path: str, **body: object) -> httpx.Response:
        return self.http.post(f"/sim/slack/{path}", json=body)


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits until `holds()`; fails the test when it does not within the deadline."""
    deadline = monotonic() + DEADLINE_SECONDS
    while not holds():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.01)


class LateBound:
    """An application that is known only after its server has a port."""

    def __init__(self) -> None:
        self.application: WSGIApplication | None = None

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        assert self.application is not None
        return self.application(environ, start)


@contextmanager
def slack_world(
    data: Path, *, clock: VirtualClock | None = None, answer_seconds: float = 3.0, port: int = 0
) -> Iterator[SlackWorld]:
    """A simulated Slack with Maria, Kenji, `#incidents` and `#releases`."""
    app, late, clock = App(), LateBound(), clock or VirtualClock()
    with serve(app.wsgi) as app_url, serve(late, port) as base_url:
        sim = SimulatedSlack(
            data,
            base_url,
            f"{app_url}/slack",
            SIGNING_SECRET,
            BOT_TOKEN,
            [MARIA, KENJI],
            ["incidents", "#releases"],
            clock,
            answer_seconds,
        )
        late.application = sim.wsgi
        slack = WebClient(BOT_TOKEN, base_url=f"{base_url}/sim/slack/api/")
        with httpx.Client(base_url=base_url, timeout=DEADLINE_SECONDS) as http:
            try:
                yield SlackWorld(sim, base_url, app, clock, slack, http)
            finally:
                sim.stop()


def section(text: str) -> dict[str, Any]:
    """A section block with mrkdwn text."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action_id: str, label: str = "Approve rollback", **more: object) -> dict[str, Any]:
    """A button element."""
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "action_id": action_id, "text": text, **more}


def actions(*elements: dict[str, Any], block_id: str = "decide") -> dict[str, Any]:
    """An actions block."""
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def modal(*blocks: dict[str, Any], **more: object) -> dict[str, Any]:
    """A modal with a title and a submit button."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Roll back"},
        "submit": {"type": "plain_text", "text": "Propose"},
        "blocks": list(blocks),
        **more,
    }


def reason_input(**more: object) -> dict[str, Any]:
    """An input block that asks for a reason."""
    element = {"type": "plain_text_input", "action_id": "text", "multiline": True}
    label = {"type": "plain_text", "text": "Reason"}
    return {"type": "input", "block_id": "reason", "label": label, "element": element, **more}
