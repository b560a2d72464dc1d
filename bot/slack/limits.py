"""Slack's limits, in UTF-16 units unless said otherwise (Block Kit reference, @slack/types, slack_sdk models)."""

MESSAGE_BLOCKS = 50
MODAL_BLOCKS = 100
BLOCK_TEXT = 3_000
HEADER_TEXT = 150
MODAL_TITLE = 24
BUTTON_TEXT = 75
OPTION_TEXT = 75
OPTION_VALUE = 75
SELECT_OPTIONS = 100
INPUT_TEXT = 3_000
IDENTIFIER = 255
PRIVATE_METADATA = 3_000
URL_TEXT = 3_000

VIEW_BYTES = 250_000
"""Refused above with `view_too_large`; bytes of the view as JSON."""

RENDERED_MESSAGE = 10_000
"""Our budget for all texts of one message, entities counted as written. Slack refuses, undocumented, from about 13,200
(`msg_blocks_too_long`, slackapi/bolt-js#2509)."""

HEADER_OVERHEAD = 100
"""What a header block was measured to cost in that sum beyond its text."""

MESSAGE_TEXT = 3_000
"""Our ceiling for `text`; Slack splits it above 4,000."""
