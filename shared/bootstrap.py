"""The only place where adapters are chosen. Everything heavy is imported here, when it is used.

An entry point calls `application()`, which is built once for a process from its environment;
each part of it is built when it is first asked for, so that `ingest` never loads Cloud Run's
client and a pressed button never waits for the policy.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from shared.adapters.clock import SystemClock
from shared.adapters.structured_log import configure, labelled
from shared.config import Settings, SettingsError, tokens_in
from shared.domain.errors import Refused, Transient

if TYPE_CHECKING:
    from shared.adapters.firestore.store import FirestoreStore
    from shared.adapters.pages.pages import Pages
    from shared.adapters.secret_manager import SecretManager
    from shared.adapters.sqlite.store import SqliteStore
    from shared.app.accept import PublishAlerts, PublishRejections, StoreInstruction
    from shared.app.act import Act
    from shared.app.announce import Announcer
    from shared.app.handle import Handle
    from shared.app.plan import MakePlan
    from shared.app.receive import FollowInstruction, ReceiveAlerts
    from shared.app.take import AskForRollback, TakeCommand
    from shared.app.tick import Tick
    from shared.domain.policy import Policy
    from shared.ports import Chat, Clock, Health, Publisher, Store, Traffic

T = TypeVar("T")


class Misconfigured(Transient):
    """The environment, the policy or the store is not as it must be; somebody may mend it.

    `faults` has all that is known to be wrong, each with what would be right.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class once(Generic[T]):  # noqa: N801 - reads as what it does, like `property`
    """A part of the application: built when first asked for, under its lock, then kept."""

    def __init__(self, build: Callable[[Any], T]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, application: None, owner: type) -> once[T]: ...
    @overload
    def __get__(self, application: Application, owner: type) -> T: ...
    def __get__(self, application: Application | None, owner: type) -> T | once[T]:
        if application is None:
            return self
        with application.lock:
            if self._name not in application.__dict__:
                application.__dict__[self._name] = self._build(application)
            built: T = application.__dict__[self._name]
            return built


