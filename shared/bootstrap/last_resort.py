"""The last resort: it needs its own setting, its own secret, and nothing else that may be broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.bootstrap.once import once
from shared.bootstrap.senders import Senders
from shared.config import is_way_out, urls_in
from shared.domain.errors import Refused, Transient

if TYPE_CHECKING:
    from shared.app.last_resort import LastWord


_NAME: Final = "SWITCHMAN_LAST_RESORT"


class WayOut(Senders):
    """Sends what must be heard wherever SWITCHMAN_LAST_RESORT says."""

    def send(self, text: str) -> None:
        """`ports.LastResort`; a secret is read anew each time, so that a new value counts."""
        from shared.adapters.last_resort import everywhere

        urls: list[str] = []
        faults: list[str] = []
        for entry in self.settings.last_resort:
            try:
                urls += self._urls(entry)
            except (Refused, Transient) as error:  # the other ways may still be known
                faults.append(str(error))
        known = [url for url in urls if is_way_out(url)]
        if not known:
            raise Refused(
                "; ".join(faults) or f"{_NAME}: its secret holds something that is no URL"
            )
        everywhere(known).send(text)

    def _urls(self, entry: str) -> tuple[str, ...]:
        return urls_in(self.secret(_NAME, entry))

    @once
    def last_word(self) -> LastWord:
        """Says each thing once for a while, if there is a last resort."""
        from shared.app.last_resort import LastWord

        return LastWord(self if self.settings.last_resort else None, self.clock)
