"""What people in Slack see and press."""

from typing import Protocol

from slack_bolt.async_app import AsyncApp

from bot.assembly.connection import Connection
from bot.assembly.services import Services
from bot.calibrating.worths import Worths
from bot.proposals import Proposals
from bot.reporting.overview import Overviews
from bot.reviewing.notes import Notes
from bot.slack.alert_listeners import AlertListeners, AlertPresenter
from bot.slack.home import HomeListeners
from bot.slack.listeners import CardListeners
from bot.slack.present import Presenter
from bot.slack.proposed_listeners import ProposalListeners
from bot.slack.reception import Reception
from bot.slack.send_for_review import SendForReview
from bot.slack.stats_command import StatsCommand
from bot.slack.threads import ThreadListeners
from bot.slack.verdict_forms import VerdictForms
from bot.slack.walk import WalkListeners
from store.notes import NoteStore


class Listeners(Protocol):
    def register(self, app: AsyncApp) -> None: ...


class Screens:
    def __init__(self, services: Services, slack: Connection) -> None:
        self._services, self._slack = services, slack
        self.presenter = Presenter(
            services.eligibility, services.stores.decisions, Worths(services.stores.calibrations, services.clock)
        )
        self.alert_presenter = AlertPresenter(services.policy)
        self.reception = Reception(slack.client)
        self._forms = VerdictForms(
            cases=services.cases,
            presenter=self.presenter,
            writer=services.writer,
            clock=services.clock,
            metrics=services.metrics,
        )
        walk = WalkListeners(
            client=slack.client,
            reception=self.reception,
            cases=services.cases,
            eligibility=services.eligibility,
            queue=services.line,
            reviewing=services.reviewing,
            claims=services.claims,
            presenter=self.presenter,
            forms=self._forms,
        )
        self.home = HomeListeners(
            client=slack.client,
            reception=self.reception,
            clock=services.clock,
            queue=services.line,
            presenter=self.presenter,
            walk=walk,
            wakeups=services.wakeups,
        )
        self.listeners: tuple[Listeners, ...] = (
            self._cards(),
            walk,
            self.home,
            AlertListeners(
                reception=self.reception,
                alerts=services.alerts,
                presenter=self.alert_presenter,
                clock=services.clock,
            ),
            self._proposals(),
            self._send_for_review(),
            self._stats(),
            self._threads(),
        )

    def _cards(self) -> CardListeners:
        services = self._services
        return CardListeners(
            client=self._slack.client,
            reception=self.reception,
            cases=services.cases,
            eligibility=services.eligibility,
            reviewing=services.reviewing,
            claims=services.claims,
            presenter=self.presenter,
            forms=self._forms,
            messages=self._slack.messages,
            store=services.stores.messages,
            writer=services.writer,
        )

    def _proposals(self) -> ProposalListeners:
        services = self._services
        proposals = Proposals(
            store=services.stores.adjustments,
            adjusting=services.adjusting,
            eligibility=services.eligibility,
            policy=services.policy,
        )
        return ProposalListeners(reception=self.reception, proposals=proposals)

    def _send_for_review(self) -> SendForReview:
        services = self._services
        return SendForReview(
            client=self._slack.client,
            reception=self.reception,
            intake=services.intake,
            policy=services.policy,
            writer=services.writer,
            secretbox=services.box,
            clock=services.clock,
        )

    def _stats(self) -> StatsCommand:
        services = self._services
        return StatsCommand(
            client=self._slack.client,
            reception=self.reception,
            membership=self._slack.membership,
            overviews=Overviews(services.engine),
            policy=services.policy,
            uploads=self._slack.uploads,
            clock=services.clock,
        )

    def _threads(self) -> ThreadListeners:
        services = self._services
        return ThreadListeners(
            reception=self.reception,
            cases=services.cases,
            eligibility=services.eligibility,
            reviewing=services.reviewing,
            notes=Notes(clock=services.clock, writer=services.writer, store=NoteStore(services.engine)),
            presenter=self.presenter,
            forms=self._forms,
            store=services.stores.messages,
            writer=services.writer,
            clock=services.clock,
        )
