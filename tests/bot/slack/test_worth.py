"""What a confidence is worth, beside it: once the model is calibrated, and never where confidence is hidden."""

from dataclasses import replace

import pytest

from bot.slack import phrases
from bot.slack.card import render_card
from bot.slack.details_modal import details_modal
from bot.slack.item import item_blocks
from bot.slack.view import CardView, WorthView
from tests.bot.calibrating.labelled import SOUND, judged
from tests.bot.slack import samples
from tests.bot.slack.at_work import policy_with
from tests.support.bot import POLICY, UNSURE, Bot
from tests.support.slack_checker import check_message

CALIBRATED = replace(samples.REFUND, worth=WorthView(right=0.8149, labels=1_412))
WORDS = "right 81 % of the time at this level (n = 1,412)"


def test_golden() -> None:
    message = render_card(CALIBRATED)
    check_message(message.text, message.blocks, samples.PEOPLE)
    samples.assert_golden("card_calibrated", {"text": message.text, "blocks": message.blocks})


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (samples.REFUND, "87 % confident, below the 99 % needed"),
        (CALIBRATED, f"87 % confident, below the 99 % needed; {WORDS}"),
        (replace(CALIBRATED, confidence=0.995, confident=True), f"99 % confident, 99 % needed; {WORDS}"),
        (replace(CALIBRATED, hides_confidence=True), "confidence hidden for now"),
        (replace(samples.APPROVED, worth=CALIBRATED.worth, hides_confidence=True), WORDS),
    ],
)
def test_it_stands_beside_the_confidence(view: CardView, expected: str) -> None:
    said = phrases.confidence(view)
    assert said.endswith(expected)
    assert said in str(item_blocks(view))
    assert said in str(details_modal(view))


@pytest.mark.parametrize("policy", [POLICY, policy_with("blind_confidence: true")], ids=["shown", "blind"])
async def test_a_card_tells_it_of_its_own_stream(bot: Bot, policy: str) -> None:
    version = bot.services.policy.current.version
    await judged(bot.services.engine, 1, SOUND, policy_version=version, model_name="gpt-x", model_version="2")
    await bot.application.jobs.run("calibrate", bot.clock.now())

    await bot.post(UNSURE, id="same", model={"name": "gpt-x", "version": "2"})
    await bot.post(UNSURE, id="other", model={"name": "gpt-x", "version": "3"})

    assert ("of the time at this level" in (await bot.card("same"))["text"]) is ("blind" not in policy)
    assert "of the time at this level" not in (await bot.card("other"))["text"]
