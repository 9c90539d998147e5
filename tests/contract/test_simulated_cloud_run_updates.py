"""UpdateService on the simulated Cloud Run: what it changes, when, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.longrunning import operations_pb2
from google.protobuf import field_mask_pb2

from tests.contract.simulated_cloud_run import (
    BACKEND,
    BASE_URL,
    LATEST,
    REVISION,
    CloudRunUnderTest,
    latest,
    nanoseconds,
    pinned,
    running,
)

FIRST = "backend-00010-kpf"
SECOND = "backend-00011-v4r"
State = run_v2.Condition.State


@pytest.fixture
def cloud_run(tmp_path: Path) -> Iterator[CloudRunUnderTest]:
    """A simulation whose backend has two revisions, the second one serving as LATEST."""
    with running(tmp_path) as under_test:
        under_test.deploy(revision_suffix="v4r")
        yield under_test


def serving(cloud_run: CloudRunUnderTest) -> list[tuple[str, int]]:
    """The observed targets: revision and percentage."""
    return [(s.revision, s.percent) for s in cloud_run.service().traffic_statuses]


def test_the_clients_own_future_returns_the_service(cloud_run: CloudRunUnderTest) -> None:
    """``update_service(...).result()`` polls to the end and unpacks the Service."""
    future: Any = cloud_run.services.update_service(
        service=run_v2.Service(name=BACKEND, traffic=[pinned(FIRST)]),
        update_mask=field_mask_pb2.FieldMask(paths=["traffic"]),
    )
    service = future.result(timeout=10)
    assert future.metadata.name == BACKEND
    assert [(s.revision, s.percent) for s in service.traffic_statuses] == [(FIRST, 100)]


def test_observed_traffic_follows_only_when_the_operation_is_done(tmp_path: Path) -> None:
    """Until then the service reconciles: asked and observed traffic differ."""
    with running(tmp_path, operation_seconds=0.5) as cloud_run:
        operation = cloud_run.update(pinned(FIRST))
        assert not operation.done
        during = cloud_run.service()
        assert during.reconciling
        assert during.observed_generation == during.generation - 1
        assert during.terminal_condition.state == State.CONDITION_RECONCILING
        assert [t.type_ for t in during.traffic] == [REVISION]
        assert [s.type_ for s in during.traffic_statuses] == [LATEST]
        assert cloud_run.wait(operation.name).done
        after = cloud_run.service()
        assert not after.reconciling
        assert after.observed_generation == after.generation
        assert after.terminal_condition.state == State.CONDITION_SUCCEEDED
        assert serving(cloud_run) == [(FIRST, 100)]


def test_waiting_ends_at_the_requests_timeout(tmp_path: Path) -> None:
    """WaitOperation gives back an unfinished operation when its timeout is over."""
    with running(tmp_path, operation_seconds=30) as cloud_run:
        operation = cloud_run.update(pinned(FIRST))
        assert not cloud_run.wait(operation.name, seconds=0.05).done


def test_waiting_is_answered_before_the_callers_deadline(tmp_path: Path) -> None:
    """A short deadline of the call itself ends the wait with an answer, not with an error."""
    with running(tmp_path, operation_seconds=30) as cloud_run:
        name = cloud_run.update(pinned(FIRST)).name
        answer: Any = cloud_run.services.wait_operation(request={"name": name}, timeout=0.5)
        assert not operations_pb2.Operation.FromString(answer).done


def test_a_change_moves_generation_etag_and_modifier(cloud_run: CloudRunUnderTest) -> None:
    """Each change of what is asked counts up by one and leaves its author's name."""
    before = cloud_run.service()
    cloud_run.update(pinned(FIRST), user="ada@example.com")
    after = cloud_run.service()
    assert after.generation == before.generation + 1
    assert after.etag != before.etag
    assert nanoseconds(after.update_time) > nanoseconds(before.update_time)
    assert after.last_modifier == "ada@example.com"
    assert after.uid == before.uid


def test_the_etag_stays_when_reconciling_ends(cloud_run: CloudRunUnderTest) -> None:
    """As recorded from the real API, the etag belongs to what is asked, not to its progress."""
    operation = cloud_run.update(pinned(FIRST))
    during = cloud_run.service().etag
    cloud_run.wait(operation.name)
    assert cloud_run.service().etag == during


