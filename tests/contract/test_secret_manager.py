"""Secrets read through google-cloud-secret-manager, from a server of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.cloud import secretmanager_v1 as sm

from shared.adapters.secret_manager import SecretManager
from shared.domain.errors import Refused, Transient
from tests.fakes.clock import ManualClock

TOKEN = "projects/demo/secrets/token/versions/latest"


class Server:
    """AccessSecretVersion over real gRPC."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {TOKEN: b"xoxb-value\n"}
        self.code: grpc.StatusCode | None = None
        self.asked: list[str] = []
        self._server = grpc.server(ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(
            self._access,
            request_deserializer=sm.AccessSecretVersionRequest.deserialize,
            response_serializer=sm.AccessSecretVersionResponse.serialize,
        )
        name = "google.cloud.secretmanager.v1.SecretManagerService"
        methods = {"AccessSecretVersion": handler}
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, methods),)
        )
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _access(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.asked.append(request.name)
        if self.code is not None:
            context.abort(self.code, "no")
        if request.name not in self.values:
            context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} not found")
        return sm.AccessSecretVersionResponse(
            name=request.name, payload=sm.SecretPayload(data=self.values[request.name])
        )


@pytest.fixture
def server() -> Iterator[Server]:
    """A Secret Manager over its real gRPC API."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
def secrets(server: Server, clock: ManualClock) -> Iterator[SecretManager]:
    """The adapter, talking to it."""
    made = SecretManager("demo", clock, endpoint=server.address)
    yield made
    made.close()


def test_a_reference_gives_the_secret_without_its_line_end(secrets: SecretManager) -> None:
    """The latest version unless another is named."""
    assert secrets.resolve("secret://token") == "xoxb-value"


def test_a_version_may_be_named(secrets: SecretManager, server: Server) -> None:
    """A number or an alias after the name."""
    server.values["projects/demo/secrets/token/versions/3"] = b"older"
    assert secrets.resolve("secret://token/3") == "older"


def test_any_other_value_is_itself(secrets: SecretManager, server: Server) -> None:
    """Nothing is asked for a value that is no reference."""
    assert secrets.resolve("xoxb-plain") == "xoxb-plain"
    assert server.asked == []


def test_a_value_is_remembered_for_a_minute(
    secrets: SecretManager, server: Server, clock: ManualClock
) -> None:
    """A rotated secret is seen after a minute, and not asked for each time before."""
    secrets.resolve("secret://token")
    server.values[TOKEN] = b"new"
    clock.advance(timedelta(seconds=59))
    assert secrets.resolve("secret://token") == "xoxb-value"
    clock.advance(timedelta(seconds=1))
    assert secrets.resolve("secret://token") == "new"
    assert len(server.asked) == 2


@pytest.mark.parametrize("code", [c for c in grpc.StatusCode if c.value[0] != 0])
def test_every_error_is_transient(
    secrets: SecretManager, server: Server, code: grpc.StatusCode
) -> None:
    """An unreadable secret is nobody's refusal; it is asked for again the next time."""
    server.code = code
    with pytest.raises(Transient):
        secrets.resolve("secret://token")
    server.code = None
    assert secrets.resolve("secret://token") == "xoxb-value"


def test_a_missing_permission_is_named(secrets: SecretManager, server: Server) -> None:
    """With the command that grants it."""
    server.code = grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(Transient, match=r"secretmanager\.versions\.access") as raised:
        secrets.resolve("secret://token")
    assert "gcloud secrets add-iam-policy-binding token" in str(raised.value)


def test_bytes_that_are_no_text_are_not_repeated(secrets: SecretManager, server: Server) -> None:
    """The error does not quote the secret."""
    server.values[TOKEN] = b"hunter2\xff"
    with pytest.raises(Transient) as raised:
        secrets.resolve("secret://token")
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("value", ["secret://", "secret://a/b/c", "secret://a b", "secret://a/"])
def test_a_reference_of_another_form_is_refused(secrets: SecretManager, value: str) -> None:
    """The form is told, the value not repeated."""
    with pytest.raises(Refused, match="secret://NAME"):
        secrets.resolve(value)
