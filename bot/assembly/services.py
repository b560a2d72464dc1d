"""What the bot does, whoever asks for it: Slack, the HTTP API, the clock or the command line."""

from bot.adjusting import Adjusting
from bot.alerts import Alerts
from bot.assembly.stores import Stores
from bot.assembly.surroundings import Surroundings
from bot.calibrating.uses import Uses
from bot.config import Settings, load_secret
from bot.delivery.deadlines import Sweep
from bot.intake import Intake
from bot.metrics import Metrics
from bot.policy_in_force import PolicyInForce
from bot.reviewing.case import Cases
from bot.reviewing.claims import Claims
from bot.reviewing.deadlines import Deadlines
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.load import Load
from bot.reviewing.people import Membership
from bot.reviewing.queue import Queue
from bot.reviewing.rollbacks import Rollbacks
from bot.reviewing.second_opinion import SecondOpinions
from bot.reviewing.verdicts import Reviewing
from bot.secretbox import SecretBox
from store.decisions import PrimaryKeys
from store.engine import open_engine
from store.executions import ExecutionStore
from store.notify import Wakeups
from store.uses import UseStore


class Services:
    """`ends_adjustments`: whether this process may end what a new policy file overrules."""

    def __init__(
        self, settings: Settings, around: Surroundings, membership: Membership, *, ends_adjustments: bool
    ) -> None:
        self.clock, self.new_id = around.clock, around.new_id
        self.box = SecretBox(load_secret(settings))
        self.engine = open_engine(settings.database)
        self.stores = stores = Stores(self.engine)
        self.wakeups = Wakeups()
        self.writer = around.open_writer(self.engine, self.wakeups)
        self.primary_keys = PrimaryKeys(self.writer)
        self.metrics = Metrics(self.clock, self.engine)
        self.policy = PolicyInForce(
            settings.hitl_policy, self.writer, self.clock, stores.adjustments, ends=ends_adjustments
        )
        self.adjusting = Adjusting(
            clock=self.clock, writer=self.writer, store=stores.adjustments, policy=self.policy, new_id=self.new_id
        )
        self.cases = Cases(stores.reviews, stores.decisions)
        self.eligibility = Eligibility(self.policy, membership)
        self.reviewing = Reviewing(
            clock=self.clock,
            writer=self.writer,
            cases=self.cases,
            eligibility=self.eligibility,
            policy=self.policy,
            second_opinions=SecondOpinions(
                clock=self.clock,
                keys=self.primary_keys,
                new_id=self.new_id,
                eligibility=self.eligibility,
                draw=self.box.draw_second_opinion,
            ),
            new_id=self.new_id,
        )
        self.claims = Claims(clock=self.clock, writer=self.writer, cases=self.cases, eligibility=self.eligibility)
        self.line = Queue(
            clock=self.clock,
            queue=stores.queue,
            cases=self.cases,
            eligibility=self.eligibility,
            claims=self.claims,
        )
        self.intake = Intake(
            clock=self.clock,
            writer=self.writer,
            keys=self.primary_keys,
            decisions=stores.decisions,
            executions=ExecutionStore(self.engine),
            policy=self.policy,
            wakeups=self.wakeups,
            secretbox=self.box,
            callback_allow=settings.callback_allow,
            new_id=self.new_id,
            metrics=self.metrics,
        )
        self.alerts = Alerts(
            clock=self.clock,
            writer=self.writer,
            store=stores.alerts,
            keys=self.primary_keys,
            new_id=self.new_id,
            policy=self.policy,
            eligibility=self.eligibility,
        )
        deadlines = Deadlines(
            clock=self.clock,
            writer=self.writer,
            reviews=stores.reviews,
            cases=self.cases,
            eligibility=self.eligibility,
            reviewing=self.reviewing,
            policy=self.policy,
            keys=self.primary_keys,
            new_id=self.new_id,
        )
        self.load = Load(
            clock=self.clock, writer=self.writer, store=stores.load, policy=self.policy, deadlines=deadlines
        )
        self.sweeps: dict[str, Sweep] = {
            "reviews": deadlines,
            "rollbacks": Rollbacks(clock=self.clock, writer=self.writer, store=stores.rollbacks, new_id=self.new_id),
            "uses": Uses(writer=self.writer, store=UseStore(self.engine)),
        }
