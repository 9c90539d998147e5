"""The adapters: which ones the settings choose. Each loads its vendor's library when it is built."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from shared.bootstrap.last_resort import WayOut
from shared.bootstrap.once import Lazy, once
from shared.config import Settings
from shared.domain.errors import Misconfigured, Refused

if TYPE_CHECKING:
    from shared.adapters.firestore.store import FirestoreStore
    from shared.adapters.metrics.google_monitoring import GoogleMonitoring
    from shared.adapters.metrics.prometheus import PrometheusMetrics
    from shared.adapters.sqlite.store import SqliteStore
    from shared.domain.policy import Policy
    from shared.ports import Chat, Health, Metrics, Publisher, Snapshots, Store, Traffic


class Outside(WayOut):
    """The policy, the store, the topics, and the vendors that are asked to do things."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._chat_with = lru_cache(maxsize=1)(self._make_chat)

    @once
    def policy(self) -> Policy:
        """The policy file."""
        from shared.policy import PolicyError, load

        try:
            return load(self.settings.policy)
        except PolicyError as error:
            raise Misconfigured(*map(str, error.faults)) from error

    @once
    def store(self) -> Store:
        """The store."""
        return self.sqlite if self.settings.sqlite is not None else self._firestore

    @once
    def _firestore(self) -> FirestoreStore:
        from google.cloud.firestore import Client

        from shared.adapters.firestore.store import FirestoreStore

        assert self.settings.firestore is not None, "settings name one of the two stores"
        project, database = self.settings.firestore
        return FirestoreStore(Client(project=project, database=database), self.clock)

    @once
    def sqlite(self) -> SqliteStore:
        """The SQLite store, on which the embedded bus lives."""
        if self.settings.sqlite is None:
            raise Misconfigured("SWITCHMAN_STORE: the embedded bus needs a sqlite:// store")
        import sqlite3

        from shared.adapters.sqlite.database import NotDurable
        from shared.adapters.sqlite.store import SqliteStore
        from shared.wire.stored import NewerSchema

        with_messages = self.settings.pubsub is None
        try:
            return SqliteStore(self.settings.sqlite, self.clock, messages=with_messages)
        except NewerSchema as error:
            raise Misconfigured(str(error)) from error
        except (NotDurable, sqlite3.DatabaseError) as error:
            path = self.settings.sqlite
            raise Misconfigured(f"SWITCHMAN_STORE: {path} is no store: {error}") from error

    @once
    def publisher(self) -> Publisher:
        """The way onto the topics."""
        if self.settings.pubsub is None:
            return self.sqlite.messages
        from shared.adapters.pubsub import PubSubPublisher

        return PubSubPublisher(self.settings.pubsub)

    @property
    def chat(self) -> Chat:
        """Slack; with a new token as soon as the secret has one."""
        return self._chat_with(self.secret("SLACK_BOT_TOKEN", self.settings.slack_bot_token))

    def _make_chat(self, token: str) -> Chat:
        from shared.adapters.slack import SLACK_API, SlackChat

        return SlackChat(
            token,
            self.clock,
            base_url=self.settings.slack_api_url or SLACK_API,
            status_pages=self.settings.url,
        )

    @once
    def traffic(self) -> Traffic:
        """Cloud Run."""
        from shared.adapters.cloud_run import CloudRunTraffic

        return CloudRunTraffic(self.clock, endpoint=self.settings.cloud_run_endpoint)

    @once
    def health(self) -> Health:
        """Health checks over HTTP."""
        from shared.adapters.http_health import HttpHealth

        return HttpHealth(self.clock)

    @once
    def metrics(self) -> Metrics:
        """The sources of metrics that are configured, by their names.

        Cloud Monitoring counts a revision's requests, unless Cloud Run itself is simulated.
        """
        from shared.adapters.metrics.sources import Sources
        from shared.domain.metrics import CLOUD_MONITORING, PROMETHEUS

        sources: dict[str, Metrics] = {}
        if self.settings.prometheus:
            sources[PROMETHEUS] = Lazy(lambda: self.prometheus)
        if self.settings.project:
            sources[CLOUD_MONITORING] = Lazy(lambda: self.cloud_monitoring)
        simulated = self.settings.cloud_run_endpoint or not self.settings.project
        return Sources(sources, counts=PROMETHEUS if simulated else CLOUD_MONITORING)

    @once
    def prometheus(self) -> PrometheusMetrics:
        """The Prometheus of the settings."""
        from shared.adapters.metrics.prometheus import PrometheusMetrics

        value = self.settings.prometheus_token
        token = (lambda: self.secret("SWITCHMAN_PROMETHEUS_TOKEN", value)) if value else None
        return PrometheusMetrics(self.settings.prometheus, self.clock, token=token)

    @once
    def cloud_monitoring(self) -> GoogleMonitoring:
        """Cloud Monitoring, asked in the project of the settings."""
        from shared.adapters.metrics.google_monitoring import GoogleMonitoring

        return GoogleMonitoring(self.settings.project)

    @once
    def snapshots(self) -> Snapshots:
        """The snapshots of the stacks' data. Raises `Refused` where nobody says where they are."""
        from shared.adapters.folder_snapshots import FolderSnapshots

        if self.settings.snapshots is None:
            raise Refused(
                "SWITCHMAN_SNAPSHOTS is not set, so nobody knows where the snapshots are: set it to"
                " the folder that has one folder for each stack"
            )
        return FolderSnapshots(self.settings.snapshots, self.clock)
