"""Slack's limits, in UTF-16 units unless said otherwise (Block Kit reference, @slack/types, slack_sdk models)."""

MODAL_BLOCKS = 100
BLOCK_TEXT = 3_000
HEADER_TEXT = 150
MODAL_TITLE = 24
BUTTON_TEXT = 75
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
OPTION_TEXT = 75
OPTION_VALUE = 75
SELECT_OPTIONS = 100
INPUT_TEXT = 3_000
URL_TEXT = 3_000

VIEW_BYTES = 250_000
"""Refused above with `view_too_large`; bytes of the view as JSON."""

RENDERED_MESSAGE = 10_000
"""Our budget for all texts of one message, entities counted as written. Slack refuses, undocumented, from about 13,200
(`msg_blocks_too_long`, slackapi/bolt-js#2509)."""
RENDERED_HEADER = 100
"""What a header counts beside its text."""
