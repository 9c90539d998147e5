"""A simulated source of metrics: Prometheus' and Cloud Monitoring's APIs over one set of samples."""

from infra.local.metrics.simulator import SimulatedMetrics

__all__ = ["SimulatedMetrics"]
