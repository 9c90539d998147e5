"""The controls of the simulation: what a test or a demo sees and does under ``/sim/run/``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from wsgiref.types import StartResponse, WSGIEnvironment

import grpc
import msgspec

from infra.local.cloud_run.control_plane import ControlPlane
from infra.local.cloud_run.errors import CloudRunError
from infra.local.cloud_run.faults import ApiMethod, Fault, FaultKind
from infra.local.cloud_run.model import Behaviour, Flaw
from infra.local.cloud_run.templates import TemplateEdit
from infra.local.cloud_run.transitions import Deploy
from infra.local.cloud_run.views import service_json
from infra.local.cloud_run.web import answer_error, answer_json, body_of
from shared.wire.decoders import decoder

PREFIX = "/sim/run/"
_STATUS = {
    grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
}

Order = TypeVar("Order")


class DeployOrder(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of ``POST /sim/run/deploy``; ``flaw`` is why an ``unready`` revision is not ready.

    ``secrets``: see `TemplateEdit`.
    """

    service: str
    behaviour: Behaviour
    flaw: Flaw = Flaw.HEALTH_CHECK
    revision_suffix: Annotated[str, msgspec.Meta(pattern="^([a-z0-9]{3})?$")] = ""
    image: str = ""
    labels: dict[str, str] | None = None
    secrets: dict[str, str] | None = None
    deployer: str = ""


class FaultOrder(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of ``POST /sim/run/faults``; ``times`` -1 means until cleared."""

    service: str
    fault: FaultKind
    times: Annotated[int, msgspec.Meta(ge=-1)] = 1
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    method: ApiMethod = ApiMethod.UPDATE_SERVICE


class Controls:
    """A WSGI application: services, deploy, faults and log."""

    def __init__(self, plane: ControlPlane, base_url: str) -> None:
        self._plane = plane
        self._base_url = base_url
        self._routes: dict[str, dict[str, Callable[[bytes], Any]]] = {
            "services": {"GET": self._services},
            "deploy": {"POST": self._deploy},
            "faults": {"POST": self._add_fault, "DELETE": self._clear_faults},
            "log": {"GET": self._log},
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; bad input is answered with 4xx and ``{"error": ...}``."""
        methods = self._routes.get(environ["PATH_INFO"].removeprefix(PREFIX).strip("/"))
        if methods is None:
            text = "there is: " + ", ".join(PREFIX + name for name in self._routes)
            return answer_error(start_response, HTTPStatus.NOT_FOUND, text)
        action = methods.get(environ["REQUEST_METHOD"])
        if action is None:
            text = "allowed: " + ", ".join(methods)
            return answer_error(start_response, HTTPStatus.METHOD_NOT_ALLOWED, text)
        try:
            return answer_json(start_response, HTTPStatus.OK, action(body_of(environ)))
        except ValueError as error:
            return answer_error(start_response, HTTPStatus.BAD_REQUEST, str(error))
        except CloudRunError as error:
            status = _STATUS.get(error.code, HTTPStatus.BAD_REQUEST)
            return answer_error(start_response, status, str(error))

    def _services(self, body: bytes) -> list[dict[str, Any]]:
        return [service_json(view, self._base_url) for view in self._plane.catalog.views()]

    def _deploy(self, body: bytes) -> dict[str, str]:
        order = _decoded(body, DeployOrder)
        view = self._plane.catalog.view(order.service)
        deployer = order.deployer or f"deployer@{view.service.project}.iam.gserviceaccount.com"
        deploy = Deploy(
            service=order.service,
            behaviour=order.behaviour,
            flaw=order.flaw,
            revision_suffix=order.revision_suffix,
            edit=TemplateEdit(order.image, order.labels, order.secrets),
            deployer=deployer,
        )
        operation = self._plane.deploy(deploy)
        return {"revision": operation.revision, "operation": operation.name}

    def _add_fault(self, body: bytes) -> dict[str, Any]:
        order = _decoded(body, FaultOrder)
        if order.times == 0:
            raise ValueError("times: must be at least 1, or -1 for ever")
        fault = Fault(order.service, order.fault, order.times, order.seconds, order.method)
        if not fault.possible:
            raise ValueError(f"fault: {order.method} cannot meet '{order.fault}'")
        self._plane.add_fault(fault)
        return msgspec.structs.asdict(order)

    def _clear_faults(self, body: bytes) -> dict[str, str]:
        self._plane.clear_faults()
        return {"faults": "cleared"}

    def _log(self, body: bytes) -> list[Any]:
        return [asdict(entry) for entry in self._plane.catalog.log()]


def _decoded(body: bytes, kind: type[Order]) -> Order:
    try:
        return decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        raise ValueError(f"body: {error}") from error
    except msgspec.DecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
