"""A simulated Cloud Run: the real gRPC API in front of real HTTP revisions, on one machine.

The rules it follows come from the comments of ``google.cloud.run_v2.types`` and from recorded
answers of the real service (for example: an etag is the update time and the name, so it changes
with the asked state and not when reconciliation ends; an observed ``LATEST`` target names no
revision).
"""

from infra.local.cloud_run.model import SimulatedService
from infra.local.cloud_run.simulator import SimulatedCloudRun

__all__ = ["SimulatedCloudRun", "SimulatedService"]
