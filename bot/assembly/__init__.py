"""How the parts of one process are put together: stores, then services on them, then what talks to Slack, sends and
works by the clock. Nothing here starts anything; `bot.app` does."""