def test_asking_for_the_same_changes_nothing(cloud_run: CloudRunUnderTest) -> None:
    """An update that changes nothing is done at once and counts for nothing."""
    before = cloud_run.service()
    operation = cloud_run.update(latest())
    assert operation.done
    assert cloud_run.service() == before


def test_an_update_with_the_present_etag_is_accepted(cloud_run: CloudRunUnderTest) -> None:
    """The etag that was just read guards the write and lets it pass."""
    cloud_run.update(pinned(FIRST), etag=cloud_run.service().etag)
    assert cloud_run.service().traffic[0].revision == FIRST


def test_an_outdated_etag_is_aborted(cloud_run: CloudRunUnderTest) -> None:
    """Someone else's change in between makes the write fail, and nothing moves."""
    read = cloud_run.service().etag
    cloud_run.update(pinned(SECOND, 50), pinned(FIRST, 50))
    before = cloud_run.service().traffic
    with pytest.raises(exceptions.Aborted, match="Conflict"):
        cloud_run.update(pinned(FIRST), etag=read)
    assert cloud_run.service().traffic == before


def test_validate_only_changes_nothing(cloud_run: CloudRunUnderTest) -> None:
    """A dry run answers with a finished operation holding the service as it would be."""
    before = cloud_run.service()
    operation = cloud_run.update(pinned(FIRST), validate_only=True)
    assert operation.done
    prospect = run_v2.Service.deserialize(operation.response.value)
    assert prospect.traffic[0].revision == FIRST
    assert cloud_run.service() == before


def test_validate_only_refuses_what_an_update_would(cloud_run: CloudRunUnderTest) -> None:
    """A dry run makes the same checks, and counts permissions among them."""
    with pytest.raises(exceptions.InvalidArgument):
        cloud_run.update(pinned(FIRST, 99), validate_only=True)
    with pytest.raises(exceptions.Aborted):
        cloud_run.update(pinned(FIRST), etag='"old"', validate_only=True)
    cloud_run.order_fault("permission_denied")
    with pytest.raises(exceptions.PermissionDenied, match=r"run\.services\.update"):
        cloud_run.update(pinned(FIRST), validate_only=True)


@pytest.mark.parametrize(
    ("targets", "complaint"),
    [
        ([pinned(FIRST, 60)], "sum to 100"),
        ([pinned(FIRST, 101)], "between 0 and 100"),
        ([pinned(FIRST, 150), pinned(SECOND, -50)], "between 0 and 100"),
        ([pinned("backend-00009-old")], "backend-00009-old"),
        ([pinned("")], "does not exist"),
        ([run_v2.TrafficTarget(type_=LATEST, revision=FIRST, percent=100)], "LATEST"),
        ([run_v2.TrafficTarget(revision=FIRST, percent=100)], "type"),
        ([pinned(FIRST, tag="Good")], "not a tag"),
        ([pinned(FIRST, tag="good-")], "not a tag"),
        ([pinned(FIRST, 50, tag="a"), pinned(SECOND, 50, tag="a")], "more than once"),
    ],
)
def test_impossible_traffic_is_an_invalid_argument(
    cloud_run: CloudRunUnderTest, targets: list[run_v2.TrafficTarget], complaint: str
) -> None:
    """Traffic that cannot be routed is refused with the reason, and nothing changes."""
    before = cloud_run.service()
    with pytest.raises(exceptions.InvalidArgument, match=complaint):
        cloud_run.update(*targets)
    assert cloud_run.service() == before


def test_no_targets_mean_everything_to_latest(cloud_run: CloudRunUnderTest) -> None:
    """Empty traffic defaults to 100 % for the latest ready revision."""
    cloud_run.update(pinned(FIRST))
    cloud_run.update()
    assert [(t.type_, t.percent) for t in cloud_run.service().traffic] == [(LATEST, 100)]


def test_an_unknown_mask_path_is_an_invalid_argument(cloud_run: CloudRunUnderTest) -> None:
    """A path that cannot be updated is refused by name."""
    request = run_v2.UpdateServiceRequest(
        service=run_v2.Service(name=BACKEND),
        update_mask=field_mask_pb2.FieldMask(paths=["traffic", "colour"]),
    )
    with pytest.raises(exceptions.InvalidArgument, match="colour"):
        cloud_run.services.update_service(request=request)


