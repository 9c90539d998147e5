"""What can happen, and how often."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from shared.domain.severity import Severity
from tests.simulation.outside import Outside
from tests.simulation.people import People
from tests.simulation.senders import Senders
from tests.simulation.shop import LANES, STACKS
from tests.simulation.world import World


class Happenings:
    """One of everything that can happen."""

    def __init__(self, world: World) -> None:
        self._random = world.chance.random
        self._senders, self._people, self._outside = Senders(world), People(world), Outside(world)
        self._kinds: tuple[tuple[int, Callable[[], None]], ...] = (
            (22, self._senders.alert_fires),
            (12, self._senders.alert_ends),
            (6, self._senders.alert_again),
            (8, self._senders.alert_meets_a_timer),
            (26, self._people.somebody_presses),
            (5, self._people.somebody_asks),
            (2, self._people.somebody_insists),
            (4, self._people.somebody_types),
            (12, self._people.somebody_reshapes),
            (3, self._people.somebody_looks_at_a_plan),
            (4, self._people.somebody_releases),
            (3, self._people.schedule_asks),
            (4, self._outside.traffic_by_hand),
            (2, self._outside.deploy),
            (3, self._outside.service_falls_sick),
            (2, self._outside.clock_steps),
            (2, self._outside.source_fails),
            (2, self._outside.requests_fail),
            (2, self._senders.unreadable),
            (2, self._people.somebody_reads),
            (3, self._people.somebody_wants_data_back),
            (4, self._people.somebody_approves_data),
        )

    def always(self) -> tuple[tuple[int, int, Callable[[], None]], ...]:
        """What is part of every history between two seconds, so that each crosses every port."""
        return (
            (420, 600, self._people.schedule_asks),
            (0, 300, self._people.somebody_looks_at_a_plan),
            (400, 600, self._people.somebody_looks_at_a_plan),
            (600, 900, self._people.somebody_looks_at_a_plan),
            (0, 1400, self._people.somebody_is_late),
            (200, 1400, self._people.somebody_insists),
            (500, 1400, self._people.somebody_reshapes),
            (980, 1000, self._people.somebody_reviews),
            (1120, 1140, self._people.somebody_reviews),
            (1300, 1500, self._people.somebody_reviews),
            (600, 1400, self._senders.alert_meets_a_timer),
            (1000, 1400, self._people.somebody_reads),
            (370, 420, lambda: self._outside.release(STACKS[0])),
            (550, 620, lambda: self._senders.alert_fires(STACKS[0], LANES[0], Severity.SEV1)),
            (620, 760, self._people.somebody_approves),
            (760, 1000, self._people.somebody_approves),
            (820, 840, lambda: self._outside.release(STACKS[0])),
            (970, 1300, lambda: self._senders.alert_fires(STACKS[0], LANES[1], Severity.SEV1)),
            (1000, 1400, self._people.somebody_approves),
            (1400, 1600, self._people.somebody_approves),
            (1300, 1500, lambda: self._outside.deploy_to(STACKS[0])),
            (1500, 1600, self._people.all_is_released),
            (1620, 1700, self._people.somebody_approves),
            (5, 20, self._people.somebody_wants_data_back),
            (60, 120, self._people.somebody_approves_data),
            (300, 370, self._people.somebody_has_data_back),
            (1420, 1500, self._people.somebody_wants_data_back),
            (1580, 1700, self._people.somebody_approves_data),
        )

    def one(self) -> None:
        """Something happens."""
        weights = [weight for weight, _ in self._kinds]
        self._random.choices([kind for _, kind in self._kinds], weights)[0]()

    def end_all(self) -> None:
        """Every alert ends, and none fires any more."""
        self._senders.end_all()

    def release_all(self) -> tuple[Callable[[], None], ...]:
        """The fix is out: what rollbacks left pinned is handed back, released, and approved."""
        people = self._people
        deploys = partial(self._outside.deploy_to, STACKS[0])
        return deploys, people.all_is_handed_back, people.all_is_released, people.somebody_approves

    def close_all(self) -> None:
        """People see to every incident that is still open."""
        self._people.close_all()
