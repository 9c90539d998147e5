"""The last resort: it needs its own setting, its own secret, and nothing else that may be broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.bootstrap.once import once
from shared.bootstrap.senders import Senders
from shared.config import is_way_out, urls_in
from shared.domain.errors import Refused

if TYPE_CHECKING:
    from shared.app.last_resort import LastWord


class WayOut(Senders):
    """Sends what must be heard wherever SWITCHMAN_LAST_RESORT says."""

    def send(self, text: str) -> None:
        """`ports.LastResort`; a secret is read anew each time, so that a new value counts."""
        from shared.adapters.last_resort import everywhere

        urls = [url for entry in self.settings.last_resort for url in self._urls(entry)]
        if not all(map(is_way_out, urls)):
            raise Refused("SWITCHMAN_LAST_RESORT: its secret holds something that is no URL")
        everywhere(urls).send(text)

    def _urls(self, entry: str) -> tuple[str, ...]:
        return urls_in(self.secret("SWITCHMAN_LAST_RESORT", entry))

    @once
    def last_word(self) -> LastWord:
        """Says each thing once for a while, if there is a last resort."""
        from shared.app.last_resort import LastWord

        return LastWord(self if self.settings.last_resort else None, self.clock)
