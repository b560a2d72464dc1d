"""Refuse changes to history in the database itself, and start the number blocks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("INSERT INTO id_blocks (name, next) VALUES ('main', 1)"))
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                sa.text(
                    f"CREATE TRIGGER history_no_{action.lower()} BEFORE {action} ON history "
                    "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
                )
            )
        return
    op.execute(
        sa.text(
            "CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'history is append-only'; END $$"
        )
    )
    op.execute(
        sa.text(
            "CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history "
            "FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()"
        )
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(sa.text("DROP TRIGGER history_no_update"))
        op.execute(sa.text("DROP TRIGGER history_no_delete"))
    else:
        op.execute(sa.text("DROP TRIGGER history_append_only ON history"))
        op.execute(sa.text("DROP FUNCTION history_is_append_only"))
    op.execute(sa.text("DELETE FROM id_blocks"))
