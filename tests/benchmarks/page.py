"""How long after `ingest` accepted an alert Slack has accepted the page.

One alert at a time through the one-machine world, over its real hops: `ingest`, the bus, `respond`,
the bus, `act`, Slack's Web API. Each alert opens an incident, one after the other over many stacks.
Slack's own timestamp says when it had the page; between alerts nothing asks for anything.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from statistics import median
from typing import Any

from tests.benchmarks import town
from tests.benchmarks.figure import Figure
from tests.benchmarks.progress import Progress
from tests.benchmarks.served import INGEST_TOKEN, LocalWorld, folder_of_its_own, load, local_world

PAGES = 400
QUICK_PAGES = 40
_WARM_UP = 10
_LANES = -(-(PAGES + _WARM_UP) // town.STACKS)
_MEDIAN = 15.0
_WORST_HUNDREDTH = 60.0
_QUIET_SECONDS = 0.06


def run(progress: Progress, quick: bool) -> Iterator[Figure]:
    """The median and the 99th percentile, in milliseconds."""
    pages = QUICK_PAGES if quick else PAGES
    before = load()
    with folder_of_its_own() as folder:
        policy = town.write_policy(folder / "policy.yaml", _LANES)
        with local_world(folder, policy) as world, closing(_Senders(world)) as senders:
            took: list[float] = []
            trips: list[float] = []
            for number, alert in enumerate(islice(town.opening("page"), _WARM_UP + pages)):
                progress(f"page: {number} of {_WARM_UP + pages}")
                trips.append(senders.round_trip())
                took.append(senders.page(alert))
    took = sorted(took[_WARM_UP:])
    details = {
        "pages": pages,
        "worst": took[-1],
        "round_trip_of_an_empty_request": median(trips),
        "load_average": [before, load()],
    }
    yield Figure(
        name="alert accepted to page accepted, median",
        value=median(took),
        unit="ms",
        promised=_MEDIAN,
        details=details,
    )
    yield Figure(
        name="alert accepted to page accepted, 99th percentile",
        value=took[len(took) * 99 // 100],
        unit="ms",
        promised=_WORST_HUNDREDTH,
        details=details,
    )


class _Senders:
    """Sends alerts to the world, and looks at its Slack."""

    def __init__(self, world: LocalWorld) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=30)
        self._seen = self._changes(None)["revision"]

    def page(self, alert: dict[str, Any]) -> float:
        """Milliseconds from the moment the alert was accepted to the page's own timestamp."""
        headers = {"Authorization": f"Bearer {INGEST_TOKEN}"}
        status, _ = self._ask("POST", "/ingest", town.webhook(alert), headers)
        accepted = time.time()
        assert status == http.client.OK, f"ingest answered {status}"
        posted: list[float] = []
        while not posted:
            time.sleep(_QUIET_SECONDS)
            found = self._changes(self._seen)
            self._seen = found["revision"]
            posted = [float(each["ts"]) for each in found["messages"]]
        time.sleep(_QUIET_SECONDS)
        return (max(posted) - accepted) * 1000

    def round_trip(self) -> float:
        """Milliseconds that a request takes which finds nothing to do."""
        began = time.perf_counter()
        self._ask("GET", "/api/health")
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _changes(self, since: int | None) -> dict[str, Any]:
        """What changed in Slack; waits for a change if there is none yet."""
        query = "" if since is None else f"?since={since}"
        status, body = self._ask("GET", f"/sim/slack/changes{query}")
        assert status == http.client.OK, f"the simulated Slack answered {status}"
        found: dict[str, Any] = json.loads(body)
        return found

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        self._connection.request(method, path, body or None, headers or {})
        answer = self._connection.getresponse()
        return answer.status, answer.read()
