"""Reading from Firestore within a deadline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.adapters.firestore.errors import may_be_away
from shared.ports import Clock

if TYPE_CHECKING:
    from google.cloud.firestore import (
        Client,
        CollectionReference,
        DocumentReference,
        DocumentSnapshot,
        Query,
        Transaction,
    )


def reference(client: Client, collection: str, name: str) -> DocumentReference:
    """The document of this name; a slash in a name would start a subcollection."""
    return client.collection(collection).document(quote(name, safe=" :@"))


class Access:
    """What every part of the store has. Reads raise `Transient` when Firestore is away.

    A read may be repeated within the deadline, which is why the client's own retry, which takes
    no notice of it, is replaced.
    """

    _client: Client
    _clock: Clock
    _deadline: timedelta

    def _read_at(self, found: DocumentSnapshot[Any]) -> datetime:
        """When Firestore answered, by its own clock."""
        answered_at: datetime = found.read_time
        return answered_at

    def _get(
        self, collection: str, name: str, transaction: Transaction | None = None
    ) -> DocumentSnapshot[Any]:
        with may_be_away():
            where = reference(self._client, collection, name)
            return where.get(transaction=transaction, **self._patience())

    def _get_all(
        self, collection: str, names: Iterable[str], transaction: Transaction | None = None
    ) -> dict[str, DocumentSnapshot[Any]]:
        refs = {reference(self._client, collection, name).id: name for name in names}
        if not refs:
            return {}
        with may_be_away():
            wanted = [self._client.collection(collection).document(each) for each in refs]
            found = self._client.get_all(wanted, transaction=transaction, **self._patience())
            return {refs[each.id]: each for each in found if each.exists}

    def _stream(
        self, query: Query | CollectionReference, transaction: Transaction | None = None
    ) -> Iterator[DocumentSnapshot[Any]]:
        with may_be_away():
            yield from query.stream(transaction=transaction, **self._patience())

    def _count(self, query: Query) -> int:
        aggregation: Any = query.count()  # its annotations do not describe what it returns
        with may_be_away():
            return int(aggregation.get(**self._patience())[0][0].value)

    def _patience(self) -> dict[str, Any]:
        from google.api_core.retry import Retry

        seconds = self._deadline.total_seconds()
        return {"retry": Retry(initial=0.05, maximum=1.0, timeout=seconds), "timeout": seconds}
