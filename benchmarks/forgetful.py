"""The yardstick: `hitl serve` with a store that keeps nothing; auth, validation, routing and answer are the same."""

from typing import Any

from bot.app import Application
from bot.assembly.surroundings import Surroundings
from bot.cli.serving import run_until_stopped
from bot.clock import SystemClock
from bot.config import load_settings
from bot.logs import set_up_logging
from store.decisions import TakeIn, Taken
from store.writer import Command, Writer


class ForgetfulWriter(Writer):
    """Takes every decision at once and writes it nowhere; what is rare (blocks of numbers, the policy) is written."""

    async def submit(self, command: Command[Any]) -> Any:
        if isinstance(command, TakeIn):
            return Taken(command.decision)
        return await super().submit(command)


def main() -> None:
    settings = load_settings()
    set_up_logging(settings.hitl_log)
    run_until_stopped(Application(settings, around=Surroundings(SystemClock(), open_writer=ForgetfulWriter)))


if __name__ == "__main__":
    main()
