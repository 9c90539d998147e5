"""What Firestore's errors mean for the caller.

The codes are those of https://cloud.google.com/firestore/docs/understand-error-codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.domain.errors import Conflict, StoreAway


@contextmanager
def may_be_away() -> Iterator[None]:
    """Turns trouble of the service into `StoreAway`; a request it cannot mean stays as it is."""
    from google.api_core import exceptions

    try:
        yield
    except exceptions.InvalidArgument:
        raise
    except exceptions.GoogleAPIError as error:
        raise StoreAway(f"Firestore cannot be used now: {error}") from error


def lost_race(error: Exception) -> bool:
    """Whether it is certain that nothing was written, because of another writer."""
    from google.api_core import exceptions

    raced = (
        Conflict,
        exceptions.Aborted,
        exceptions.AlreadyExists,
        exceptions.FailedPrecondition,
        exceptions.NotFound,
    )
    return isinstance(error, raced)
