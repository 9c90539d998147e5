"""Faults that a test orders, and the log of the Web API calls received."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from infra.local.slack.database import Database
from infra.local.slack.model import Json

ANY_METHOD = "*"
_CALLS_SHOWN = 1000


class FaultKind(StrEnum):
    """How a Web API call can go wrong on the way."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT_AFTER_SUCCESS = "timeout_after_success"
    DELAY = "delay"


@dataclass(frozen=True, slots=True)
class Fault:
    """The next `times` calls of `method` (`*` for any) go wrong; `seconds` as the kind needs it."""

    method: str
    fault: FaultKind
    seconds: float = 1.0
    times: int = 1

    def to_json(self) -> Json:
        """The fault as the simulator shows it."""
        return asdict(self)


class Faults:
    """The faults that are still to come, in the order in which they were set."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, fault: Fault) -> None:
        """Orders a fault, behind those already there."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO faults (method, fault, seconds, times) VALUES (?, ?, ?, ?)",
                (fault.method, fault.fault, fault.seconds, fault.times),
            )

    def all(self) -> list[Fault]:
        """What is still to come."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT * FROM faults ORDER BY id").fetchall()
        return [Fault(r["method"], FaultKind(r["fault"]), r["seconds"], r["times"]) for r in rows]

    def take(self, method: str) -> Fault | None:
        """The fault this call meets, counted down; None when it meets none."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT * FROM faults WHERE method IN (?, ?) ORDER BY id LIMIT 1",
                (method, ANY_METHOD),
            ).fetchone()
            if row is None:
                return None
            connection.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (row["id"],))
            connection.execute("DELETE FROM faults WHERE times <= 0")
        return Fault(method, FaultKind(row["fault"]), row["seconds"], row["times"])

    def clear(self, method: str | None) -> None:
        """Forgets the faults of `method`, or all of them."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM faults WHERE ?1 IS NULL OR method = ?1", (method,))


class CallLog:
    """Each Web API call received: method, time, outcome; never an argument or a token."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, method: str, at: float, error: str | None) -> None:
        """Notes one call; `at` in Unix seconds, `error` as Slack said it."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO calls (method, at, error) VALUES (?, ?, ?)", (method, at, error)
            )

    def calls(self) -> list[Json]:
        """The last thousand calls, oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT method, at, error FROM calls ORDER BY id DESC LIMIT ?", (_CALLS_SHOWN,)
            ).fetchall()
        return [
            {"method": r["method"], "at": r["at"], "ok": r["error"] is None, "error": r["error"]}
            for r in reversed(rows)
        ]
