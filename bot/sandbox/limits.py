"""Slack's numbers. Where sources disagree or are unsure, the stricter one. Texts count in UTF-16 code units."""

MESSAGE_BLOCKS = 50
MODAL_BLOCKS = 100
HOME_BLOCKS = 100
MESSAGE_TEXT_TRUNCATED_AT = 40_000
UPDATE_TEXT = 4_000
RENDERED_CHARS = 13_200
"""Undocumented, measured: the rendered text of a message with blocks (slackapi/bolt-js#2509)."""
RENDERED_CHARS_PER_HEADER = 100
ATTACHMENTS = 100
ATTACHMENT_FOOTER = 300

VIEW_BYTES = 250_000
MODAL_STACK = 3
MODAL_TITLE = MODAL_SUBMIT = MODAL_CLOSE = 24
PRIVATE_METADATA = 3_000
CALLBACK_ID = EXTERNAL_ID = 255
FOCUSED_ELEMENTS = 1

BLOCK_ID = ACTION_ID = 255
TEXT = 3_000
SECTION_FIELDS = 10
SECTION_FIELD = 2_000
HEADER = 150
CONTEXT_ELEMENTS = 10
ACTIONS_ELEMENTS = 25
CONTEXT_ACTIONS_ELEMENTS = 5
IMAGE_URL = 3_000
IMAGE_ALT = IMAGE_TITLE = 2_000
INPUT_LABEL = INPUT_HINT = 2_000
MARKDOWN_TOTAL = 12_000
VIDEO_TITLE = 200

BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
BUTTON_URL = 3_000
ACCESSIBILITY_LABEL = 75
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
OPTION_TEXT = OPTION_VALUE = OPTION_DESCRIPTION = 75
OPTION_URL = 3_000
SELECT_OPTIONS = OPTION_GROUPS = GROUP_OPTIONS = 100
GROUP_LABEL = 75
OVERFLOW_OPTIONS = 5
CHOICES = 10
"""Options of checkboxes and of radio buttons."""
PLACEHOLDER = 150
INPUT_LENGTH = 3_000
"""Ceiling of a text input's `max_length`, `min_length` and `initial_value`."""
INPUT_FILES = 10

ACK_SECONDS = 3.0
"""For the answer to an interaction, and for the use of its trigger."""
RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 1_800.0
EVENT_RETRY_DELAYS = (0.0, 60.0, 300.0)
"""Seconds before the first, second and third retry of an event."""


def utf16_length(text: str) -> int:
    """Characters as the stricter reading of Slack counts them: an emoji outside the basic plane is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
