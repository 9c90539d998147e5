"""Faults of the simulated Cloud Run, and its log of every mutating call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api_core import exceptions

from tests.contract.simulated_cloud_run import (
    BACKEND,
    CloudRunUnderTest,
    error_in,
    pinned,
    running,
    until,
)

FIRST = "backend-00010-kpf"


@pytest.fixture
def cloud_run(tmp_path: Path) -> Iterator[CloudRunUnderTest]:
    """A simulation with the services of `SERVICES`, each on its first revision."""
    with running(tmp_path) as under_test:
        yield under_test


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("refuse_update", exceptions.FailedPrecondition),
        ("etag_conflict", exceptions.Aborted),
        ("unavailable", exceptions.ServiceUnavailable),
        ("permission_denied", exceptions.PermissionDenied),
    ],
)
def test_a_refusing_fault_answers_once_and_changes_nothing(
    cloud_run: CloudRunUnderTest, fault: str, error: type[Exception]
) -> None:
    """The next update fails with the fault's status; the one after that works."""
    before = cloud_run.service()
    cloud_run.order_fault(fault)
    with pytest.raises(error):
        cloud_run.update(pinned(FIRST))
    assert cloud_run.service() == before
    assert cloud_run.wait(cloud_run.update(pinned(FIRST)).name).done


def test_a_fault_strikes_its_own_service_only(cloud_run: CloudRunUnderTest) -> None:
    """The other service of the stack is updated as if nothing were."""
    cloud_run.order_fault("refuse_update")
    dashboard = BACKEND.replace("backend", "dashboard")
    assert cloud_run.update(pinned("dashboard-00001-8rs"), name=dashboard).name


def test_a_dry_run_does_not_use_up_a_refusal(cloud_run: CloudRunUnderTest) -> None:
    """A fault of the change itself waits for the real update."""
    cloud_run.order_fault("refuse_update")
    assert cloud_run.update(pinned(FIRST), validate_only=True).done
    with pytest.raises(exceptions.FailedPrecondition):
        cloud_run.update(pinned(FIRST))


def test_a_read_meets_only_its_own_faults(cloud_run: CloudRunUnderTest) -> None:
    """A fault ordered for GetService leaves updates alone, and strikes once."""
    cloud_run.order_fault("data_loss", method="GetService")
    assert cloud_run.update(pinned(FIRST)).name
    with pytest.raises(exceptions.DataLoss):
        cloud_run.service()
    assert cloud_run.service().name == BACKEND


def test_a_fault_for_ever_lasts_until_cleared(cloud_run: CloudRunUnderTest) -> None:
    """With ``times`` -1 every update fails, until the faults are cleared."""
    cloud_run.order_fault("unavailable", times=-1)
    for _ in range(3):
        with pytest.raises(exceptions.ServiceUnavailable):
            cloud_run.update(pinned(FIRST))
    assert cloud_run.http.delete("/sim/run/faults").status_code == 200
    assert cloud_run.update(pinned(FIRST)).name


def test_faults_strike_in_the_order_they_were_given(cloud_run: CloudRunUnderTest) -> None:
    """Two faults for one service make the next two calls fail, each in its way."""
    cloud_run.order_fault("unavailable")
    cloud_run.order_fault("refuse_update")
    with pytest.raises(exceptions.ServiceUnavailable):
        cloud_run.update(pinned(FIRST))
    with pytest.raises(exceptions.FailedPrecondition):
        cloud_run.update(pinned(FIRST))


def test_an_operation_error_leaves_the_observed_traffic(cloud_run: CloudRunUnderTest) -> None:
    """The call is accepted, its operation fails, and requests go where they went."""
    served = cloud_run.shown()["traffic_statuses"]
    cloud_run.order_fault("operation_error")
    operation = cloud_run.wait(cloud_run.update(pinned(FIRST)).name)
    assert operation.error.code == 13
    shown = cloud_run.shown()
    assert shown["traffic_statuses"] == served
    assert not shown["ready"]
    assert not shown["reconciling"]
    assert shown["observed_generation"] == shown["generation"] - 1


def test_a_service_recovers_from_a_failed_operation(cloud_run: CloudRunUnderTest) -> None:
    """The next update that succeeds makes the service ready again."""
    cloud_run.order_fault("operation_error")
    cloud_run.wait(cloud_run.update(pinned(FIRST)).name)
    cloud_run.wait(cloud_run.update(pinned(FIRST, tag="again")).name)
    shown = cloud_run.shown()
    assert shown["ready"]
    assert shown["observed_generation"] == shown["generation"]


def test_a_time_out_may_hide_a_success(cloud_run: CloudRunUnderTest) -> None:
    """After ``timeout_after_success`` the caller sees a time-out and the change is made."""
    before = cloud_run.service()
    cloud_run.order_fault("timeout_after_success")
    with pytest.raises(exceptions.DeadlineExceeded):
        cloud_run.update(pinned(FIRST))
    after = cloud_run.service()
    assert after.generation == before.generation + 1
    assert after.traffic[0].revision == FIRST


