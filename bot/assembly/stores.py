"""The stores that more than one part reads."""

from sqlalchemy.ext.asyncio import AsyncEngine

from store.adjustments import AdjustmentStore
from store.alerts import AlertStore
from store.audit_streams import StreamStore
from store.audits import AuditStore
from store.calibrations import CalibrationStore
from store.decisions import DecisionStore
from store.events import EventStore
from store.keys import KeyStore
from store.load import LoadStore
from store.messages import MessageStore
from store.queue import QueueStore
from store.reviews import ReviewStore
from store.rollbacks import RollbackStore
from store.runs import RunStore


class Stores:
    def __init__(self, engine: AsyncEngine) -> None:
        self.adjustments = AdjustmentStore(engine)
        self.alerts = AlertStore(engine)
        self.audits = AuditStore(engine)
        self.calibrations = CalibrationStore(engine)
        self.decisions = DecisionStore(engine)
        self.events = EventStore(engine)
        self.keys = KeyStore(engine)
        self.load = LoadStore(engine)
        self.messages = MessageStore(engine)
        self.queue = QueueStore(engine)
        self.reviews = ReviewStore(engine)
        self.rollbacks = RollbackStore(engine)
        self.runs = RunStore(engine)
        self.streams = StreamStore(engine)
