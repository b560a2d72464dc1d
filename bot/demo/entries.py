"""What the bot offers in Slack besides its messages, as the sandbox lists it: the manifest's shortcuts and commands."""

from bot.manifest import COMMANDS, SHORTCUTS
from bot.sandbox.actor import Entry

ENTRIES = (
    *(Entry(each["name"], each["callback_id"], each["type"], each["description"]) for each in SHORTCUTS),
    *(Entry(str(each["command"]), description=str(each["description"])) for each in COMMANDS),
)