class Application:
    """Every part that an entry point may ask for, wired together."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.clock: Clock = SystemClock()
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

    @once
    def announcer(self) -> Announcer:
        """Publishes actions."""
        from shared.app.announce import Announcer

        return Announcer(self.publisher, commit_publishes=self.settings.pubsub is None)

    @once
    def handle(self) -> Handle:
        """The one way for an event to take effect."""
        from shared.app.handle import Handle

        return Handle(
            policy=self.policy,
            heads=self.store,
            announcer=self.announcer,
            clock=self.clock,
            retrying=_retrying_conflicts(),
        )

    @once
    def publish_alerts(self) -> PublishAlerts:
        """What `ingest` does."""
        from shared.app.accept import PublishAlerts

        return PublishAlerts(self.publisher)

    @once
    def publish_rejections(self) -> PublishRejections:
        """What `ingest` does with what it cannot read."""
        from shared.app.accept import PublishRejections

        return PublishRejections(self.publisher)

    @once
    def receive_alerts(self) -> ReceiveAlerts:
        """What `respond` does."""
        from shared.app.receive import ReceiveAlerts

        return ReceiveAlerts(self.handle)

    @once
    def store_instruction(self) -> StoreInstruction:
        """What `slack` does with a pressed button."""
        from shared.app.accept import StoreInstruction

        return StoreInstruction(self.store, self.publisher)

    @once
    def take_command(self) -> TakeCommand:
        """What `slack` does with a typed command."""
        from shared.app.desk import Desk
        from shared.app.take import TakeCommand

        desk = Desk(policy=self.policy, reports=self.store)
        chat: Chat = _Lazy(lambda: self.chat)
        return TakeCommand(desk=desk, store=self.store_instruction, chat=chat)

    @once
    def ask_for_rollback(self) -> AskForRollback:
        """What `slack` does with a submitted form."""
        from shared.app.take import AskForRollback

        return AskForRollback(self.store_instruction)

    @once
    def follow_instruction(self) -> FollowInstruction:
        """What `command` does."""
        from shared.app.receive import FollowInstruction

        return FollowInstruction(self.handle, self.store)

    @once
    def tick(self) -> Tick:
        """What `tick` does."""
        from shared.app.tick import Tick

        return Tick(
            handle=self.handle,
            timers=self.store,
            outbox=self.store,
            announcer=self.announcer,
            clock=self.clock,
        )

    @once
    def act(self) -> Act:
        """What `act` does."""
        from shared.app.act import Act
        from shared.app.change import ChangeTraffic
        from shared.app.people import People
        from shared.domain.action import ActionKind

        people = People(policy=self.policy, heads=self.store, chat=_Lazy(lambda: self.chat))
        change = ChangeTraffic(
            policy=self.policy,
            traffic=_Lazy(lambda: self.traffic),
            health=_Lazy(lambda: self.health),
            clock=self.clock,
        )
        return Act(
            handle=self.handle,
            outbox=self.store,
            performers={
                ActionKind.PAGE: people.page,
                ActionKind.REFRESH: people.refresh,
                ActionKind.TELL: people.tell,
                ActionKind.SHOW: people.show,
                ActionKind.PLAN: self.make_plan,
                ActionKind.APPLY: change,
                ActionKind.RESTORE: change,
            },
        )

    @once
    def make_plan(self) -> MakePlan:
        """Plans rollbacks."""
        from shared.app.plan import MakePlan

        traffic: Traffic = _Lazy(lambda: self.traffic)
        return MakePlan(policy=self.policy, traffic=traffic, clock=self.clock)

    @property
    def chat(self) -> Chat:
        """Slack; with a new token as soon as the secret has one."""
        return self._chat_with(self.secret("SLACK_BOT_TOKEN", self.settings.slack_bot_token))

    def _make_chat(self, token: str) -> Chat:
        from shared.adapters.slack import SLACK_API, SlackChat

        return SlackChat(token, self.clock, base_url=self.settings.slack_api_url or SLACK_API)

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

    def secret(self, name: str, value: str) -> str:
        """The value of the setting `name`, read from Secret Manager if it is a reference.

        Raises `Misconfigured` when there is none, `Transient` when it cannot be read now. Never
        an empty secret, which any sender would know.
        """
        try:
            found = self._secrets.resolve(value) if value.startswith("secret://") else value
        except Refused as refused:
            raise Misconfigured(f"{name}: {refused}") from refused
        if not found.strip():
            raise Misconfigured(f"{name} is not set, or is an empty secret")
        return found

    @once
    def _secrets(self) -> SecretManager:
        from shared.adapters.secret_manager import SecretManager

        if not self.settings.project:
            raise Misconfigured("GOOGLE_CLOUD_PROJECT is not set, so secret:// names no project")
        return SecretManager(
            self.settings.project, self.clock, endpoint=self.settings.secret_manager_endpoint
        )

    def sender_is_known(self, authorization: str) -> bool:
        """Whether an `Authorization` header carries one of the bearer tokens of `ingest`.

        Raises `Transient` when a token cannot be known and no other fits: that is our fault,
        not the sender's.
        """
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer":
            given = ""
        unknown: Transient | None = None
        for token in self.settings.ingest_tokens or ("",):
            try:
                known = self.secret("SWITCHMAN_INGEST_TOKEN", token)
            except Transient as error:
                unknown = error
                continue
            # A server hands on the bytes of a header as Latin-1; one secret may hold both tokens.
            sent = given.strip().encode("latin-1")
            if any(hmac.compare_digest(sent, os.fsencode(one)) for one in tokens_in(known)):
                return True
        if unknown:
            raise unknown
        return False

    def verify_slack(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raise `BadSignature` unless Slack signed this request in the last five minutes."""
        from shared.adapters.slack_signature import verify

        secret = self.secret("SLACK_SIGNING_SECRET", self.settings.slack_signing_secret)
        verify([secret], headers, body, self.clock.now())

    @once
    def pages(self) -> Pages:
        """The pages of `status`."""
        from shared.adapters.pages.pages import Pages

        return Pages(self.policy, self.clock)


class _Lazy:
    """Stands in for a port until it is first used, so that pages never wait for Cloud Run's SDK."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build

    def __getattr__(self, name: str) -> Any:
        return getattr(self._build(), name)


def _retrying_conflicts() -> Any:
    """Decide again on fresh state, with jitter, while other writers come first."""
    import stamina

    from shared.domain.errors import Conflict

    return stamina.RetryingCaller(
        attempts=25, timeout=20.0, wait_initial=0.01, wait_max=0.5, wait_jitter=0.05
    ).on(Conflict)


class _Process:
    """What this process has built: at most one application."""

    lock = threading.Lock()
    application: Application | None = None


def application() -> Application:
    """The process's application, built from its environment on the first call.

    Raises `Misconfigured` with every fault of the environment at once.
    """
    with _Process.lock:
        if _Process.application is None:
            try:
                _Process.application = Application(Settings.from_env(os.environ))
            except SettingsError as error:
                raise Misconfigured(*error.faults) from error
        return _Process.application


@contextmanager
def logging_for(function: str, trace: str) -> Iterator[None]:
    """Every line logged meanwhile, as JSON, says which function wrote it and for which trace.

    Cloud Logging takes a trace by its full name:
    https://cloud.google.com/logging/docs/structured-logging#special-payload-fields.
    """
    configure()
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    name = f"projects/{project}/traces/{trace}" if project and trace else trace
    with labelled(function=function, trace=name):
        yield
