"""Real requests through the simulated Cloud Run's front door, and its deploy control."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest

from tests.contract.simulated_cloud_run import (
    CloudRunUnderTest,
    error_in,
    latest,
    pinned,
    running,
)

FIRST = "backend-00010-kpf"


@pytest.fixture
def cloud_run(tmp_path: Path) -> Iterator[CloudRunUnderTest]:
    """A simulation with the services of `SERVICES`, each on its first revision."""
    with running(tmp_path) as under_test:
        yield under_test


def test_a_good_backend_tells_its_version(cloud_run: CloudRunUnderTest) -> None:
    """``/version`` and ``/`` answer 200, and the header says which revision did."""
    version = cloud_run.http.get("/sim/front/backend/version")
    assert (version.status_code, version.text.strip()) == (200, FIRST)
    assert version.headers["x-sim-revision"] == FIRST
    assert cloud_run.http.get("/sim/front/backend/").status_code == 200
    assert cloud_run.http.get("/sim/front/backend").status_code == 200


def test_a_good_dashboard_sends_to_its_login(cloud_run: CloudRunUnderTest) -> None:
    """``/`` redirects to ``/login``, which answers 200."""
    root = cloud_run.http.get("/sim/front/dashboard/")
    assert (root.status_code, root.headers["Location"]) == (302, "/login")
    assert cloud_run.http.get("/sim/front/dashboard/login?next=%2F").status_code == 200


@pytest.mark.parametrize("path", ["/", "/version", "/login"])
def test_a_failing_revision_answers_500_to_everything(
    cloud_run: CloudRunUnderTest, path: str
) -> None:
    """A bad deploy makes real requests fail as soon as it has the traffic."""
    name = cloud_run.deploy("failing")
    response = cloud_run.http.get(f"/sim/front/backend{path}")
    assert (response.status_code, response.headers["x-sim-revision"]) == (500, name)
    assert name in response.text


@pytest.mark.slow
def test_a_slow_revision_answers_after_three_seconds(cloud_run: CloudRunUnderTest) -> None:
    """It answers well, but late."""
    cloud_run.deploy("slow")
    with listening(cloud_run) as url:
        response = httpx.get(f"{url}/sim/front/backend/version", timeout=10)
    assert response.status_code == 200
    assert response.elapsed.total_seconds() == pytest.approx(3, abs=0.5)


def test_requests_are_spread_by_the_observed_weights(cloud_run: CloudRunUnderTest) -> None:
    """Three in four go to the revision with 75 %, and none to the one with a tag alone."""
    second, third = cloud_run.deploy(), cloud_run.deploy()
    targets = [pinned(FIRST, 75), pinned(second, 25), pinned(third, 0, tag="idle")]
    cloud_run.wait(cloud_run.update(*targets).name)
    answers = [cloud_run.http.get("/sim/front/backend/version") for _ in range(400)]
    seen = Counter(answer.headers["x-sim-revision"] for answer in answers)
    assert seen[FIRST] == pytest.approx(300, abs=40)
    assert seen[FIRST] + seen[second] == 400


def test_the_front_door_follows_observed_and_not_asked_traffic(tmp_path: Path) -> None:
    """While an operation is under way requests still go where they went before."""
    with running(tmp_path, operation_seconds=0.4) as cloud_run:
        second = cloud_run.deploy()
        operation = cloud_run.update(pinned(FIRST))
        during = cloud_run.http.get("/sim/front/backend/version")
        cloud_run.wait(operation.name)
        after = cloud_run.http.get("/sim/front/backend/version")
    assert during.headers["x-sim-revision"] == second
    assert after.headers["x-sim-revision"] == FIRST


def test_a_tags_url_leads_to_its_revision(cloud_run: CloudRunUnderTest) -> None:
    """A revision without traffic can be reached under its tag, with its real behaviour."""
    cloud_run.wait(cloud_run.update(pinned(FIRST)).name)
    failing = cloud_run.deploy("failing")
    cloud_run.wait(cloud_run.update(pinned(FIRST), latest(0, tag="next")).name)
    tagged = cloud_run.http.get("/sim/front/next---backend/version")
    assert (tagged.status_code, tagged.headers["x-sim-revision"]) == (500, failing)
    assert cloud_run.http.get("/sim/front/backend/version").status_code == 200


def test_a_request_nobody_takes_is_answered_plainly(cloud_run: CloudRunUnderTest) -> None:
    """An unknown service is 404; a tag that no revision has is 503."""
    assert cloud_run.http.get("/sim/front/frontend/").status_code == 404
    assert cloud_run.http.get("/sim/front/none---backend/").status_code == 503
    assert cloud_run.http.get("/sim/elsewhere").status_code == 404


def test_bodies_and_methods_reach_the_revision(cloud_run: CloudRunUnderTest) -> None:
    """A request with a body leaves the kept-alive connection fit for the next one."""
    for _ in range(3):
        posted = cloud_run.http.post("/sim/front/backend/version", data=b"x" * 100_000)
        assert posted.status_code == 200
        assert cloud_run.http.head("/sim/front/backend/version").status_code == 200


def test_parallel_requests_are_all_answered(cloud_run: CloudRunUnderTest) -> None:
    """Many clients over real HTTP are served at the same time."""
    with listening(cloud_run) as url:
        results: list[int] = []

        def ask() -> None:
            with httpx.Client() as client:
                answers = [client.get(f"{url}/sim/front/backend/version") for _ in range(20)]
                results.extend(answer.status_code for answer in answers)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [200] * 160


def test_a_deploy_names_its_revision_and_author(cloud_run: CloudRunUnderTest) -> None:
    """The next number and the suffix asked for make the name; the deployer is the modifier."""
    name = cloud_run.deploy(revision_suffix="v4r", deployer="ci@example.com", image="img:2")
    shown = cloud_run.shown()
    assert name == "backend-00011-v4r"
    assert shown["last_modifier"] == "ci@example.com"
    assert shown["generation"] == 11
    newest = shown["revisions"][0]
    assert (newest["name"], newest["behaviour"], newest["ready"]) == (name, "good", True)
    assert newest["image"] == "img:2"


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        (b"{", 400, "JSON"),
        (b'{"service": "backend"}', 400, "behaviour"),
        (b'{"service": "backend", "behaviour": "shy"}', 400, "shy"),
        (b'{"service": "frontend", "behaviour": "good"}', 404, "frontend"),
        (b'{"service": "backend", "behaviour": "good", "revision_suffix": "ABC"}', 400, "suffix"),
    ],
)
def test_an_impossible_deploy_is_refused_with_a_reason(
    cloud_run: CloudRunUnderTest, body: bytes, status: int, complaint: str
) -> None:
    """Bad input is answered with 4xx and a message that names what is wrong."""
    response = cloud_run.http.post("/sim/run/deploy", data=body)
    assert response.status_code == status
    assert complaint in error_in(response)


def test_unknown_controls_and_methods_are_refused(cloud_run: CloudRunUnderTest) -> None:
    """A wrong path is 404 and a wrong method 405, with what there is instead."""
    missing = cloud_run.http.get("/sim/run/reboot")
    assert (missing.status_code, "/sim/run/deploy" in error_in(missing)) == (404, True)
    wrong = cloud_run.http.get("/sim/run/deploy")
    assert (wrong.status_code, "POST" in error_in(wrong)) == (405, True)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing is printed during tests."""


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = False


class listening:  # noqa: N801  (reads as what the test does)
    """The simulation's WSGI application behind a real HTTP server; gives its URL."""

    def __init__(self, cloud_run: CloudRunUnderTest) -> None:
        application = cloud_run.simulation.wsgi
        self._server = make_server("127.0.0.1", 0, application, _Threaded, _Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
