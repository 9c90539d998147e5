"""The simulated Cloud Run's state survives whatever happens to its process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.api_core import exceptions

from infra.local.cloud_run import SimulatedCloudRun
from tests.contract.simulated_cloud_run import BASE_URL, SERVICES, pinned, running, until

FIRST = "backend-00010-kpf"
REPOSITORY = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from tests.contract.simulated_cloud_run import pinned, running

with running(Path(sys.argv[1])) as cloud_run:
    for number in range(100_000):
        cloud_run.update(pinned("backend-00010-kpf", tag=f"t{number}"))
        print(number, flush=True)
"""


def test_a_second_life_serves_the_same_revisions(tmp_path: Path) -> None:
    """Everything answered before an abrupt end is there again on a copy of the data."""
    with running(tmp_path / "first") as cloud_run:
        second = cloud_run.deploy("failing", revision_suffix="v4r", labels={"commit": "abc"})
        cloud_run.wait(cloud_run.update(pinned(FIRST, tag="good"), user="ada@example.com").name)
        before, log = cloud_run.shown(), cloud_run.log()
        shutil.copytree(tmp_path / "first", tmp_path / "second")
    with running(tmp_path / "second") as cloud_run:
        assert cloud_run.shown() == before
        assert cloud_run.log() == log
        answer = cloud_run.http.get("/sim/front/backend/version")
        assert (answer.status_code, answer.headers["x-sim-revision"]) == (200, FIRST)
        assert cloud_run.deploy() not in (FIRST, second)


def test_an_operation_goes_on_in_the_second_life(tmp_path: Path) -> None:
    """An operation in flight at the end is finished at its due time, under its old name."""
    with running(tmp_path / "first", operation_seconds=2.0) as cloud_run:
        operation = cloud_run.update(pinned(FIRST))
        shutil.copytree(tmp_path / "first", tmp_path / "second")
    with running(tmp_path / "second") as cloud_run:
        assert cloud_run.shown()["reconciling"]
        assert cloud_run.wait(operation.name).done
        assert not cloud_run.shown()["reconciling"]
        assert cloud_run.shown()["traffic_statuses"][0]["type"].endswith("_REVISION")


def test_an_overdue_operation_is_finished_at_the_start(tmp_path: Path) -> None:
    """What fell due while nothing ran is done before the first call is answered."""
    with running(tmp_path / "first", operation_seconds=0.3) as cloud_run:
        operation = cloud_run.update(pinned(FIRST))
        shutil.copytree(tmp_path / "first", tmp_path / "second")
        cloud_run.wait(operation.name)
    with running(tmp_path / "second") as cloud_run:
        assert cloud_run.services.get_operation(request={"name": operation.name}).done


def test_a_late_change_lands_in_the_second_life(tmp_path: Path) -> None:
    """A change that was to land later lands although the process that took it is gone."""
    with running(tmp_path / "first") as cloud_run:
        cloud_run.order_fault("late_landing", seconds=0.2)
        with pytest.raises(exceptions.DeadlineExceeded):
            cloud_run.update(pinned(FIRST, tag="late"))
        shutil.copytree(tmp_path / "first", tmp_path / "second")
    with running(tmp_path / "second") as cloud_run:
        until(lambda: cloud_run.shown()["traffic"][0]["tag"] == "late")


def test_nothing_answered_is_lost_by_kill_9(tmp_path: Path) -> None:
    """Killed in the middle of updates, the state holds at least the last one answered."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        answered = [int(next(writer.stdout)) for _ in range(20)]
        writer.kill()
        answered += [int(line) for line in writer.stdout if line.endswith("\n")]
    with running(tmp_path) as cloud_run:
        tag = cloud_run.service().traffic[0].tag
        assert int(tag.removeprefix("t")) in (answered[-1], answered[-1] + 1)
        assert cloud_run.service().generation == 10 + int(tag.removeprefix("t")) + 1


def test_a_stopped_simulation_says_so(tmp_path: Path) -> None:
    """Before its start there is no address to connect to."""
    simulation = SimulatedCloudRun(tmp_path, BASE_URL, SERVICES)
    with pytest.raises(RuntimeError, match="not started"):
        _ = simulation.grpc_address


def test_service_names_must_be_unique(tmp_path: Path) -> None:
    """Two services of one name could not be told apart under ``/sim/``."""
    with pytest.raises(ValueError, match="unique"):
        SimulatedCloudRun(tmp_path, BASE_URL, [*SERVICES, SERVICES[0]])
