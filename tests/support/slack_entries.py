"""Commands and shortcuts for tests of the sandbox itself, whatever the bot offers."""

from bot.sandbox.actor import Entry

ENTRIES = (
    Entry("/hitl-stats", description="Metrics of the reviews"),
    Entry("Send for review", "send_for_review", "message"),
    Entry("Review queue", "review_queue", "global"),
)
