"""The composition root: everything is made here, from settings and a few things that tests replace."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.adjusting import Adjusting
from bot.alerts import Alerts
from bot.calibrating.looks import Looks
from bot.calibrating.uses import Uses
from bot.calibrating.worths import Worths
from bot.clock import Clock, SystemClock
from bot.config import Settings, SettingsError, load_secret, need_slack
from bot.delivery.batches import BatchKeeper
from bot.delivery.contents import Contents
from bot.delivery.deadlines import DeadlineKeeper
from bot.delivery.digests import Digests
from bot.delivery.events import EventSender
from bot.delivery.loops import remedy
from bot.delivery.messages import MessageSender
from bot.digest import DigestSources
from bot.executions import Executions
from bot.ids import NewId, random_id
from bot.intake import Intake
from bot.jobs.audit_samples import AuditSamples
from bot.jobs.calibrate import Calibrate
from bot.jobs.deadlines import DeadlineJob
from bot.jobs.drift import Drift
from bot.jobs.model_days import ModelDays
from bot.jobs.queue_batches import QueueBatches
from bot.jobs.retention import Retention
from bot.jobs.runner import Jobs
from bot.jobs.scheduler import Scheduler
from bot.jobs.seal_history import SealHistory
from bot.jobs.weekly_digest import WeeklyDigest
from bot.metrics import Metrics
from bot.policy_in_force import PolicyInForce, PolicyUnreadableError
from bot.proposals import Proposals
from bot.reporting.overview import Overviews
from bot.reviewing.audit_rates import AuditRates
from bot.reviewing.audits import Audits
from bot.reviewing.case import Cases
from bot.reviewing.claims import Claims
from bot.reviewing.deadlines import Deadlines
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.load import Load
from bot.reviewing.notes import Notes
from bot.reviewing.promotions import Promotions
from bot.reviewing.queue import Queue
from bot.reviewing.rollbacks import Rollbacks
from bot.reviewing.second_opinion import SecondOpinions
from bot.reviewing.verdicts import Reviewing
from bot.secretbox import SecretBox
from bot.slack.alert_listeners import AlertListeners, AlertPresenter
from bot.slack.channels import Channels
from bot.slack.endpoint import SlackEndpoint, bolt_app
from bot.slack.home import HomeListeners
from bot.slack.listeners import CardListeners
from bot.slack.messages import SLACK_TROUBLE, Messages, error_code
from bot.slack.people import SlackMembership
from bot.slack.present import Presenter
from bot.slack.proposed_listeners import ProposalListeners
from bot.slack.reception import Reception, acknowledge_the_rest
from bot.slack.send_for_review import SendForReview
from bot.slack.socket import SocketMode
from bot.slack.stats_command import StatsCommand
from bot.slack.threads import ThreadListeners
from bot.slack.uploads import Uploads
from bot.slack.verdict_forms import VerdictForms
from bot.slack.walk import WalkListeners
from bot.web.alerts import AlertApi
from bot.web.api import DecisionApi
from bot.web.auth import Authenticator
from bot.web.calibration import CalibrationApi
from bot.web.executions import ExecutionApi
from bot.web.health import Health
from bot.web.problem import problem_middleware
from bot.web.stats import StatsApi
from store import schema
from store.accuracy import AccuracyStore
from store.adjustments import AdjustmentStore
from store.alerts import AlertStore
from store.audit_streams import StreamStore
from store.audits import AuditStore
from store.calibrations import CalibrationStore
from store.decisions import DecisionStore, PrimaryKeys
from store.drift import DriftStore
from store.engine import open_engine, sqlite_path
from store.events import EventStore
from store.executions import ExecutionStore
from store.facts import FactStore
from store.keys import KeyStore
from store.labels import LabelStore
from store.load import LoadStore
from store.messages import MessageStore, ReleaseLeases
from store.notes import NoteStore
from store.notify import PostgresListener, Wakeups
from store.policies import last_document
from store.queue import QueueStore
from store.retention import RetentionStore
from store.reviews import ReviewStore
from store.rollbacks import RollbackStore
from store.runs import RunStore
from store.seals import SealStore
from store.threshold_effect import ThresholdEffectStore
from store.uses import UseStore
from store.writer import Writer

log = structlog.get_logger(__name__)

Role = Literal["all", "web", "worker", "jobs"]
"""`jobs` is the command line's: it composes all and serves nothing (`Application.prepare`)."""

