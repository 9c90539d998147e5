"""The gRPC server in front of the simulated Cloud Monitoring."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
from google.cloud import monitoring_v3

from infra.local.cloud_run.errors import CloudRunError
from infra.local.metrics.monitoring import MetricService
from infra.local.metrics.source import Source

_THREADS = 4
_GRACE_SECONDS = 1.0


class MonitoringServer:
    """Serves the API on a free port of 127.0.0.1 until it is stopped."""

    def __init__(self, source: Source) -> None:
        self._service = MetricService(source)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="simulated-monitoring")
        self._server = grpc.server(self._pool, options=[("grpc.so_reuseport", 0)])
        method = grpc.unary_unary_rpc_method_handler(
            self._answer,
            monitoring_v3.ListTimeSeriesRequest.deserialize,
            monitoring_v3.ListTimeSeriesResponse.serialize,
        )
        handler = grpc.method_handlers_generic_handler(
            "google.monitoring.v3.MetricService", {"ListTimeSeries": method}
        )
        self._server.add_generic_rpc_handlers((handler,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        """Answer the calls under way and close the port."""
        self._server.stop(_GRACE_SECONDS).wait()
        self._pool.shutdown()

    def _answer(
        self, request: monitoring_v3.ListTimeSeriesRequest, context: grpc.ServicerContext
    ) -> monitoring_v3.ListTimeSeriesResponse:
        try:
            return self._service.list_time_series(request, context)
        except CloudRunError as error:
            context.abort(error.code, str(error))
