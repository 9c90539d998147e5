"""The parts that roll data back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.bootstrap.once import Lazy, once
from shared.bootstrap.outside import Outside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.act import Performer
    from shared.app.data import ProposeData
    from shared.domain.action import ActionKind
    from shared.ports import Snapshots


class DataRollbacks(Outside):
    """What plans a data rollback, and what carries it out."""

    @property
    def data_performers(self) -> Mapping[ActionKind, Performer]:
        """Who carries out each step of a data rollback."""
        from shared.app.data import CheckData, ExportData, ImportData
        from shared.domain.action import ActionKind

        snapshots: Snapshots = Lazy(lambda: self.snapshots)
        check = CheckData(
            policy=self.policy,
            snapshots=snapshots,
            traffic=Lazy(lambda: self.traffic),
            health=Lazy(lambda: self.health),
            clock=self.clock,
        )
        return {
            ActionKind.VERIFY_SNAPSHOT: self.propose_data,
            ActionKind.EXPORT_DATA: ExportData(snapshots=snapshots, clock=self.clock),
            ActionKind.IMPORT_DATA: ImportData(
                outbox=self.store, snapshots=snapshots, clock=self.clock
            ),
            ActionKind.CHECK_DATA: check,
        }

    @once
    def propose_data(self) -> ProposeData:
        """Plans data rollbacks."""
        from shared.app.data import ProposeData

        snapshots: Snapshots = Lazy(lambda: self.snapshots)
        return ProposeData(policy=self.policy, snapshots=snapshots, clock=self.clock)
