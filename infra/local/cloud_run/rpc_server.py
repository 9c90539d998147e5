"""The gRPC server in front of the API, made of generic handlers: no generated servicer exists."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.cloud import run_v2
from google.longrunning import operations_pb2

from infra.local.cloud_run.errors import CloudRunError
from infra.local.cloud_run.rpc import CloudRunApi

_THREADS = 64  # each WaitOperation holds one
_GRACE_SECONDS = 1.0
Method = Callable[[Any, grpc.ServicerContext], Any]


class RpcServer:
    """Serves the API on a free port of 127.0.0.1 until it is stopped."""

    def __init__(self, api: CloudRunApi) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="simulated-cloud-run-rpc")
        self._server = grpc.server(self._pool, options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers(_handlers(api))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        """Answer the calls under way and close the port."""
        self._server.stop(_GRACE_SECONDS).wait()
        self._pool.shutdown()


def _handlers(api: CloudRunApi) -> tuple[grpc.GenericRpcHandler[Any, Any], ...]:
    services = {
        "GetService": _method(api.get_service, run_v2.GetServiceRequest.deserialize),
        "ListServices": _method(api.list_services, run_v2.ListServicesRequest.deserialize),
        "UpdateService": _method(api.update_service, run_v2.UpdateServiceRequest.deserialize),
        "CreateService": _method(api.unsupported, run_v2.CreateServiceRequest.deserialize),
        "DeleteService": _method(api.unsupported, run_v2.DeleteServiceRequest.deserialize),
    }
    revisions = {
        "GetRevision": _method(api.get_revision, run_v2.GetRevisionRequest.deserialize),
        "ListRevisions": _method(api.list_revisions, run_v2.ListRevisionsRequest.deserialize),
        "DeleteRevision": _method(api.unsupported, run_v2.DeleteRevisionRequest.deserialize),
    }
    operations = {
        "GetOperation": _method(api.get_operation, operations_pb2.GetOperationRequest.FromString),
        "WaitOperation": _method(
            api.wait_operation, operations_pb2.WaitOperationRequest.FromString
        ),
        "ListOperations": _method(
            api.list_operations, operations_pb2.ListOperationsRequest.FromString
        ),
    }
    return (
        grpc.method_handlers_generic_handler("google.cloud.run.v2.Services", services),
        grpc.method_handlers_generic_handler("google.cloud.run.v2.Revisions", revisions),
        grpc.method_handlers_generic_handler("google.longrunning.Operations", operations),
    )


def _method(
    function: Method, deserialize: Callable[[bytes], Any]
) -> grpc.RpcMethodHandler[Any, Any]:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return function(request, context)
        except CloudRunError as error:
            context.abort(error.code, str(error))

    return grpc.unary_unary_rpc_method_handler(answer, deserialize, _serialize)


def _serialize(message: Any) -> bytes:
    of_operations = (operations_pb2.Operation, operations_pb2.ListOperationsResponse)
    plain = isinstance(message, of_operations)
    raw: bytes = message.SerializeToString() if plain else type(message).serialize(message)
    return raw
