"""Reading services, revisions and operations of the simulated Cloud Run with Google's client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.longrunning import operations_pb2

from tests.contract.simulated_cloud_run import (
    BACKEND,
    BASE_URL,
    LATEST,
    PARENT,
    CloudRunUnderTest,
    latest,
    nanoseconds,
    pinned,
    running,
)

State = run_v2.Condition.State


@pytest.fixture
def cloud_run(tmp_path: Path) -> Iterator[CloudRunUnderTest]:
    """A simulation with the services of `SERVICES`, each on its first revision."""
    with running(tmp_path) as under_test:
        yield under_test


def test_a_new_service_serves_its_first_revision(cloud_run: CloudRunUnderTest) -> None:
    """A service begins ready, reconciled, with everything going to its one revision."""
    service = cloud_run.service()
    assert service.name == BACKEND
    assert service.uri == f"{BASE_URL}/sim/front/backend"
    assert service.generation == service.observed_generation == 10
    assert not service.reconciling
    assert service.terminal_condition.type_ == "Ready"
    assert service.terminal_condition.state == State.CONDITION_SUCCEEDED
    assert service.latest_ready_revision == f"{BACKEND}/revisions/backend-00010-kpf"
    assert service.latest_created_revision == service.latest_ready_revision
    assert [(t.type_, t.percent) for t in service.traffic] == [(LATEST, 100)]


def test_an_observed_latest_target_names_no_revision(cloud_run: CloudRunUnderTest) -> None:
    """As in the real API, LATEST is resolved through latest_ready_revision."""
    statuses = cloud_run.service().traffic_statuses
    assert [(s.type_, s.revision, s.percent) for s in statuses] == [(LATEST, "", 100)]


def test_services_are_listed_by_place(cloud_run: CloudRunUnderTest) -> None:
    """A project and region list their own services, page by page, and no others."""
    request = run_v2.ListServicesRequest(parent=PARENT, page_size=1)
    names = [service.name for service in cloud_run.services.list_services(request=request)]
    assert names == [BACKEND, f"{PARENT}/services/dashboard"]
    elsewhere = "projects/demo/locations/europe-west1"
    assert list(cloud_run.services.list_services(parent=elsewhere)) == []


@pytest.mark.parametrize("name", [f"{PARENT}/services/frontend", BACKEND.replace("demo", "prod")])
def test_an_unknown_service_is_not_found(cloud_run: CloudRunUnderTest, name: str) -> None:
    """A wrong name or a wrong project is NOT_FOUND, with a hint at what there is."""
    with pytest.raises(exceptions.NotFound, match="backend"):
        cloud_run.service(name)


def test_a_malformed_name_is_an_invalid_argument(cloud_run: CloudRunUnderTest) -> None:
    """A name that is no service's name is refused with the form it should have."""
    with pytest.raises(exceptions.InvalidArgument, match="projects/PROJECT"):
        cloud_run.service("backend")


def test_revisions_are_listed_newest_first(cloud_run: CloudRunUnderTest) -> None:
    """Revisions come newest first, over as many pages as are asked for."""
    cloud_run.deploy(revision_suffix="v4r")
    cloud_run.deploy(revision_suffix="zz9")
    request = run_v2.ListRevisionsRequest(parent=BACKEND, page_size=2)
    found = [revision.name for revision in cloud_run.revisions.list_revisions(request=request)]
    assert [name.rpartition("/")[2] for name in found] == [
        "backend-00012-zz9",
        "backend-00011-v4r",
        "backend-00010-kpf",
    ]


def test_a_foreign_page_token_is_refused(cloud_run: CloudRunUnderTest) -> None:
    """A page token that the API did not give out is an invalid argument."""
    request = run_v2.ListRevisionsRequest(parent=BACKEND, page_token="page two")
    with pytest.raises(exceptions.InvalidArgument, match="page_token"):
        cloud_run.revisions.list_revisions(request=request)


def test_a_revision_shows_what_was_deployed(cloud_run: CloudRunUnderTest) -> None:
    """Image, labels, service, creation time and the Ready condition can be read back."""
    name = cloud_run.deploy(image="example.com/backend@sha256:beef", labels={"commit": "abc"})
    revision = cloud_run.revisions.get_revision(name=f"{BACKEND}/revisions/{name}")
    assert revision.service == "backend"
    assert revision.containers[0].image == "example.com/backend@sha256:beef"
    assert dict(revision.labels) == {"commit": "abc"}
    created = nanoseconds(revision.create_time)
    assert created > nanoseconds(cloud_run.service().create_time)
    assert [(c.type_, c.state) for c in revision.conditions] == [
        ("Ready", State.CONDITION_SUCCEEDED),
        ("ResourcesAvailable", State.CONDITION_SUCCEEDED),
        ("ContainerHealthy", State.CONDITION_SUCCEEDED),
    ]


def test_an_unknown_revision_is_not_found(cloud_run: CloudRunUnderTest) -> None:
    """A revision the service does not have is NOT_FOUND, by its name."""
    with pytest.raises(exceptions.NotFound, match="backend-00099-abc"):
        cloud_run.revisions.get_revision(name=f"{BACKEND}/revisions/backend-00099-abc")


def test_operations_are_listed_newest_first(cloud_run: CloudRunUnderTest) -> None:
    """The operations of a project and region can be listed and read one by one."""
    first = cloud_run.update(pinned("backend-00010-kpf"))
    second = cloud_run.update(latest())
    request = operations_pb2.ListOperationsRequest(name=PARENT)
    listed = cloud_run.services.list_operations(request=request)
    assert [operation.name for operation in listed.operations] == [second.name, first.name]
    fetched = cloud_run.services.get_operation(request={"name": first.name})
    assert fetched.name == first.name


def test_an_unknown_operation_is_not_found(cloud_run: CloudRunUnderTest) -> None:
    """Waiting for an operation that never was is NOT_FOUND at once."""
    with pytest.raises(exceptions.NotFound, match="operations/none"):
        cloud_run.wait(f"{PARENT}/operations/none")


def test_creating_and_deleting_are_unimplemented(cloud_run: CloudRunUnderTest) -> None:
    """What the simulation leaves out answers UNIMPLEMENTED and changes nothing."""
    with pytest.raises(exceptions.MethodNotImplemented):
        cloud_run.services.delete_service(name=BACKEND)
    assert cloud_run.service().name == BACKEND
