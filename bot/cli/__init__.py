"""The command line (contract §6), a module for each subject. Exit codes: 0 good, 1 the check failed, 2 wrong use or
settings."""

from collections.abc import Sequence

import typer
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.cli import advise, brake, calibrate, doctor, history, jobs, keys, policy, redeliver, serving, simulate, stats
from bot.cli.session import give_up
from bot.config import SettingsError
from bot.manifest import ManifestError
from bot.policy_in_force import PolicyUnreadableError
from store.schema import SchemaTooOldError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for commands in (serving, brake, doctor, stats, calibrate, redeliver):
    app.add_typer(commands.app)
app.add_typer(keys.app, name="keys")
for commands in (simulate, advise):
    policy.app.add_typer(commands.app)
app.add_typer(policy.app, name="policy")
app.add_typer(jobs.app, name="jobs")
app.add_typer(history.app, name="audit")


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: what is wrong with the surroundings is one message and exit code 2, never a traceback."""
    try:
        app(arguments)
    except (SettingsError, SchemaTooOldError, PolicyUnreadableError, ManifestError) as error:
        give_up(str(error))
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        give_up(f"HITL_DATABASE_URL: the database cannot be used ({type(cause).__name__}). Is it there and running?")
    except OSError as error:
        give_up(f"HITL_DATABASE_URL: the database cannot be reached ({error.strerror or error}). Is it running?")
