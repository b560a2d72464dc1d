"""The schema. Every constraint that enforces "once" says what it prevents.

Content (what the model read and wrote, what people wrote) lives in `contents` alone, so that retention can remove it
and leave facts and history whole.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    text,
)

from routing.review import ReviewState
from store.types import JsonText, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only a column of type INTEGER; PostgreSQL wants the wide one.
BigId = BigInteger().with_variant(Integer, "sqlite")


def _one_of(column: str, *values: str) -> CheckConstraint:
    """Prevents a state that no code knows how to leave."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=f"{column}_known")


# Numbers for `decisions.pk` and `reviews.pk` are handed out in blocks, so that all rows of one commit are built
# before it begins.
id_blocks = Table(
    "id_blocks",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("next", BigInteger, nullable=False),
)

apps = Table(
    "apps",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("webhook_secret", Text, nullable=False),  # encrypted
    # Newest first: {"secret": encrypted, "until": ISO time to which it signs too}.
    Column("former_secrets", JsonText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("name"),  # prevents two apps of one name, whose keys would see different data
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("app_pk", ForeignKey("apps.pk"), nullable=False),
    Column("key_sha256", String(64), nullable=False),
    Column("scopes", JsonText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    UniqueConstraint("key_sha256"),  # prevents one key from meaning two apps
)

policies = Table(
    "policies",
    metadata,
    Column("version", String(12), primary_key=True),  # prevents two texts under one version
    Column("document", JsonText, nullable=False),
    Column("first_used_at", UtcDateTime, nullable=False),
)

_IS_RETRY = text("first_pk IS NOT NULL")
_IS_REQUESTED = text("requested_by IS NOT NULL")
_HAS_SUBJECT = text("subject IS NOT NULL")

decisions = Table(
    "decisions",
    metadata,
    Column("pk", BigId, primary_key=True, autoincrement=False),
    Column("app_pk", ForeignKey("apps.pk"), nullable=False),
    Column("id", String(128), nullable=False),
    Column("task_type", String(64), nullable=False),
    Column("variant", String(16), nullable=False),
    Column("cohort", String(100)),
    Column("subject", String(200)),
    Column("model_name", String(200)),
    Column("model_version", String(200)),
    Column("reversible", Boolean, nullable=False),
    Column("compare_to", String(128)),
    Column("requested_by", String(32)),
    Column("first_pk", BigInteger),  # of a retry: the first answer of its chain
    Column("created_at", UtcDateTime, nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("policy_version", ForeignKey("policies.version"), nullable=False),
    Column("risk", String(8), nullable=False),
    Column("route", String(10), nullable=False),
    Column("threshold", Float, nullable=False),
    Column("confidence", Float),
    Column("confidence_source", String(16), nullable=False),
    Column("confident", Boolean, nullable=False),
    Column("reasons", JsonText, nullable=False),
    Column("draw", Float, nullable=False),  # keyed hash in [0, 1): the audit draw an app cannot foresee
    # Of what ran alone: the probability with which its day's audit took it; None until that day was drawn.
    Column("inclusion", Float),
    Column("deadline", UtcDateTime),
    Column("callback_url", String(2000)),
    Column("status", String(8), nullable=False),
    Column("disposition", String(20), nullable=False),
    Column("action_sha256", String(64), nullable=False),
    Column("execution", String(11)),  # the state of this action, where the app has told
    Column("outcome", String(10)),
    Column("decided_by", JsonText, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("category", String(100)),
    Column("severity", String(100)),
    Column("labels", JsonText, nullable=False),
    UniqueConstraint("id", "app_pk"),  # prevents a retried POST from becoming a second decision
    CheckConstraint("(status = 'resolved') = (outcome IS NOT NULL)", name="resolved_has_outcome"),
    CheckConstraint("NOT (risk = 'critical' AND route = 'AUTO')", name="critical_never_auto"),
    _one_of("status", "pending", "resolved"),
    _one_of("disposition", "execute", "execute_provisional", "wait", "do_not_execute"),
    Index("ix_decisions_app_created", "app_pk", "created_at", "pk"),  # an app's list, newest first
    Index("ix_decisions_id", "id"),  # one of any app, for scope admin
    Index("ix_decisions_first", "first_pk", sqlite_where=_IS_RETRY, postgresql_where=_IS_RETRY),  # a chain of retries
    Index("ix_decisions_created", "created_at", "pk"),  # the same for scope admin
    Index("ix_decisions_requested_by", "requested_by", sqlite_where=_IS_REQUESTED, postgresql_where=_IS_REQUESTED),
    Index("ix_decisions_subject", "app_pk", "subject", "pk", sqlite_where=_HAS_SUBJECT, postgresql_where=_HAS_SUBJECT),
)

contents = Table(
    "contents",
    metadata,
    Column("decision_pk", ForeignKey("decisions.pk"), primary_key=True),
    # request | metadata | outcome | event:<id> | verdict:<review>.<round>.<user> | note:<channel>.<ts> | rollback:<pk>
    Column("part", String(100), primary_key=True),
    Column("body", Text, nullable=False),  # JSON
)

_WAITS = text("state IN ('open', 'disputed')")

reviews = Table(
    "reviews",
    metadata,
    Column("pk", BigId, primary_key=True, autoincrement=False),
    Column("id", String(40), nullable=False),
    Column("decision_pk", ForeignKey("decisions.pk")),  # None: an alert
    Column("kind", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("version", Integer, nullable=False),  # counts every change: each is made against the state that was seen
    Column("round", Integer, nullable=False),  # of votes; an edit, an undo and a change of the verdict begin a new one
    Column("lane", String(8), nullable=False),  # where people meet it: card | batch | blind | sample | alert
    Column("channel", String(100), nullable=False),  # as the policy names it; a name has up to 80 characters after #
    Column("task_type", String(64), nullable=False),
    Column("risk", String(8), nullable=False),
    Column("urgency", Integer, nullable=False),  # higher goes first
    Column("opened_at", UtcDateTime, nullable=False),
    Column("posted_at", UtcDateTime),  # when its card was first seen in Slack
    Column("closed_at", UtcDateTime),
    Column("deadline", UtcDateTime, nullable=False),
    Column("overdue", Boolean, nullable=False),  # the deadline has passed, and it still waits
    Column("steps_done", Integer, nullable=False),  # of the policy's escalation
    Column("due_at", UtcDateTime),  # when the clock next has something to do with it; None: never
    Column("claimed_by", String(32)),
    Column("claimed_at", UtcDateTime),
    Column("claimed_until", UtcDateTime),
    Column("release_at", UtcDateTime),  # of a held one: when the app is told
    UniqueConstraint("id"),  # prevents a button that means two reviews
    UniqueConstraint("decision_pk", "kind"),  # prevents a second gate, and with it a second card, for one decision
    _one_of("state", *ReviewState),
    _one_of("lane", "card", "batch", "blind", "sample", "alert"),
    CheckConstraint("(decision_pk IS NULL) = (kind = 'alert')", name="only_alerts_without_decision"),
    CheckConstraint("(state = 'held') = (release_at IS NOT NULL)", name="held_has_release"),
    Index(
        "ix_reviews_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index("ix_reviews_opened", "opened_at", "kind"),  # what came in a window of time
    Index(
        "ix_reviews_claimed",
        "claimed_by",
        sqlite_where=text("claimed_by IS NOT NULL AND state IN ('open', 'disputed')"),
        postgresql_where=text("claimed_by IS NOT NULL AND state IN ('open', 'disputed')"),
    ),
)

# The waiting line of a channel, most urgent first.
Index(
    "ix_reviews_waiting",
    reviews.c.channel,
    reviews.c.urgency.desc(),
    reviews.c.pk,
    sqlite_where=_WAITS,
    postgresql_where=_WAITS,
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("review_pk", ForeignKey("reviews.pk"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("team_id", String(32), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("adjudicates", Boolean, nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("category", String(100)),
    Column("severity", String(100)),
    Column("labels", JsonText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("began_at", UtcDateTime),  # when this person claimed it, and so began to read; None: not known
    Column("characters", Integer, nullable=False),  # of what there was to read
    Column("used_at", UtcDateTime),  # of a correction: when a dataset or an applied calibration first held it
    UniqueConstraint("review_pk", "round", "user_id"),  # prevents one person from counting twice
    _one_of("verdict", "approve", "edit", "reject"),
    Index("ix_verdicts_user", "user_id", "at"),
    Index("ix_verdicts_at", "at"),
)

skips = Table(
    "skips",
    metadata,
    Column("review_pk", ForeignKey("reviews.pk"), primary_key=True),
    Column("user_id", String(32), primary_key=True),  # whose walk leaves it out
    Column("at", UtcDateTime, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("review_pk", ForeignKey("reviews.pk"), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("message_channel", String(32), nullable=False),
    Column("message_ts", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("message_channel", "message_ts"),  # prevents a reply that Slack sends twice from counting twice
    Index("ix_notes_review", "review_pk"),
)

# Written out where it is asked for: SQLite takes a partial index only for a condition that it sees.
POLICY_CHANGED = text(
    "event IN ('operator:policy:loaded', 'operator:policy:adjusted', 'reviewer:policy:adjusted', 'bot:policy:adjusted')"
)

# Append-only: triggers made by the migration refuse UPDATE and DELETE. Identifiers, facts and SHA-256 of content,
# never content itself.
history = Table(
    "history",
    metadata,
    Column("seq", BigId, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("event", String(64), nullable=False),  # source:subject:action
    Column("actor", String(100), nullable=False),
    Column("app_pk", BigInteger),
    Column("decision_pk", BigInteger),
    Column("review_pk", BigInteger),
    Column("facts", JsonText, nullable=False),
    Index("ix_history_decision", "decision_pk"),
    Index("ix_history_policies", "seq", sqlite_where=POLICY_CHANGED, postgresql_where=POLICY_CHANGED),
)

# What Slack has to show. `wanted` counts what the database has to show, `sent` what Slack was last given: ten changes
# collapse into one update, and the sender renders what is true when it sends.
messages = Table(
    "messages",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("key", String(160), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("review_pk", ForeignKey("reviews.pk")),  # of a card, of a sample, and of a notice in its thread
    Column("channel", String(100), nullable=False),  # as the policy names it, or a person's id
    Column("urgency", Integer, nullable=False),  # higher goes first
    Column("body", JsonText),  # what a notice says, or a batch counted when it was last looked at
    Column("wanted", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("live", Boolean, nullable=False),  # a card that is posted or about to be, and its review waits
    Column("message_channel", String(32)),  # the channel id that Slack returned
    Column("message_ts", String(32)),
    Column("posting_since", UtcDateTime),  # set before the first post: from then on Slack may have the message
    Column("posted_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("leased_until", UtcDateTime),
    Column("last_error", String(500)),
    UniqueConstraint("key"),  # prevents two cards of one review in a channel, and a reminder that comes twice
    UniqueConstraint("message_channel", "message_ts"),  # prevents two reviews from owning one message
    _one_of(
        "kind", "card", "sample", "notice", "batch", "more", "audit", "digest", "load", "alert", "proposal", "report"
    ),
    Index("ix_messages_review", "review_pk"),
)

_unsent = messages.c.wanted > messages.c.sent
_unposted = and_(_unsent, messages.c.posting_since.is_(None))
for _name, _columns, _where in (
    ("ix_messages_to_post", ("channel", "urgency", "pk"), _unposted),
    ("ix_messages_to_post_beside_cards", ("channel", "urgency", "pk"), and_(_unposted, messages.c.kind != "card")),
    ("ix_messages_to_update", ("urgency", "pk"), and_(_unsent, messages.c.posting_since.is_not(None))),
):
    _order = [messages.c[column].desc() if column == "urgency" else messages.c[column] for column in _columns]
    Index(_name, *_order, sqlite_where=_where, postgresql_where=_where)

# Written out for the same reason.
LEADS_TO_A_QUEUE = text("messages.kind IN ('batch', 'more')")
_LEADS = text("kind IN ('batch', 'more')")
Index("ix_messages_queues", messages.c.kind, sqlite_where=_LEADS, postgresql_where=_LEADS)

Index("ix_messages_live", messages.c.channel, sqlite_where=text("live = 1"), postgresql_where=text("live"))

# The outbox to apps. In order per decision: `position` counts from 1.
events = Table(
    "events",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("id", String(40), nullable=False),
    Column("app_pk", ForeignKey("apps.pk"), nullable=False),
    Column("decision_pk", ForeignKey("decisions.pk"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("type", String(40), nullable=False),
    Column("url", String(2000), nullable=False),
    Column("receiver", String(300), nullable=False),  # scheme, host and port of `url`: who gets slow as a whole
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("leased_until", UtcDateTime),
    Column("delivered_at", UtcDateTime),
    Column("last_error", String(500)),
    UniqueConstraint("id"),  # prevents a receiver from taking two events for one
    UniqueConstraint("decision_pk", "position"),  # prevents two next events, whose order nobody could tell
    _one_of("state", "pending", "delivered", "dead"),
    Index("ix_events_state_due", "state", "due_at"),
)

stopped_receivers = Table(
    "stopped_receivers",
    metadata,
    Column("app_pk", ForeignKey("apps.pk"), primary_key=True),
    Column("url", String(2000), primary_key=True),  # prevents sending to a receiver that answered 410
    Column("stopped_at", UtcDateTime, nullable=False),
)

# What a decision's app did with its action. One row an action: an edit makes a new one, with a hash of its own.
executions = Table(
    "executions",
    metadata,
    Column("decision_pk", ForeignKey("decisions.pk"), primary_key=True),
    Column("action_sha256", String(64), primary_key=True),  # prevents an action from being executed twice
    Column("state", String(11), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    _one_of("state", "executing", "executed", "failed", "rolled_back"),
)

# What apps were asked to undo.
rollbacks = Table(
    "rollbacks",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("decision_pk", ForeignKey("decisions.pk"), nullable=False),
    Column("review_pk", ForeignKey("reviews.pk"), nullable=False),
    Column("round", Integer, nullable=False),  # of the review's votes: a changed verdict may ask once more
    Column("requested_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reminders", Integer, nullable=False),
    Column("due_at", UtcDateTime),  # of the next reminder; None: it is answered
    Column("answered_at", UtcDateTime),
    UniqueConstraint("review_pk", "round"),  # prevents one verdict from asking twice
    _one_of("state", "requested", "done", "failed", "withdrawn"),
    Index("ix_rollbacks_decision", "decision_pk"),
    Index(
        "ix_rollbacks_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

# Other systems' anomalies, and the bot's own. What they say is content, and goes with retention.
alerts = Table(
    "alerts",
    metadata,
    Column("review_pk", ForeignKey("reviews.pk"), primary_key=True),
    Column("app_pk", ForeignKey("apps.pk")),  # None: the bot raised it
    Column("id", String(128), nullable=False),
    Column("body_sha256", String(64), nullable=False),  # of what was posted: tells a replay from a conflict
    Column("severity", String(8), nullable=False),
    Column("content", JsonText),  # title, detail, url; cause and mitigation once somebody has told them
    Column("acknowledged_by", String(32)),
    Column("acknowledged_at", UtcDateTime),
    Column("began_at", UtcDateTime),  # the window in which it went wrong, as told with the root cause
    Column("recovered_at", UtcDateTime),
    Column("resolved_by", String(32)),
    UniqueConstraint("id", "app_pk"),  # prevents a retried POST from becoming a second alert
    # Prevents two replicas from raising the bot's own alert twice: to a constraint, no app differs from no app.
    Index(
        "uq_alerts_own",
        "id",
        unique=True,
        sqlite_where=text("app_pk IS NULL"),
        postgresql_where=text("app_pk IS NULL"),
    ),
)

# How far a task's model has earned its autonomy: one stream for each (task, model, version, source of confidence).
audit_streams = Table(
    "audit_streams",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("task_type", String(64), nullable=False),
    Column("model_name", String(200), nullable=False),  # "" where the app names none
    Column("model_version", String(200), nullable=False),
    Column("confidence_source", String(16), nullable=False),
    Column("maturity", JsonText, nullable=False),  # state and evidence
    Column("rate", Float, nullable=False),
    Column("since", UtcDateTime, nullable=False),  # when it came into this state
    Column("judged_to", BigInteger, nullable=False),  # the last verdict that counts in it
    Column("watched_until", UtcDateTime),  # audited as if its errors had risen, though nothing proves it
    Column("version", Integer, nullable=False),
    UniqueConstraint("task_type", "model_name", "model_version", "confidence_source"),  # prevents split evidence
)

# How far a channel's reviewers are behind, and what is done about it.
load_levels = Table(
    "load_levels",
    metadata,
    Column("channel", String(100), primary_key=True),
    Column("level", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("numbers", JsonText, nullable=False),
    Column("version", Integer, nullable=False),
)

# What the clock has to do once. A local day, an ISO week or a UTC minute is the key, never an instant: the hour that
# autumn repeats is one and the same.
runs = Table(
    "runs",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("job", String(32), nullable=False),
    Column("scope", String(160), nullable=False),
    Column("period", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),  # when it was due
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("leased_until", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("told", JsonText),  # what it did, in numbers
    Column("last_error", String(500)),
    UniqueConstraint("job", "scope", "period"),  # prevents a tick that happens twice
    _one_of("state", "running", "done", "failed"),
    Index("ix_runs_job_at", "job", "at"),
)

# Seals the history in order, block by block. Append-only like it.
seals = Table(
    "seals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),  # prevents a fork of the chain
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("records", Integer, nullable=False),
    Column("digests", LargeBinary, nullable=False),  # SHA-256 of each record, 32 bytes each, in order
    Column("sha256", String(64), nullable=False),  # over the former seal's and these
    Column("at", UtcDateTime, nullable=False),
)

# How often people have agreed with a task's model since its level of autonomy last changed: one stream for each (task,
# model, version, source of confidence).
accuracy_streams = Table(
    "accuracy_streams",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("task_type", String(64), nullable=False),
    Column("model_name", String(200), nullable=False),  # "" where the app names none
    Column("model_version", String(200), nullable=False),
    Column("confidence_source", String(16), nullable=False),
    Column("autonomy", Integer, nullable=False),  # the level that it is about
    Column("reviews", Integer, nullable=False),  # verdicts that count
    Column("errors", Integer, nullable=False),  # those that corrected or rejected the answer
    Column("since", UtcDateTime, nullable=False),  # when the counting began anew
    Column("judged_to", BigInteger, nullable=False),  # the last verdict that counts in it
    Column("version", Integer, nullable=False),
    UniqueConstraint("task_type", "model_name", "model_version", "confidence_source"),  # prevents split evidence
)

IN_FORCE = text("ended_at IS NULL")

# The policy changed without touching its file: in force are the file and the adjustments that have not ended.
adjustments = Table(
    "adjustments",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("id", String(40), nullable=False),
    Column("task_type", String(64), nullable=False),
    Column("key", String(16), nullable=False),
    Column("value", Float, nullable=False),
    Column("file_value", Float),  # what the file said for the task's own key when it was made; None: nothing
    Column("cause", String(8), nullable=False),
    Column("by", String(100), nullable=False),  # as the history's actor
    Column("why", Text, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("replaces", String(40)),  # what is in force again when this one is undone
    Column("made_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", String(100)),
    UniqueConstraint("id"),  # prevents an undo that means two adjustments
    _one_of("key", "threshold", "autonomy"),
    _one_of("cause", "apply", "brake", "breach"),
    # Prevents two replicas from having two values in force for one key.
    Index("uq_adjustments_in_force", "task_type", "key", unique=True, sqlite_where=IN_FORCE, postgresql_where=IN_FORCE),
)

# What the bot suggests to adjust, or has adjusted by itself, and what people made of it.
proposals = Table(
    "proposals",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("id", String(40), nullable=False),
    Column("dedup_key", String(160), nullable=False),
    Column("task_type", String(64), nullable=False),
    Column("key", String(16), nullable=False),
    Column("value", Float, nullable=False),
    Column("from_value", Float, nullable=False),  # what was in force when it was made
    Column("channel", String(100), nullable=False),
    Column("why", Text, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("body", JsonText, nullable=False),  # what its message says
    Column("state", String(10), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("decided_by", String(100)),
    Column("decided_at", UtcDateTime),
    Column("adjustment_id", ForeignKey("adjustments.id")),
    Column("undone_by", String(100)),
    Column("undone_at", UtcDateTime),
    UniqueConstraint("id"),  # prevents a button that means two proposals
    UniqueConstraint("dedup_key"),  # prevents a job that runs twice from proposing twice
    _one_of("state", "open", "applied", "declined", "outdated", "undone"),
    Index("ix_proposals_adjustment", "adjustment_id"),
)

# What the labels of a stream have proved, look by look. Append-only: a look that was taken is spent.
calibrations = Table(
    "calibrations",
    metadata,
    Column("pk", BigId, primary_key=True),
    Column("task_type", String(64), nullable=False),
    Column("model_name", String(200), nullable=False),  # "" where the app names none
    Column("model_version", String(200), nullable=False),
    Column("confidence_source", String(16), nullable=False),
    Column("look", Integer, nullable=False),  # counts from 1
    Column("at", UtcDateTime, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("threshold", Float),  # None: refused
    Column("reason", String(16), nullable=False),
    Column("floors", JsonText, nullable=False),  # what it is about: the least confidence of each risk
    Column("result", JsonText, nullable=False),
    # Prevents a look from being spent twice: the chance of a wrong certificate is shared out among the looks.
    UniqueConstraint("task_type", "model_name", "model_version", "confidence_source", "look"),
    Index("ix_calibrations_task", "task_type", "pk"),  # the latest of a task
)

# Applied calibrations whose corrections are still to be noted as used, written in the commits that apply them.
unnoted_uses = Table(
    "unnoted_uses",
    metadata,
    Column("calibration_pk", ForeignKey("calibrations.pk"), primary_key=True),  # prevents a second moment of use
    Column("at", UtcDateTime, nullable=False),
    Column("noted_to", BigInteger, nullable=False),  # the last decision that was looked at
)

# How many decisions of each model came on a day that is over, and for how many of them people were asked at once. Kept,
# as it cannot change: to look at one day beside sixty others, only that one is read.
model_days = Table(
    "model_days",
    metadata,
    # Both, for a local day is another one in another time zone.
    Column("since", UtcDateTime, primary_key=True),
    Column("until", UtcDateTime, primary_key=True),
    Column("models", JsonText, nullable=False),  # [[task type, name, version, decisions, escalated], …]
)

# Sums of facts about decisions, by when those were created (store/tallies.py). Written in the commits of the facts.
counters = Table(
    "counters",
    metadata,
    Column("grain", Integer, primary_key=True, autoincrement=False),  # quarters of an hour in the bucket
    Column("quarter", Integer, primary_key=True, autoincrement=False),  # the bucket's first, since 1970
    Column("app_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("task_type", String(64), primary_key=True),
    Column("cohort", String(100), primary_key=True),  # "" where the app named none
    Column("shard", Integer, primary_key=True, autoincrement=False),  # prevents replicas from waiting for each other
    Column("counts", JsonText, nullable=False),  # by name: as a row each, a month would be tens of thousands to read
    sqlite_with_rowid=False,  # its rows lie in the order in which they are read
)
