"""Which replies in a card's thread act: three exact forms, and nothing that only looks like them."""

import pytest

from bot.slack.thread_reply import ApproveReply, EditReply, NoteReply, RejectReply, Reply, as_typed, read_reply


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("approve", ApproveReply()),
        ("  Approve\n", ApproveReply()),
        ("reject: too much", RejectReply("too much")),
        ("REJECT : two\nlines", RejectReply("two\nlines")),
        ("reject:", RejectReply("")),
        ("edit: a &lt;b&gt; &amp; c", EditReply("a <b> & c")),
        ("edit: see <https://x.example|x>", EditReply("see https://x.example")),
        ("edit: mail <mailto:a@x.example|a@x.example>", EditReply("mail a@x.example")),
        ("edit: for <@U0ADA>", EditReply("for <@U0ADA>")),
        ("approved", NoteReply("approved")),
        ("approve it", NoteReply("approve it")),
        ("*approve*", NoteReply("*approve*")),
        ("I would reject: no", NoteReply("I would reject: no")),
        ("reject", NoteReply("reject")),
        ("editor: me", NoteReply("editor: me")),
        ("", NoteReply("")),
    ],
)
def test_three_forms_and_notes(text: str, reply: Reply) -> None:
    assert read_reply(text) == reply


def test_an_entity_is_read_once() -> None:
    assert as_typed("&amp;lt;b&amp;gt;") == "&lt;b&gt;"
