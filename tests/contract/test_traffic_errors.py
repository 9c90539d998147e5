"""What becomes of each error of Google's: the sorting itself, and the real adapter over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError

from shared.adapters.google_errors import Call, asked
from shared.domain.errors import Conflict, Refused, SwitchmanError, Transient, UnknownOutcome
from tests.contract.simulated_cloud_run import BACKEND
from tests.contract.traffic_worlds import PATIENCE, SimulatedWorld, all_to, simulated_world

GOOGLE: Any = exceptions  # which has no types for what it makes
CHANGE: Final = Call("changing", "run.services.update", "gcloud", changes=True)
READ: Final = Call("looking", "run.services.get", "gcloud")
CODES: Final = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
CERTAIN: Final[dict[str, type[SwitchmanError]]] = {
    "INVALID_ARGUMENT": Refused,
    "NOT_FOUND": Refused,
    "ALREADY_EXISTS": Refused,
    "PERMISSION_DENIED": Refused,
    "UNAUTHENTICATED": Refused,
    "FAILED_PRECONDITION": Refused,
    "OUT_OF_RANGE": Refused,
    "UNIMPLEMENTED": Refused,
    "RESOURCE_EXHAUSTED": Transient,
    "ABORTED": Conflict,
}
GRANT_UPDATE: Final = (
    "gcloud run services add-iam-policy-binding backend --project=demo --region=us-central1 "
    "--member=serviceAccount:ACCOUNT --role=roles/run.developer"
)
GRANT_READ: Final = GRANT_UPDATE.replace("developer", "viewer")
GRANT_ACT_AS: Final = (
    "gcloud iam service-accounts add-iam-policy-binding backend@demo.iam.gserviceaccount.com "
    "--member=serviceAccount:ACCOUNT --role=roles/iam.serviceAccountUser"
)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[SimulatedWorld]:
    """The real adapter before a simulated Cloud Run."""
    with simulated_world(tmp_path) as world:
        yield world


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_sorted_by_what_it_promises(code: grpc.StatusCode) -> None:
    """Only codes that promise that nothing changed say so of a change; the rest is in doubt."""
    error = GOOGLE.from_grpc_status(code, "because")
    assert type(sorted_as(error, CHANGE)) is CERTAIN.get(code.name, UnknownOutcome)
    assert type(sorted_as(error, READ)) is CERTAIN.get(code.name, Transient)


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (404, Refused),
        (409, Conflict),
        (429, Transient),
        (499, UnknownOutcome),
        (500, UnknownOutcome),
        (501, Refused),
        (502, UnknownOutcome),
        (503, UnknownOutcome),
        (504, UnknownOutcome),
    ],
)
def test_an_answer_over_rest_means_the_same(status: int, change: type[SwitchmanError]) -> None:
    """Where there is only an HTTP status, it counts as the gRPC code it stands for."""
    error = GOOGLE.from_http_status(status, "because")
    assert type(sorted_as(error, CHANGE)) is change
    assert type(sorted_as(error, READ)) is (Transient if change is UnknownOutcome else change)


def test_an_error_without_a_code_is_in_doubt() -> None:
    """What the client cannot explain may have happened."""
    assert type(sorted_as(GOOGLE.GoogleAPICallError("?"), CHANGE)) is UnknownOutcome
    assert type(sorted_as(GOOGLE.RetryError("?", None), CHANGE)) is UnknownOutcome
    assert type(sorted_as(GOOGLE.RetryError("?", None), READ)) is Transient


def test_missing_credentials_mean_that_nothing_was_sent() -> None:
    """A token that cannot be had is no doubt, and its text is not repeated."""
    error = sorted_as(NoToken("ya29.secret"), CHANGE)
    assert type(error) is Transient
    assert "ya29" not in str(error)


def test_a_hidden_account_is_still_told_what_it_lacks() -> None:
    """Where Google does not name the account, the permission and the command are named."""
    text = "Permission 'iam.serviceaccounts.actAs' denied on service account"
    error = sorted_as(GOOGLE.from_grpc_status(grpc.StatusCode.PERMISSION_DENIED, text), CHANGE)
    assert "needs iam.serviceAccounts.actAs" in str(error)
    assert "add-iam-policy-binding THE_SERVICES_ACCOUNT " in str(error)


@pytest.mark.parametrize("code", CODES)
def test_cloud_run_may_answer_a_change_with_any_code(
    real: SimulatedWorld, code: grpc.StatusCode
) -> None:
    """Each one is sorted as it promises, is sent once, and leaves the traffic as it was."""
    before = real.traffic.look(BACKEND)
    real.simulated.order_fault(code.name.lower())
    with pytest.raises(SwitchmanError) as raised:
        real.traffic.send(BACKEND, all_to(real.old), before.etag)
    assert type(raised.value) is CERTAIN.get(code.name, UnknownOutcome)
    assert code.name in str(raised.value)
    assert real.changes() == 1
    assert real.traffic.look(BACKEND) == before


@pytest.mark.parametrize("code", CODES)
def test_a_dry_run_is_never_in_doubt(real: SimulatedWorld, code: grpc.StatusCode) -> None:
    """It changes nothing whatever becomes of it, so it may simply be repeated."""
    real.simulated.order_fault(code.name.lower())
    with pytest.raises(SwitchmanError) as raised:
        real.traffic.send(BACKEND, all_to(real.old), "", dry_run=True)
    assert type(raised.value) is CERTAIN.get(code.name, Transient)
    real.traffic.send(BACKEND, all_to(real.old), "", dry_run=True)


@pytest.mark.parametrize(
    ("fault", "permission", "command"),
    [
        ("permission_denied", "run.services.update", GRANT_UPDATE),
        ("act_as_denied", "iam.serviceAccounts.actAs", GRANT_ACT_AS),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_missing_permission_is_named_with_its_remedy(
    real: SimulatedWorld, fault: str, permission: str, command: str, dry_run: bool
) -> None:
    """The person who is told no learns which permission, and the command that grants it."""
    real.simulated.order_fault(fault)
    with pytest.raises(Refused) as raised:
        real.traffic.send(BACKEND, all_to(real.old), "", dry_run=dry_run)
    assert f"needs {permission}" in str(raised.value)
    assert command in str(raised.value)


def test_a_permission_to_look_is_named_with_its_remedy(real: SimulatedWorld) -> None:
    """Looking and listing each need one of their own, and a role that only reads."""
    real.simulated.order_fault("permission_denied", method="GetService")
    real.simulated.order_fault("permission_denied", method="ListRevisions")
    with pytest.raises(Refused) as looked:
        real.traffic.look(BACKEND)
    with pytest.raises(Refused) as listed:
        real.traffic.revisions(BACKEND)
    assert "needs run.services.get" in str(looked.value)
    assert "needs run.revisions.list" in str(listed.value)
    assert GRANT_READ in str(looked.value)
    assert GRANT_READ in str(listed.value)


def test_a_change_is_not_sent_while_the_service_cannot_be_seen(real: SimulatedWorld) -> None:
    """Over quota for looking, nothing was sent: no doubt about the change."""
    real.simulated.order_fault("resource_exhausted", method="GetService")
    with pytest.raises(Transient, match="30 s"):
        real.traffic.send(BACKEND, all_to(real.old), "")
    assert real.changes() == 0


@pytest.mark.parametrize(
    "code", ["permission_denied", "not_found", "unimplemented", "resource_exhausted", "unavailable"]
)
def test_an_operation_that_cannot_be_waited_for_is_looked_for(
    real: SimulatedWorld, code: str
) -> None:
    """When waiting for the operation fails, the service itself tells that it is through."""
    real.simulated.order_fault(code, method="WaitOperation", times=-1)
    real.traffic.send(BACKEND, all_to(real.old), real.traffic.look(BACKEND).etag)
    state = real.traffic.settled(BACKEND, all_to(real.old), PATIENCE)
    assert state.serving == all_to(real.old)


def test_waiting_outlasts_a_service_that_cannot_be_seen_for_a_while(real: SimulatedWorld) -> None:
    """A look that fails is repeated until the time is up."""
    real.traffic.send(BACKEND, all_to(real.old), real.traffic.look(BACKEND).etag)
    real.simulated.order_fault("resource_exhausted", method="GetService", times=2)
    state = real.traffic.settled(BACKEND, all_to(real.old), PATIENCE)
    assert state.serving == all_to(real.old)


def test_waiting_ends_when_nothing_was_ever_seen(real: SimulatedWorld) -> None:
    """Somebody must be told, rather than a state be guessed."""
    real.simulated.order_fault("internal", method="GetService", times=-1)
    with pytest.raises(Transient):
        real.traffic.settled(BACKEND, all_to(real.old), timedelta(seconds=0.3))


class NoToken(GoogleAuthError):
    """What google-auth raises when it cannot refresh a token."""

    def __init__(self, text: str) -> None:
        Exception.__init__(self, text)


def sorted_as(error: Exception, call: Call) -> SwitchmanError:
    """What the error becomes."""

    def fail() -> None:
        raise error

    with pytest.raises(SwitchmanError) as raised:
        asked(call, fail)
    return raised.value
