"""Every scenario under its name."""

from __future__ import annotations

from types import MappingProxyType

from infra.local.scenarios.bad_revision import BAD_REVISION, HALF_ROLLBACK
from infra.local.scenarios.drill import DRILL
from infra.local.scenarios.many_alerts import FLAPPING, STORM_OF_ALERTS
from infra.local.scenarios.not_by_rollback import (
    CLOUD_SQL_DOWN,
    NO_GOOD_REVISION,
    PROJECTOR_DRIFT,
    TOKEN_MINTING,
)
from infra.local.scenarios.slash_rollback import SLASH_ROLLBACK

__all__ = ["SCENARIOS"]

_ALL = (
    BAD_REVISION,
    HALF_ROLLBACK,
    STORM_OF_ALERTS,
    FLAPPING,
    PROJECTOR_DRIFT,
    TOKEN_MINTING,
    CLOUD_SQL_DOWN,
    NO_GOOD_REVISION,
    SLASH_ROLLBACK,
    DRILL,
)

SCENARIOS = MappingProxyType({scenario.name: scenario for scenario in _ALL})
