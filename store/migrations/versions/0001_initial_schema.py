"""initial schema"""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accuracy_streams",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("task_type", sa.String(length=64), nullable=False),
        sa.Column("model_name", sa.String(length=200), nullable=False),
        sa.Column("model_version", sa.String(length=200), nullable=False),
        sa.Column("confidence_source", sa.String(length=16), nullable=False),
        sa.Column("autonomy", sa.Integer(), nullable=False),
        sa.Column("reviews", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("since", store.types.UtcDateTime(), nullable=False),
        sa.Column("judged_to", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_accuracy_streams")),
        sa.UniqueConstraint(
            "task_type",
            "model_name",
            "model_version",
            "confidence_source",
            name=op.f("uq_accuracy_streams_task_type_model_name_model_version_confidence_source"),
        ),
    )
    op.create_table(
        "adjustments",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("task_type", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("file_value", sa.Float(), nullable=True),
        sa.Column("cause", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("facts", store.types.JsonText(), nullable=False),
        sa.Column("replaces", sa.String(length=40), nullable=True),
        sa.Column("made_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.CheckConstraint("cause IN ('apply', 'brake', 'breach')", name=op.f("ck_adjustments_cause_known")),
        sa.CheckConstraint("key IN ('threshold', 'autonomy')", name=op.f("ck_adjustments_key_known")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_adjustments")),
        sa.UniqueConstraint("id", name=op.f("uq_adjustments_id")),
    )
    with op.batch_alter_table("adjustments", schema=None) as batch_op:
        batch_op.create_index(
            "uq_adjustments_in_force",
            ["task_type", "key"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "apps",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("webhook_secret", sa.Text(), nullable=False),
        sa.Column("former_secrets", store.types.JsonText(), nullable=False),
        sa.Column("created_at", store.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_apps")),
        sa.UniqueConstraint("name", name=op.f("uq_apps_name")),
    )
    op.create_table(
        "audit_streams",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("task_type", sa.String(length=64), nullable=False),
        sa.Column("model_name", sa.String(length=200), nullable=False),
        sa.Column("model_version", sa.String(length=200), nullable=False),
        sa.Column("confidence_source", sa.String(length=16), nullable=False),
        sa.Column("maturity", store.types.JsonText(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("since", store.types.UtcDateTime(), nullable=False),
        sa.Column("judged_to", sa.BigInteger(), nullable=False),
        sa.Column("watched_until", store.types.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_audit_streams")),
        sa.UniqueConstraint(
            "task_type",
            "model_name",
            "model_version",
            "confidence_source",
            name=op.f("uq_audit_streams_task_type_model_name_model_version_confidence_source"),
        ),
    )
    op.create_table(
        "calibrations",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("task_type", sa.String(length=64), nullable=False),
        sa.Column("model_name", sa.String(length=200), nullable=False),
        sa.Column("model_version", sa.String(length=200), nullable=False),
        sa.Column("confidence_source", sa.String(length=16), nullable=False),
        sa.Column("look", sa.Integer(), nullable=False),
        sa.Column("at", store.types.UtcDateTime(), nullable=False),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("floors", store.types.JsonText(), nullable=False),
        sa.Column("result", store.types.JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_calibrations")),
        sa.UniqueConstraint(
            "task_type",
            "model_name",
            "model_version",
            "confidence_source",
            "look",
            name=op.f("uq_calibrations_task_type_model_name_model_version_confidence_source_look"),
        ),
    )
    with op.batch_alter_table("calibrations", schema=None) as batch_op:
        batch_op.create_index("ix_calibrations_task", ["task_type", "pk"], unique=False)

    op.create_table(
        "counters",
        sa.Column("grain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quarter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("app_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task_type", sa.String(length=64), nullable=False),
        sa.Column("cohort", sa.String(length=100), nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counts", store.types.JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("grain", "quarter", "app_pk", "task_type", "cohort", "shard", name=op.f("pk_counters")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", store.types.UtcDateTime(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("app_pk", sa.BigInteger(), nullable=True),
        sa.Column("decision_pk", sa.BigInteger(), nullable=True),
        sa.Column("review_pk", sa.BigInteger(), nullable=True),
        sa.Column("facts", store.types.JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_history")),
    )
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.create_index("ix_history_decision", ["decision_pk"], unique=False)
        batch_op.create_index(
            "ix_history_policies",
            ["seq"],
            unique=False,
            sqlite_where=sa.text(
                "event IN ('operator:policy:loaded', 'operator:policy:adjusted', 'reviewer:policy:adjusted', 'bot:policy:adjusted')"
            ),
            postgresql_where=sa.text(
                "event IN ('operator:policy:loaded', 'operator:policy:adjusted', 'reviewer:policy:adjusted', 'bot:policy:adjusted')"
            ),
        )

    op.create_table(
        "id_blocks",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_id_blocks")),
    )
    op.create_table(
        "load_levels",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("since", store.types.UtcDateTime(), nullable=False),
        sa.Column("numbers", store.types.JsonText(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_load_levels")),
    )
    op.create_table(
        "model_days",
        sa.Column("since", store.types.UtcDateTime(), nullable=False),
        sa.Column("until", store.types.UtcDateTime(), nullable=False),
        sa.Column("models", store.types.JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("since", "until", name=op.f("pk_model_days")),
    )
    op.create_table(
        "policies",
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("document", store.types.JsonText(), nullable=False),
        sa.Column("first_used_at", store.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policies")),
    )
    op.create_table(
        "runs",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("at", store.types.UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("started_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("leased_until", store.types.UtcDateTime(), nullable=True),
        sa.Column("finished_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("told", store.types.JsonText(), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_runs_state_known")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_runs")),
        sa.UniqueConstraint("job", "scope", "period", name=op.f("uq_runs_job_scope_period")),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index("ix_runs_job_at", ["job", "at"], unique=False)

    op.create_table(
        "seals",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", store.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seals")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("app_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", store.types.JsonText(), nullable=False),
        sa.Column("created_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("revoked_at", store.types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["app_pk"], ["apps.pk"], name=op.f("fk_api_keys_app_pk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_sha256", name=op.f("uq_api_keys_key_sha256")),
    )
    op.create_table(
        "decisions",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("app_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("task_type", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.String(length=16), nullable=False),
        sa.Column("cohort", sa.String(length=100), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("model_name", sa.String(length=200), nullable=True),
        sa.Column("model_version", sa.String(length=200), nullable=True),
        sa.Column("reversible", sa.Boolean(), nullable=False),
        sa.Column("compare_to", sa.String(length=128), nullable=True),
        sa.Column("requested_by", sa.String(length=32), nullable=True),
        sa.Column("first_pk", sa.BigInteger(), nullable=True),
        sa.Column("created_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("policy_version", sa.String(length=12), nullable=False),
        sa.Column("risk", sa.String(length=8), nullable=False),
        sa.Column("route", sa.String(length=10), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("confidence_source", sa.String(length=16), nullable=False),
        sa.Column("confident", sa.Boolean(), nullable=False),
        sa.Column("reasons", store.types.JsonText(), nullable=False),
        sa.Column("draw", sa.Float(), nullable=False),
        sa.Column("inclusion", sa.Float(), nullable=True),
        sa.Column("deadline", store.types.UtcDateTime(), nullable=True),
        sa.Column("callback_url", sa.String(length=2000), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("disposition", sa.String(length=20), nullable=False),
        sa.Column("action_sha256", sa.String(length=64), nullable=False),
        sa.Column("execution", sa.String(length=11), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("decided_by", store.types.JsonText(), nullable=False),
        sa.Column("decided_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("category", sa.String(length=100), nullable=True),
        sa.Column("severity", sa.String(length=100), nullable=True),
        sa.Column("labels", store.types.JsonText(), nullable=False),
        sa.CheckConstraint(
            "(status = 'resolved') = (outcome IS NOT NULL)", name=op.f("ck_decisions_resolved_has_outcome")
        ),
        sa.CheckConstraint("NOT (risk = 'critical' AND route = 'AUTO')", name=op.f("ck_decisions_critical_never_auto")),
        sa.CheckConstraint(
            "disposition IN ('execute', 'execute_provisional', 'wait', 'do_not_execute')",
            name=op.f("ck_decisions_disposition_known"),
        ),
        sa.CheckConstraint("status IN ('pending', 'resolved')", name=op.f("ck_decisions_status_known")),
        sa.ForeignKeyConstraint(["app_pk"], ["apps.pk"], name=op.f("fk_decisions_app_pk")),
        sa.ForeignKeyConstraint(["policy_version"], ["policies.version"], name=op.f("fk_decisions_policy_version")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_decisions")),
        sa.UniqueConstraint("id", "app_pk", name=op.f("uq_decisions_id_app_pk")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index("ix_decisions_app_created", ["app_pk", "created_at", "pk"], unique=False)
        batch_op.create_index("ix_decisions_created", ["created_at", "pk"], unique=False)
        batch_op.create_index(
            "ix_decisions_first",
            ["first_pk"],
            unique=False,
            sqlite_where=sa.text("first_pk IS NOT NULL"),
            postgresql_where=sa.text("first_pk IS NOT NULL"),
        )
        batch_op.create_index("ix_decisions_id", ["id"], unique=False)
        batch_op.create_index(
            "ix_decisions_requested_by",
            ["requested_by"],
            unique=False,
            sqlite_where=sa.text("requested_by IS NOT NULL"),
            postgresql_where=sa.text("requested_by IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_decisions_subject",
            ["app_pk", "subject", "pk"],
            unique=False,
            sqlite_where=sa.text("subject IS NOT NULL"),
            postgresql_where=sa.text("subject IS NOT NULL"),
        )

    op.create_table(
        "proposals",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("dedup_key", sa.String(length=160), nullable=False),
        sa.Column("task_type", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("from_value", sa.Float(), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("facts", store.types.JsonText(), nullable=False),
        sa.Column("body", store.types.JsonText(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=100), nullable=True),
        sa.Column("decided_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("adjustment_id", sa.String(length=40), nullable=True),
        sa.Column("undone_by", sa.String(length=100), nullable=True),
        sa.Column("undone_at", store.types.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'applied', 'declined', 'outdated', 'undone')", name=op.f("ck_proposals_state_known")
        ),
        sa.ForeignKeyConstraint(["adjustment_id"], ["adjustments.id"], name=op.f("fk_proposals_adjustment_id")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_proposals")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_proposals_dedup_key")),
        sa.UniqueConstraint("id", name=op.f("uq_proposals_id")),
    )
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.create_index("ix_proposals_adjustment", ["adjustment_id"], unique=False)

    op.create_table(
        "stopped_receivers",
        sa.Column("app_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("stopped_at", store.types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["app_pk"], ["apps.pk"], name=op.f("fk_stopped_receivers_app_pk")),
        sa.PrimaryKeyConstraint("app_pk", "url", name=op.f("pk_stopped_receivers")),
    )
    op.create_table(
        "unnoted_uses",
        sa.Column("calibration_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", store.types.UtcDateTime(), nullable=False),
        sa.Column("noted_to", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["calibration_pk"], ["calibrations.pk"], name=op.f("fk_unnoted_uses_calibration_pk")),
        sa.PrimaryKeyConstraint("calibration_pk", name=op.f("pk_unnoted_uses")),
    )
    op.create_table(
        "contents",
        sa.Column("decision_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["decision_pk"], ["decisions.pk"], name=op.f("fk_contents_decision_pk")),
        sa.PrimaryKeyConstraint("decision_pk", "part", name=op.f("pk_contents")),
    )
    op.create_table(
        "events",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("app_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decision_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("receiver", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("due_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("leased_until", store.types.UtcDateTime(), nullable=True),
        sa.Column("delivered_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'dead')", name=op.f("ck_events_state_known")),
        sa.ForeignKeyConstraint(["app_pk"], ["apps.pk"], name=op.f("fk_events_app_pk")),
        sa.ForeignKeyConstraint(["decision_pk"], ["decisions.pk"], name=op.f("fk_events_decision_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_events")),
        sa.UniqueConstraint("decision_pk", "position", name=op.f("uq_events_decision_pk_position")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_state_due", ["state", "due_at"], unique=False)

    op.create_table(
        "executions",
        sa.Column("decision_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("action_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=11), nullable=False),
        sa.Column("started_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("finished_at", store.types.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('executing', 'executed', 'failed', 'rolled_back')", name=op.f("ck_executions_state_known")
        ),
        sa.ForeignKeyConstraint(["decision_pk"], ["decisions.pk"], name=op.f("fk_executions_decision_pk")),
        sa.PrimaryKeyConstraint("decision_pk", "action_sha256", name=op.f("pk_executions")),
    )
    op.create_table(
        "reviews",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("decision_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("lane", sa.String(length=8), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("task_type", sa.String(length=64), nullable=False),
        sa.Column("risk", sa.String(length=8), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("opened_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("posted_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("closed_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("deadline", store.types.UtcDateTime(), nullable=False),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("steps_done", sa.Integer(), nullable=False),
        sa.Column("due_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("claimed_by", sa.String(length=32), nullable=True),
        sa.Column("claimed_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("claimed_until", store.types.UtcDateTime(), nullable=True),
        sa.Column("release_at", store.types.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(decision_pk IS NULL) = (kind = 'alert')", name=op.f("ck_reviews_only_alerts_without_decision")
        ),
        sa.CheckConstraint("(state = 'held') = (release_at IS NOT NULL)", name=op.f("ck_reviews_held_has_release")),
        sa.CheckConstraint("lane IN ('card', 'batch', 'blind', 'sample', 'alert')", name=op.f("ck_reviews_lane_known")),
        sa.CheckConstraint(
            "state IN ('open', 'disputed', 'held', 'decided', 'cancelled', 'timed_out')",
            name=op.f("ck_reviews_state_known"),
        ),
        sa.ForeignKeyConstraint(["decision_pk"], ["decisions.pk"], name=op.f("fk_reviews_decision_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_reviews")),
        sa.UniqueConstraint("decision_pk", "kind", name=op.f("uq_reviews_decision_pk_kind")),
        sa.UniqueConstraint("id", name=op.f("uq_reviews_id")),
    )
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.create_index(
            "ix_reviews_claimed",
            ["claimed_by"],
            unique=False,
            sqlite_where=sa.text("claimed_by IS NOT NULL AND state IN ('open', 'disputed')"),
            postgresql_where=sa.text("claimed_by IS NOT NULL AND state IN ('open', 'disputed')"),
        )
        batch_op.create_index(
            "ix_reviews_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index("ix_reviews_opened", ["opened_at", "kind"], unique=False)
        batch_op.create_index(
            "ix_reviews_waiting",
            ["channel", sa.literal_column("urgency DESC"), "pk"],
            unique=False,
            sqlite_where=sa.text("state IN ('open', 'disputed')"),
            postgresql_where=sa.text("state IN ('open', 'disputed')"),
        )

    op.create_table(
        "alerts",
        sa.Column("review_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("app_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("content", store.types.JsonText(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=32), nullable=True),
        sa.Column("acknowledged_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("began_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("recovered_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("resolved_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["app_pk"], ["apps.pk"], name=op.f("fk_alerts_app_pk")),
        sa.ForeignKeyConstraint(["review_pk"], ["reviews.pk"], name=op.f("fk_alerts_review_pk")),
        sa.PrimaryKeyConstraint("review_pk", name=op.f("pk_alerts")),
        sa.UniqueConstraint("id", "app_pk", name=op.f("uq_alerts_id_app_pk")),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(
            "uq_alerts_own",
            ["id"],
            unique=True,
            sqlite_where=sa.text("app_pk IS NULL"),
            postgresql_where=sa.text("app_pk IS NULL"),
        )

    op.create_table(
        "messages",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("review_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("body", store.types.JsonText(), nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("message_channel", sa.String(length=32), nullable=True),
        sa.Column("message_ts", sa.String(length=32), nullable=True),
        sa.Column("posting_since", store.types.UtcDateTime(), nullable=True),
        sa.Column("posted_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("leased_until", store.types.UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "kind IN ('card', 'sample', 'notice', 'batch', 'more', 'audit', 'digest', 'load', 'alert', 'proposal', 'report')",
            name=op.f("ck_messages_kind_known"),
        ),
        sa.ForeignKeyConstraint(["review_pk"], ["reviews.pk"], name=op.f("fk_messages_review_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_messages")),
        sa.UniqueConstraint("key", name=op.f("uq_messages_key")),
        sa.UniqueConstraint("message_channel", "message_ts", name=op.f("uq_messages_message_channel_message_ts")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_messages_live",
            ["channel"],
            unique=False,
            sqlite_where=sa.text("live = 1"),
            postgresql_where=sa.text("live"),
        )
        batch_op.create_index(
            "ix_messages_queues",
            ["kind"],
            unique=False,
            sqlite_where=sa.text("kind IN ('batch', 'more')"),
            postgresql_where=sa.text("kind IN ('batch', 'more')"),
        )
        batch_op.create_index("ix_messages_review", ["review_pk"], unique=False)
        batch_op.create_index(
            "ix_messages_to_post",
            ["channel", sa.literal_column("urgency DESC"), "pk"],
            unique=False,
            sqlite_where=sa.text("wanted > sent AND posting_since IS NULL"),
            postgresql_where=sa.text("wanted > sent AND posting_since IS NULL"),
        )
        batch_op.create_index(
            "ix_messages_to_post_beside_cards",
            ["channel", sa.literal_column("urgency DESC"), "pk"],
            unique=False,
            sqlite_where=sa.text("wanted > sent AND posting_since IS NULL AND kind != 'card'"),
            postgresql_where=sa.text("wanted > sent AND posting_since IS NULL AND kind != 'card'"),
        )
        batch_op.create_index(
            "ix_messages_to_update",
            [sa.literal_column("urgency DESC"), "pk"],
            unique=False,
            sqlite_where=sa.text("wanted > sent AND posting_since IS NOT NULL"),
            postgresql_where=sa.text("wanted > sent AND posting_since IS NOT NULL"),
        )

    op.create_table(
        "notes",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("review_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("message_channel", sa.String(length=32), nullable=False),
        sa.Column("message_ts", sa.String(length=32), nullable=False),
        sa.Column("at", store.types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["review_pk"], ["reviews.pk"], name=op.f("fk_notes_review_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_notes")),
        sa.UniqueConstraint("message_channel", "message_ts", name=op.f("uq_notes_message_channel_message_ts")),
    )
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.create_index("ix_notes_review", ["review_pk"], unique=False)

    op.create_table(
        "rollbacks",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decision_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("review_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("requested_at", store.types.UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("due_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("answered_at", store.types.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'done', 'failed', 'withdrawn')", name=op.f("ck_rollbacks_state_known")
        ),
        sa.ForeignKeyConstraint(["decision_pk"], ["decisions.pk"], name=op.f("fk_rollbacks_decision_pk")),
        sa.ForeignKeyConstraint(["review_pk"], ["reviews.pk"], name=op.f("fk_rollbacks_review_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_rollbacks")),
        sa.UniqueConstraint("review_pk", "round", name=op.f("uq_rollbacks_review_pk_round")),
    )
    with op.batch_alter_table("rollbacks", schema=None) as batch_op:
        batch_op.create_index("ix_rollbacks_decision", ["decision_pk"], unique=False)
        batch_op.create_index(
            "ix_rollbacks_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )

    op.create_table(
        "skips",
        sa.Column("review_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("at", store.types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["review_pk"], ["reviews.pk"], name=op.f("fk_skips_review_pk")),
        sa.PrimaryKeyConstraint("review_pk", "user_id", name=op.f("pk_skips")),
    )
    op.create_table(
        "verdicts",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("review_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("adjudicates", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=True),
        sa.Column("severity", sa.String(length=100), nullable=True),
        sa.Column("labels", store.types.JsonText(), nullable=False),
        sa.Column("at", store.types.UtcDateTime(), nullable=False),
        sa.Column("began_at", store.types.UtcDateTime(), nullable=True),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("used_at", store.types.UtcDateTime(), nullable=True),
        sa.CheckConstraint("verdict IN ('approve', 'edit', 'reject')", name=op.f("ck_verdicts_verdict_known")),
        sa.ForeignKeyConstraint(["review_pk"], ["reviews.pk"], name=op.f("fk_verdicts_review_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_verdicts")),
        sa.UniqueConstraint("review_pk", "round", "user_id", name=op.f("uq_verdicts_review_pk_round_user_id")),
    )
    with op.batch_alter_table("verdicts", schema=None) as batch_op:
        batch_op.create_index("ix_verdicts_at", ["at"], unique=False)
        batch_op.create_index("ix_verdicts_user", ["user_id", "at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("verdicts", schema=None) as batch_op:
        batch_op.drop_index("ix_verdicts_user")
        batch_op.drop_index("ix_verdicts_at")

    op.drop_table("verdicts")
    op.drop_table("skips")
    with op.batch_alter_table("rollbacks", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_rollbacks_due",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_rollbacks_decision")

    op.drop_table("rollbacks")
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.drop_index("ix_notes_review")

    op.drop_table("notes")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_messages_to_update",
            sqlite_where=sa.text("wanted > sent AND posting_since IS NOT NULL"),
            postgresql_where=sa.text("wanted > sent AND posting_since IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_messages_to_post_beside_cards",
            sqlite_where=sa.text("wanted > sent AND posting_since IS NULL AND kind != 'card'"),
            postgresql_where=sa.text("wanted > sent AND posting_since IS NULL AND kind != 'card'"),
        )
        batch_op.drop_index(
            "ix_messages_to_post",
            sqlite_where=sa.text("wanted > sent AND posting_since IS NULL"),
            postgresql_where=sa.text("wanted > sent AND posting_since IS NULL"),
        )
        batch_op.drop_index("ix_messages_review")
        batch_op.drop_index(
            "ix_messages_queues",
            sqlite_where=sa.text("kind IN ('batch', 'more')"),
            postgresql_where=sa.text("kind IN ('batch', 'more')"),
        )
        batch_op.drop_index("ix_messages_live", sqlite_where=sa.text("live = 1"), postgresql_where=sa.text("live"))

    op.drop_table("messages")
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_alerts_own", sqlite_where=sa.text("app_pk IS NULL"), postgresql_where=sa.text("app_pk IS NULL")
        )

    op.drop_table("alerts")
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_reviews_waiting",
            sqlite_where=sa.text("state IN ('open', 'disputed')"),
            postgresql_where=sa.text("state IN ('open', 'disputed')"),
        )
        batch_op.drop_index("ix_reviews_opened")
        batch_op.drop_index(
            "ix_reviews_due", sqlite_where=sa.text("due_at IS NOT NULL"), postgresql_where=sa.text("due_at IS NOT NULL")
        )
        batch_op.drop_index(
            "ix_reviews_claimed",
            sqlite_where=sa.text("claimed_by IS NOT NULL AND state IN ('open', 'disputed')"),
            postgresql_where=sa.text("claimed_by IS NOT NULL AND state IN ('open', 'disputed')"),
        )

    op.drop_table("reviews")
    op.drop_table("executions")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index("ix_events_state_due")

    op.drop_table("events")
    op.drop_table("contents")
    op.drop_table("unnoted_uses")
    op.drop_table("stopped_receivers")
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.drop_index("ix_proposals_adjustment")

    op.drop_table("proposals")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_decisions_subject",
            sqlite_where=sa.text("subject IS NOT NULL"),
            postgresql_where=sa.text("subject IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_decisions_requested_by",
            sqlite_where=sa.text("requested_by IS NOT NULL"),
            postgresql_where=sa.text("requested_by IS NOT NULL"),
        )
        batch_op.drop_index("ix_decisions_id")
        batch_op.drop_index(
            "ix_decisions_first",
            sqlite_where=sa.text("first_pk IS NOT NULL"),
            postgresql_where=sa.text("first_pk IS NOT NULL"),
        )
        batch_op.drop_index("ix_decisions_created")
        batch_op.drop_index("ix_decisions_app_created")

    op.drop_table("decisions")
    op.drop_table("api_keys")
    op.drop_table("seals")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index("ix_runs_job_at")

    op.drop_table("runs")
    op.drop_table("policies")
    op.drop_table("model_days")
    op.drop_table("load_levels")
    op.drop_table("id_blocks")
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_history_policies",
            sqlite_where=sa.text(
                "event IN ('operator:policy:loaded', 'operator:policy:adjusted', 'reviewer:policy:adjusted', 'bot:policy:adjusted')"
            ),
            postgresql_where=sa.text(
                "event IN ('operator:policy:loaded', 'operator:policy:adjusted', 'reviewer:policy:adjusted', 'bot:policy:adjusted')"
            ),
        )
        batch_op.drop_index("ix_history_decision")

    op.drop_table("history")
    op.drop_table("counters")
    with op.batch_alter_table("calibrations", schema=None) as batch_op:
        batch_op.drop_index("ix_calibrations_task")

    op.drop_table("calibrations")
    op.drop_table("audit_streams")
    op.drop_table("apps")
    with op.batch_alter_table("adjustments", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_adjustments_in_force",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("adjustments")
    op.drop_table("accuracy_streams")
