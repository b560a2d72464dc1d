"""Refuse changes to history in the database itself, and start the number blocks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


_APPEND_ONLY = ("history", "seals")


def upgrade() -> None:
    op.execute(sa.text("INSERT INTO id_blocks (name, next) VALUES ('main', 1)"))
    if op.get_bind().dialect.name == "sqlite":
        for table in _APPEND_ONLY:
            for action in ("UPDATE", "DELETE"):
                op.execute(
                    sa.text(
                        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                    )
                )
        return
    op.execute(
        sa.text(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    )
    for table in _APPEND_ONLY:
        op.execute(
            sa.text(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        )


def downgrade() -> None:
    for table in _APPEND_ONLY:
        if op.get_bind().dialect.name == "sqlite":
            op.execute(sa.text(f"DROP TRIGGER {table}_no_update"))
            op.execute(sa.text(f"DROP TRIGGER {table}_no_delete"))
        else:
            op.execute(sa.text(f"DROP TRIGGER {table}_append_only ON {table}"))
    if op.get_bind().dialect.name != "sqlite":
        op.execute(sa.text("DROP FUNCTION refuse_change"))
    op.execute(sa.text("DELETE FROM id_blocks"))
