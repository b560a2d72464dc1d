"""The jobs: what is done by the clock and not because somebody asks."""

from bot.assembly.services import Services
from bot.calibrating.looks import Looks
from bot.delivery.batches import BatchKeeper
from bot.digest import DigestSources
from bot.jobs.audit_samples import AuditSamples
from bot.jobs.calibrate import Calibrate
from bot.jobs.deadlines import DeadlineJob
from bot.jobs.drift import Drift
from bot.jobs.job import Job
from bot.jobs.model_days import ModelDays
from bot.jobs.queue_batches import QueueBatches
from bot.jobs.retention import Retention
from bot.jobs.runner import Jobs
from bot.jobs.seal_history import SealHistory
from bot.jobs.weekly_digest import WeeklyDigest
from bot.reviewing.audit_rates import AuditRates
from bot.reviewing.audits import Audits
from bot.reviewing.promotions import Promotions
from store.accuracy import AccuracyStore
from store.drift import DriftStore
from store.facts import FactStore
from store.labels import LabelStore
from store.retention import RetentionStore
from store.seals import SealStore
from store.threshold_effect import ThresholdEffectStore


def scheduled(services: Services, batches: BatchKeeper) -> Jobs:
    clock, writer, engine, policy = services.clock, services.writer, services.engine, services.policy
    jobs: list[Job] = [
        _audit_samples(services),
        _drift(services),
        SealHistory(clock=clock, writer=writer, seals=SealStore(engine)),
        WeeklyDigest(clock=clock, writer=writer, policy=policy, sources=DigestSources.on(engine)),
        Retention(clock=clock, writer=writer, store=RetentionStore(engine), policy=policy),
        _calibrate(services),
        DeadlineJob(services.sweeps),
        QueueBatches(services.load, batches),
    ]
    return Jobs(clock=clock, writer=writer, runs=services.stores.runs, jobs=jobs)


def _audit_samples(services: Services) -> AuditSamples:
    stores = services.stores
    rates = AuditRates(
        clock=services.clock,
        writer=services.writer,
        streams=stores.streams,
        policy=services.policy,
        adjusting=services.adjusting,
        alerts=services.alerts,
    )
    audits = Audits(
        clock=services.clock,
        writer=services.writer,
        audits=stores.audits,
        streams=stores.streams,
        policy=services.policy,
        keys=services.primary_keys,
        new_id=services.new_id,
    )
    promotions = Promotions(
        clock=services.clock,
        writer=services.writer,
        accuracy=AccuracyStore(services.engine),
        streams=stores.streams,
        adjustments=stores.adjustments,
        policy=services.policy,
        adjusting=services.adjusting,
    )
    return AuditSamples(rates=rates, audits=audits, promotions=promotions, runs=stores.runs, policy=services.policy)


def _drift(services: Services) -> Drift:
    return Drift(
        clock=services.clock,
        writer=services.writer,
        days=ModelDays(clock=services.clock, writer=services.writer, store=DriftStore(services.engine)),
        streams=services.stores.streams,
        facts=FactStore(services.engine),
        alerts=services.alerts,
        policy=services.policy,
    )


def _calibrate(services: Services) -> Calibrate:
    looks = Looks(
        clock=services.clock,
        writer=services.writer,
        labels=LabelStore(services.engine),
        calibrations=services.stores.calibrations,
        policy=services.policy,
    )
    return Calibrate(
        clock=services.clock,
        writer=services.writer,
        looks=looks,
        calibrations=services.stores.calibrations,
        effects=ThresholdEffectStore(services.engine),
        adjusting=services.adjusting,
        policy=services.policy,
    )
