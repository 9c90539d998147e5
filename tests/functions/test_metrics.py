"""Which sources of metrics the environment makes known."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from infra.local.server import serve
from shared.bootstrap import Application
from shared.config import SHIPPED_POLICY, Settings
from shared.domain.errors import Misconfigured, Refused, Transient
from shared.domain.metrics import Bound, Budget, MetricQuery, Reading
from tests.builders import NOON

UP = MetricQuery(source="prometheus", expression="vector(1)", budget=Budget(Bound.ABOVE, 0))
BODY = b'{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}'


def application(tmp_path: Path, **settings: str) -> Application:
    """An application of this environment, of which nothing is built yet."""
    store = tmp_path / "store.sqlite3"
    return Application(Settings(policy=SHIPPED_POLICY, sqlite=store, **settings))  # type: ignore[arg-type]


def test_the_prometheus_of_the_environment_is_asked_with_its_token(tmp_path: Path) -> None:
    """Address and token come from the settings."""
    given: list[str] = []

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given.append(environ["HTTP_AUTHORIZATION"])
        start_response("200 OK", [("Content-Type", "application/json")])
        return [BODY]

    with serve(answer) as url:
        known = application(tmp_path, prometheus=url, prometheus_token="s3cret")
        with closing(known.prometheus):
            assert known.metrics.value(UP, NOON) == Reading(1.0, NOON)
    assert given == ["Bearer s3cret"]


def test_a_token_whose_secret_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    """It may be readable in a minute: nothing is known until then."""
    nowhere = {"prometheus": "http://127.0.0.1:1", "prometheus_token": "secret://token"}
    known = application(tmp_path, **nowhere)
    with closing(known.prometheus), pytest.raises(Transient) as raised:
        known.metrics.value(UP, NOON)
    assert isinstance(raised.value, Misconfigured)


def test_where_nothing_is_configured_every_query_is_refused(tmp_path: Path) -> None:
    """The reason names the source that the policy asks for."""
    with pytest.raises(Refused, match="no source of metrics 'prometheus'; known: none"):
        application(tmp_path).metrics.value(UP, NOON)


def test_in_a_known_project_cloud_monitoring_is_there(tmp_path: Path) -> None:
    """It needs no setting of its own, and is not asked before somebody wants to know."""
    known = application(tmp_path, project="shop").metrics
    with pytest.raises(Refused, match="known: cloud_monitoring"):
        known.value(UP, NOON)