_SLACK_BODY = 4 << 20
_SLACK_TIMEOUT = 10
# SIGTERM: all of it together stays under 10 s.
_FINISH_REQUESTS = 4.0
_FINISH_DELIVERIES = 3.0
_FINISH_STORE = 2.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a test or a benchmark replaces: time, ids, chance, the writer."""

    clock: Clock
    new_id: NewId = random_id
    chance: Callable[[], float] = random.random
    open_writer: Callable[[AsyncEngine, Wakeups], Writer] = Writer
    loops: bool = True
    """False: whoever drives the time also has sent and swept what is due then."""


class Application:
    """One process of the bot. `start()` returns when it answers; `stop()` finishes what is in flight."""

    def __init__(self, settings: Settings, role: Role = "all", around: Surroundings | None = None) -> None:
        if role in ("web", "worker") and sqlite_path(settings.database) is not None:
            raise SettingsError(
                f"--role {role} splits the work over processes, and SQLite is for one: set HITL_DATABASE_URL to a "
                "postgresql:// URL, or run without --role."
            )
        around = around or Surroundings(SystemClock())
        self._settings, self._role, self._clock = settings, role, around.clock
        self._loops = around.loops
        token = settings.slack_bot_token or "" if role == "jobs" else need_slack(settings)
        box = SecretBox(load_secret(settings))
        self.engine = open_engine(settings.database)
        self.wakeups = Wakeups()
        self.writer = around.open_writer(self.engine, self.wakeups)
        self.messages, self.events = MessageStore(self.engine), EventStore(self.engine)
        self.queue, self.reviews = QueueStore(self.engine), ReviewStore(self.engine)
        self.keys, self.decisions = KeyStore(self.engine), DecisionStore(self.engine)
        rollbacks, alert_store, load_store = RollbackStore(self.engine), AlertStore(self.engine), LoadStore(self.engine)
        adjustments, streams, calibrations = (
            AdjustmentStore(self.engine),
            StreamStore(self.engine),
            CalibrationStore(self.engine),
        )
        self.metrics = Metrics(self._clock, self.engine)
        self.policy = PolicyInForce(settings.hitl_policy, self.writer, self._clock, adjustments, ends=role != "jobs")
        self.adjusting = Adjusting(
            clock=self._clock, writer=self.writer, store=adjustments, policy=self.policy, new_id=around.new_id
        )
        self._client = AsyncWebClient(
            token=token,
            base_url=settings.slack_api_url,
            timeout=_SLACK_TIMEOUT,
            # A lost answer must be looked for, not posted again: nothing is retried behind our back.
            retry_handlers=[],
        )
        primary_keys, audits, channels, uploads = (
            PrimaryKeys(self.writer),
            AuditStore(self.engine),
            Channels(self._client, self._clock),
            Uploads(self._client, self._clock),
        )
        self.cases = Cases(self.reviews, self.decisions)
        messages, membership = Messages(self._client, channels), SlackMembership(self._client, self._clock, channels)
        self.eligibility = Eligibility(self.policy, membership)
        self.reviewing = Reviewing(
            clock=self._clock,
            writer=self.writer,
            cases=self.cases,
            eligibility=self.eligibility,
            policy=self.policy,
            second_opinions=SecondOpinions(
                clock=self._clock,
                keys=primary_keys,
                new_id=around.new_id,
                eligibility=self.eligibility,
                draw=box.draw_second_opinion,
            ),
            new_id=around.new_id,
        )
        self.claims = Claims(clock=self._clock, writer=self.writer, cases=self.cases, eligibility=self.eligibility)
        self.line = Queue(
            clock=self._clock,
            queue=self.queue,
            cases=self.cases,
            eligibility=self.eligibility,
            claims=self.claims,
        )
        self.deadlines = Deadlines(
            clock=self._clock,
            writer=self.writer,
            reviews=self.reviews,
            cases=self.cases,
            eligibility=self.eligibility,
            reviewing=self.reviewing,
            policy=self.policy,
            keys=primary_keys,
            new_id=around.new_id,
        )
        self.rollbacks, uses = (
            Rollbacks(clock=self._clock, writer=self.writer, store=rollbacks, new_id=around.new_id),
            Uses(writer=self.writer, store=UseStore(self.engine)),
        )
        self.intake = Intake(
            clock=self._clock,
            writer=self.writer,
            keys=primary_keys,
            decisions=self.decisions,
            executions=ExecutionStore(self.engine),
            policy=self.policy,
            wakeups=self.wakeups,
            secretbox=box,
            callback_allow=settings.callback_allow,
            new_id=around.new_id,
            metrics=self.metrics,
        )
        self.alerts = Alerts(
            clock=self._clock,
            writer=self.writer,
            store=alert_store,
            keys=primary_keys,
            new_id=around.new_id,
            policy=self.policy,
            eligibility=self.eligibility,
        )
        presenter, alert_presenter = (
            Presenter(self.eligibility, self.decisions, Worths(calibrations, self._clock)),
            AlertPresenter(self.policy),
        )
        self._reception = Reception(self._client)
        forms = VerdictForms(
            cases=self.cases, presenter=presenter, writer=self.writer, clock=self._clock, metrics=self.metrics
        )
        walk = WalkListeners(
            client=self._client,
            reception=self._reception,
            cases=self.cases,
            eligibility=self.eligibility,
            queue=self.line,
            reviewing=self.reviewing,
            claims=self.claims,
            presenter=presenter,
            forms=forms,
        )
        self._home = HomeListeners(
            client=self._client,
            reception=self._reception,
            clock=self._clock,
            queue=self.line,
            presenter=presenter,
            walk=walk,
            wakeups=self.wakeups,
        )
        self._listeners = (
            CardListeners(
                client=self._client,
                reception=self._reception,
                cases=self.cases,
                eligibility=self.eligibility,
                reviewing=self.reviewing,
                claims=self.claims,
                presenter=presenter,
                forms=forms,
                messages=messages,
                store=self.messages,
                writer=self.writer,
            ),
            walk,
            self._home,
            AlertListeners(reception=self._reception, alerts=self.alerts, presenter=alert_presenter, clock=self._clock),
            ProposalListeners(
                reception=self._reception,
                proposals=Proposals(
                    store=adjustments, adjusting=self.adjusting, eligibility=self.eligibility, policy=self.policy
                ),
            ),
            SendForReview(
                client=self._client,
                reception=self._reception,
                intake=self.intake,
                policy=self.policy,
                writer=self.writer,
                secretbox=box,
                clock=self._clock,
            ),
            StatsCommand(
                client=self._client,
                reception=self._reception,
                membership=membership,
                overviews=Overviews(self.engine),
                policy=self.policy,
                uploads=uploads,
                clock=self._clock,
            ),
            ThreadListeners(
                reception=self._reception,
                cases=self.cases,
                eligibility=self.eligibility,
                reviewing=self.reviewing,
                notes=Notes(clock=self._clock, writer=self.writer, store=NoteStore(self.engine)),
                presenter=presenter,
                forms=forms,
                store=self.messages,
                writer=self.writer,
                clock=self._clock,
            ),
        )
        self.message_sender = MessageSender(
            clock=self._clock,
            writer=self.writer,
            store=self.messages,
            policy=self.policy,
            contents=Contents(
                policy=self.policy,
                cases=self.cases,
                eligibility=self.eligibility,
                presenter=presenter,
                store=self.messages,
                queue=self.queue,
                rollbacks=rollbacks,
                audits=audits,
                alerts=alert_store,
                adjustments=adjustments,
                alert_presenter=alert_presenter,
                digests=Digests(client=self._client, uploads=uploads, writer=self.writer),
            ),
            messages=messages,
            wakeups=self.wakeups,
        )
        load = Load(
            clock=self._clock, writer=self.writer, store=load_store, policy=self.policy, deadlines=self.deadlines
        )
        self.batch_keeper = BatchKeeper(
            clock=self._clock,
            writer=self.writer,
            store=self.messages,
            queue=self.queue,
            load=load_store,
            policy=self.policy,
            wakeups=self.wakeups,
        )
        self.deadline_keeper = DeadlineKeeper(
            clock=self._clock,
            sweeps={"reviews": self.deadlines, "rollbacks": self.rollbacks, "uses": uses},
            wakeups=self.wakeups,
        )
        self.event_sender = EventSender(
            clock=self._clock,
            writer=self.writer,
            events=self.events,
            keys=self.keys,
            secretbox=box,
            allow=settings.callback_allow,
            wakeups=self.wakeups,
            chance=around.chance,
        )
        self.jobs = Jobs(
            clock=self._clock,
            writer=self.writer,
            runs=RunStore(self.engine),
            jobs=[
                AuditSamples(
                    rates=AuditRates(
                        clock=self._clock,
                        writer=self.writer,
                        streams=streams,
                        policy=self.policy,
                        adjusting=self.adjusting,
                        alerts=self.alerts,
                    ),
                    audits=Audits(
                        clock=self._clock,
                        writer=self.writer,
                        audits=audits,
                        streams=streams,
                        policy=self.policy,
                        keys=primary_keys,
                        new_id=around.new_id,
                    ),
                    promotions=Promotions(
                        clock=self._clock,
                        writer=self.writer,
                        accuracy=AccuracyStore(self.engine),
                        streams=streams,
                        adjustments=adjustments,
                        policy=self.policy,
                        adjusting=self.adjusting,
                    ),
                    runs=RunStore(self.engine),
                    policy=self.policy,
                ),
                Drift(
                    clock=self._clock,
                    writer=self.writer,
                    days=ModelDays(clock=self._clock, writer=self.writer, store=DriftStore(self.engine)),
                    streams=streams,
                    facts=FactStore(self.engine),
                    alerts=self.alerts,
                    policy=self.policy,
                ),
                SealHistory(clock=self._clock, writer=self.writer, seals=SealStore(self.engine)),
                WeeklyDigest(
                    clock=self._clock, writer=self.writer, policy=self.policy, sources=DigestSources.on(self.engine)
                ),
                Retention(clock=self._clock, writer=self.writer, store=RetentionStore(self.engine), policy=self.policy),
                Calibrate(
                    clock=self._clock,
                    writer=self.writer,
                    looks=Looks(
                        clock=self._clock,
                        writer=self.writer,
                        labels=LabelStore(self.engine),
                        calibrations=calibrations,
                        policy=self.policy,
                    ),
                    calibrations=calibrations,
                    effects=ThresholdEffectStore(self.engine),
                    adjusting=self.adjusting,
                    policy=self.policy,
                ),
                DeadlineJob({"reviews": self.deadlines, "rollbacks": self.rollbacks, "uses": uses}),
                QueueBatches(load, self.batch_keeper),
            ],
        )
        self._scheduler = Scheduler(self.jobs)
        self._auth = Authenticator(self.keys, self._clock)
        self._apis = (
            DecisionApi(self._auth, self.intake, box),
            ExecutionApi(self._auth, Executions(clock=self._clock, writer=self.writer, find=self.intake.find)),
            AlertApi(self._auth, self.alerts),
            StatsApi(self._auth, self.engine, self.policy, self._clock),
            CalibrationApi(self._auth, calibrations),
        )
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._socket: SocketMode | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._listener = (
            PostgresListener(settings.database, self.wakeups)
            if settings.database.drivername.startswith("postgresql")
            else None
        )

    @property
    def url(self) -> str:
        """Where the HTTP API answers, with the port that was really taken."""
        if self._runner is None:
            raise RuntimeError("the application has not been started")
        port = self._runner.addresses[0][1]
        return f"http://{self._settings.hitl_host}:{port}"

    async def prepare(self, *, urgent: bool = False) -> None:
        """All that a command needs which only reads and writes. `urgent`: where the policy file is broken, the policy
        that was in force last does, as it does for those that serve. Raises SchemaTooOldError, PolicyUnreadableError.
        """
        await schema.require(self.engine)
        self.writer.start()
        try:
            await self.policy.load()
        except PolicyUnreadableError:
            last = await last_document(self.engine) if urgent else None
            if last is None:
                raise
            await self.policy.stand_in(last)

    async def start(self) -> None:
        """Raises SchemaTooOldError, PolicyUnreadableError, SettingsError (port taken)."""
        await self.prepare()
        if sqlite_path(self._settings.database) is not None:
            await self.writer.submit(ReleaseLeases())
        self._client.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SLACK_TIMEOUT))
        await self.event_sender.open()
        if self._listener is not None:
            self._listener.start()
        await self._serve()
        if self._loops:
            self._start_loops()
        self._spawn(self._say_hello(), "slack-hello")
        log.info("serve.ready", url=self.url, role=self._role, policy=self.policy.current.version)

    def _start_loops(self) -> None:
        self._spawn(self.policy.watch(), "policy-watch")
        if self._role != "worker":
            self._spawn(self._home.run(), "home")
        if self._role != "web":
            self._spawn(self.message_sender.run(), "message-sender")
            self._spawn(self.batch_keeper.run(), "batch-keeper")
            self._spawn(self.deadline_keeper.run(), "deadline-keeper")
            self._spawn(self.event_sender.run(), "event-sender")
            self._scheduler.start()

    async def stop(self) -> None:
        if self._site is not None:
            await self._site.stop()
        if self._socket is not None:
            await self._socket.stop()
        self.wakeups.close()
        if self._runner is not None:
            await self._runner.cleanup()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for finish in (
            self._reception.stop,
            self._scheduler.stop,
            self.message_sender.stop,
            self.event_sender.stop,
        ):
            await _within(finish, _FINISH_DELIVERIES / 4)
        if self._listener is not None:
            await self._listener.stop()
        if self._client.session is not None:
            await self._client.session.close()
        for finish in (self.writer.stop, self.engine.dispose):
            await _within(finish, _FINISH_STORE / 2)

    async def _serve(self) -> None:
        bolt = bolt_app(self._client)
        for listeners in self._listeners:
            listeners.register(bolt)
        acknowledge_the_rest(bolt)
        app = web.Application(middlewares=[problem_middleware], client_max_size=_SLACK_BODY)
        app.add_routes(Health(self._auth, self.metrics, self._ready).routes())
        if self._role != "worker":
            for api in self._apis:
                app.add_routes(api.routes())
            app.add_routes(self._slack_routes(bolt))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FINISH_REQUESTS)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, self._settings.hitl_host, self._settings.hitl_port)
        try:
            await self._site.start()
        except OSError as error:
            raise SettingsError(f"HITL_HOST, HITL_PORT: {error.strerror or error}. Choose a free port.") from error
        if self._settings.slack_app_token and self._role != "worker":
            self._socket = SocketMode(bolt, self._settings.slack_app_token, self._client)
            self._socket.start()

    def _slack_routes(self, bolt: AsyncApp) -> list[web.RouteDef]:
        secret = self._settings.slack_signing_secret
        return [] if secret is None else SlackEndpoint(bolt, secret, self._clock).routes()

    async def _ready(self) -> None:
        await schema.require(self.engine)

    async def _say_hello(self) -> None:
        """Tells once in the log whether Slack knows us; cards wait in the database either way."""
        try:
            answer = await self._client.auth_test()
        except SlackApiError as error:
            code = error_code(error)
            log.error("slack.refused", error=code, remedy=remedy(code))
        except SLACK_TROUBLE as error:
            log.error("slack.unreachable", error=type(error).__name__, remedy="cards wait and go out when it is back")
        else:
            log.info("slack.connected", team=answer.get("team"), bot=answer.get("user"))

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_tell_of_failure)
        self._tasks.append(task)


def _tell_of_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("serve.task_failed", task=task.get_name(), exc_info=task.exception())


async def _within(finish: Callable[[], Awaitable[None]], seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await finish()