def wait_for_landing(cloud_run: CloudRunUnderTest) -> str:
    """The outcome of the change that lands late."""
    until(lambda: any(entry["method"] == "LateLanding" for entry in cloud_run.log()))
    return str(cloud_run.log()[-1]["outcome"])


def test_a_late_change_lands_after_its_time_out(cloud_run: CloudRunUnderTest) -> None:
    """With ``late_landing`` nothing has changed when the call fails; later it has, once."""
    before = cloud_run.service()
    cloud_run.order_fault("late_landing", seconds=0.3)
    with pytest.raises(exceptions.DeadlineExceeded):
        cloud_run.update(pinned(FIRST), etag=before.etag)
    assert cloud_run.service() == before
    assert wait_for_landing(cloud_run) == "OK"
    assert cloud_run.service().generation == before.generation + 1


def test_a_late_change_with_an_outdated_etag_is_lost(cloud_run: CloudRunUnderTest) -> None:
    """What another change overtook is stopped by its etag when it lands."""
    cloud_run.order_fault("late_landing", seconds=0.3)
    with pytest.raises(exceptions.DeadlineExceeded):
        cloud_run.update(pinned(FIRST, tag="late"), etag=cloud_run.service().etag)
    cloud_run.update(pinned(FIRST, tag="prompt"))
    assert wait_for_landing(cloud_run) == "ABORTED"
    assert cloud_run.service().traffic[0].tag == "prompt"


def test_a_slow_operation_takes_the_seconds_ordered(cloud_run: CloudRunUnderTest) -> None:
    """The operation is still under way after the usual time, and done after its own."""
    cloud_run.order_fault("slow_operation", seconds=0.6)
    operation = cloud_run.update(pinned(FIRST))
    assert not cloud_run.wait(operation.name, seconds=0.3).done
    assert cloud_run.wait(operation.name).done


def test_an_overtaken_operation_does_not_bring_its_traffic_back(
    cloud_run: CloudRunUnderTest,
) -> None:
    """When a slow operation ends after a later one, the later one's traffic stays."""
    cloud_run.order_fault("slow_operation", seconds=0.5)
    slow = cloud_run.update(pinned(FIRST, tag="slow"))
    quick = cloud_run.update(pinned(FIRST, tag="quick"))
    assert cloud_run.wait(quick.name).done
    assert not cloud_run.shown()["reconciling"]
    assert cloud_run.wait(slow.name).done
    shown = cloud_run.shown()
    assert shown["traffic_statuses"][0]["tag"] == "quick"
    assert shown["observed_generation"] == shown["generation"]


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        ({"service": "backend", "fault": "explode"}, 400, "explode"),
        ({"service": "backend", "fault": "unavailable", "times": 0}, 400, "times"),
        ({"service": "backend", "fault": "unavailable", "seconds": -1}, 400, "seconds"),
        ({"service": "backend"}, 400, "fault"),
        ({"service": "backend", "fault": "unavailable", "speed": 3}, 400, "speed"),
        ({"service": "backend", "fault": "unavailable", "method": "Deploy"}, 400, "method"),
        (
            {"service": "backend", "fault": "slow_operation", "method": "GetService"},
            400,
            "GetService cannot meet 'slow_operation'",
        ),
        ({"service": "frontend", "fault": "unavailable"}, 404, "frontend"),
    ],
)
def test_an_impossible_fault_is_refused_with_a_reason(
    cloud_run: CloudRunUnderTest, body: dict[str, object], status: int, complaint: str
) -> None:
    """Bad input is answered with 4xx and a message that names what is wrong."""
    response = cloud_run.http.post("/sim/run/faults", json=body)
    assert response.status_code == status
    assert complaint in error_in(response)


def test_the_log_notes_every_mutating_call(cloud_run: CloudRunUnderTest) -> None:
    """Accepted, refused and dry calls are noted with their traffic, their mask and their author."""
    cloud_run.update(pinned(FIRST), validate_only=True, user="dry@example.com")
    cloud_run.update(pinned(FIRST), user="ada@example.com")
    with pytest.raises(exceptions.InvalidArgument):
        cloud_run.update(pinned(FIRST, 1))
    with pytest.raises(exceptions.NotFound):
        cloud_run.update(name=BACKEND.replace("backend", "frontend"))
    cloud_run.deploy(deployer="ci@example.com")
    log = cloud_run.log()
    assert [(e["service"], e["method"], e["validate_only"], e["outcome"]) for e in log] == [
        ("backend", "UpdateService", True, "OK"),
        ("backend", "UpdateService", False, "OK"),
        ("backend", "UpdateService", False, "INVALID_ARGUMENT"),
        ("frontend", "UpdateService", False, "NOT_FOUND"),
        ("backend", "Deploy", False, "OK"),
    ]
    assert [e["modifier"] for e in log if "@example.com" in e["modifier"]] == [
        "dry@example.com",
        "ada@example.com",
        "ci@example.com",
    ]
    assert log[0]["traffic_before"] == log[0]["traffic_after"] == log[1]["traffic_before"]
    assert log[1]["traffic_after"][0]["revision"] == FIRST
    assert log[1]["update_mask"] == ["traffic"]
    assert log[1]["at"] <= log[2]["at"]