def test_only_the_masked_fields_change(cloud_run: CloudRunUnderTest) -> None:
    """Labels sent along with traffic stay as they were when the mask names traffic alone."""
    service = run_v2.Service(name=BACKEND, traffic=[pinned(FIRST)], labels={"team": "new"})
    mask = field_mask_pb2.FieldMask(paths=["traffic"])
    cloud_run.services.update_service(service=service, update_mask=mask)
    assert dict(cloud_run.service().labels) == {}
    mask = field_mask_pb2.FieldMask(paths=["labels"])
    cloud_run.services.update_service(service=service, update_mask=mask)
    assert dict(cloud_run.service().labels) == {"team": "new"}


def test_an_empty_mask_replaces_everything(cloud_run: CloudRunUnderTest) -> None:
    """Without a mask the service becomes what was sent, and a new template is a new revision."""
    service = cloud_run.service()
    service.traffic = [pinned(FIRST)]
    service.template.containers[0].image = "example.com/other"
    answer = cloud_run.replace(service)
    assert answer.latest_created_revision.rpartition("/")[2].startswith("backend-00012-")
    assert [(s.revision, s.percent) for s in answer.traffic_statuses] == [(FIRST, 100)]


def test_a_revision_name_is_not_used_twice(cloud_run: CloudRunUnderTest) -> None:
    """A changed template that asks for an existing revision's name is refused."""
    service = cloud_run.service()
    service.template.revision = FIRST
    with pytest.raises(exceptions.AlreadyExists, match="different configuration"):
        cloud_run.services.update_service(service=service)


def test_an_update_while_reconciling_is_accepted(tmp_path: Path) -> None:
    """A second change counts up again, and the last one asked for is what stands at the end."""
    with running(tmp_path, operation_seconds=0.2) as cloud_run:
        start = cloud_run.service().generation
        first = cloud_run.update(pinned(FIRST, tag="one"))
        second = cloud_run.update(pinned(FIRST, tag="two"))
        assert cloud_run.service().generation == start + 2
        cloud_run.wait(first.name)
        cloud_run.wait(second.name)
        assert [s.tag for s in cloud_run.service().traffic_statuses] == ["two"]


def test_a_tag_gets_a_url_of_its_own(cloud_run: CloudRunUnderTest) -> None:
    """A tagged target without traffic is observed with the address that leads to it."""
    operation = cloud_run.update(latest(), pinned(FIRST, 0, tag="switchman-good"))
    cloud_run.wait(operation.name)
    status = cloud_run.service().traffic_statuses[1]
    assert (status.revision, status.percent) == (FIRST, 0)
    assert status.uri == f"{BASE_URL}/sim/front/switchman-good---backend"


def test_a_deploy_takes_over_traffic_that_follows_latest(cloud_run: CloudRunUnderTest) -> None:
    """LATEST goes to the new revision once it is ready."""
    new = cloud_run.deploy()
    shown = cloud_run.shown()
    assert shown["latest_ready_revision"] == new
    assert [s["revision"] for s in shown["traffic_statuses"]] == [new]


def test_a_deploy_leaves_pinned_traffic_where_it_is(cloud_run: CloudRunUnderTest) -> None:
    """A pinned service creates the revision and keeps serving the old one."""
    cloud_run.wait(cloud_run.update(pinned(FIRST)).name)
    new = cloud_run.deploy()
    assert cloud_run.shown()["latest_ready_revision"] == new
    assert serving(cloud_run) == [(FIRST, 100)]


def test_a_revision_that_never_gets_ready_takes_no_traffic(cloud_run: CloudRunUnderTest) -> None:
    """Its deploy ends in an error; the service stays on the revision it had and is not Ready."""
    answer = cloud_run.post("deploy", service="backend", behaviour="unready")
    assert "not ready" in cloud_run.wait(answer["operation"]).error.message
    shown = cloud_run.shown()
    assert not shown["ready"]
    assert shown["latest_created_revision"] == answer["revision"]
    assert [s["revision"] for s in shown["traffic_statuses"]] == [SECOND]
    operation = cloud_run.wait(cloud_run.update(pinned(answer["revision"])).name)
    assert "not ready" in operation.error.message
