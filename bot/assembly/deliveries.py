"""The loops that bring to Slack and to the apps what was committed, and keep deadlines."""

from bot.assembly.connection import Connection
from bot.assembly.screens import Screens
from bot.assembly.services import Services
from bot.assembly.surroundings import Surroundings
from bot.config import Settings
from bot.delivery.batches import BatchKeeper
from bot.delivery.contents import Contents
from bot.delivery.deadlines import DeadlineKeeper
from bot.delivery.digests import Digests
from bot.delivery.events import EventSender
from bot.delivery.messages import MessageSender


class Deliveries:
    def __init__(
        self, settings: Settings, around: Surroundings, services: Services, slack: Connection, screens: Screens
    ) -> None:
        stores = services.stores
        self.messages = MessageSender(
            clock=services.clock,
            writer=services.writer,
            store=stores.messages,
            policy=services.policy,
            contents=Contents(
                policy=services.policy,
                cases=services.cases,
                eligibility=services.eligibility,
                presenter=screens.presenter,
                store=stores.messages,
                queue=stores.queue,
                rollbacks=stores.rollbacks,
                audits=stores.audits,
                alerts=stores.alerts,
                adjustments=stores.adjustments,
                alert_presenter=screens.alert_presenter,
                digests=Digests(client=slack.client, uploads=slack.uploads, writer=services.writer),
            ),
            messages=slack.messages,
            wakeups=services.wakeups,
        )
        self.batches = BatchKeeper(
            clock=services.clock,
            writer=services.writer,
            store=stores.messages,
            queue=stores.queue,
            load=stores.load,
            policy=services.policy,
            wakeups=services.wakeups,
        )
        self.deadlines = DeadlineKeeper(clock=services.clock, sweeps=services.sweeps, wakeups=services.wakeups)
        self.events = EventSender(
            clock=services.clock,
            writer=services.writer,
            events=stores.events,
            keys=stores.keys,
            secretbox=services.box,
            allow=settings.callback_allow,
            wakeups=services.wakeups,
            chance=around.chance,
        )
