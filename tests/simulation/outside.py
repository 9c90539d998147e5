"""What changes around us without a word."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.rollback import TrafficTarget
from tests.fakes.metrics import MetricsFault
from tests.simulation.drawn import Drawn
from tests.simulation.shop import DEPLOYER


class Outside(Drawn):
    """Traffic changed by hand, deployments, sick revisions, and a clock that is corrected."""

    def traffic_by_hand(self) -> None:
        """Somebody changes a service's traffic without asking us."""
        resource = self._resource()
        names = [revision.name for revision in self._world.traffic.revisions(resource)]
        some, other = self._chance.one_of(names), self._chance.one_of(names)
        split = self._chance.one_of(
            (
                (TrafficTarget(percent=100),),
                (TrafficTarget(percent=100, revision=some),),
                (TrafficTarget(percent=90), TrafficTarget(percent=10, revision=other)),
            )
        )
        self._world.traffic.change_by_hand(resource, split)
        self._world.note(f"by hand: {resource}")

    def release(self, stack: str) -> None:
        """A new revision of every service of a stack, each answering all requests at once."""
        for service in self._world.policy.stack(stack).services:
            self._deploy(service.resource)
            state = self._world.traffic.look(service.resource)
            tags = (replace(each, percent=0) for each in state.traffic if each.tag)
            split = (TrafficTarget(percent=100), *(each for each in tags if each.revision))
            self._world.traffic.change_by_hand(service.resource, split, DEPLOYER)

    def deploy_to(self, stack: str) -> None:
        """A new revision of every service of a stack; what is pinned stays pinned."""
        for service in self._world.policy.stack(stack).services:
            self._deploy(service.resource)

    def deploy(self) -> None:
        """A new revision."""
        self._deploy(self._resource())

    def _deploy(self, resource: str) -> None:
        self._drawn += 1
        revision = f"{resource.rpartition('/')[2]}-{100 + self._drawn}"
        self._world.traffic.deploy(resource, revision)
        self._world.note(f"deployed: {revision}")

    def service_falls_sick(self) -> None:
        """Some revision answers no more, or well again."""
        revision = self._chance.one_of(self._world.traffic.revisions(self._resource())).name
        self._world.sick.symmetric_difference_update({revision})
        self._world.note(f"sick: {sorted(self._world.sick)}")

    def source_fails(self) -> None:
        """The source of metrics is away, says no, takes no samples, or is well again."""
        how = self._chance.one_of((None, None, "stopped", *MetricsFault))
        self._world.metrics.stopped = how == "stopped"
        self._world.metrics.become(how if isinstance(how, MetricsFault) else None)
        self._world.note(f"the source of metrics: {how or 'well'}")

    def requests_fail(self) -> None:
        """What people ask of a stack fails, or no longer; its health checks do not see it."""
        self._world.metrics.failing.symmetric_difference_update({self._stack()})
        self._world.note(f"requests fail: {sorted(self._world.metrics.failing)}")

    def clock_steps(self) -> None:
        """Our clock is put forward or back, mostly by little."""
        most = self._chance.one_of((5, 90, 90, 4000))
        self._world.clock.error += self._chance.seconds(-most, most)
        self._chance.faults += 1
        self._world.note(f"clock off by {self._world.clock.error}")
