"""A day in the life of reviewers, played in the browser: on a desk, and on a phone of 390 pixels.

With UPDATE_SCREENSHOTS=1 the stations leave their pictures: those of the phone in docs/images/day, the others in the
test's temporary folder. Look at them: is it clear in three seconds what is asked, is anything cut off, can a thumb hit
it?
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from tests.support.bot import Bot, Json, running_bot
from tests.support.browser import DESKTOP, PHONE, launch

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[3] / "docs" / "images" / "day"
ADA, BEN, CHEN, DANA = "U0ADA", "U0BEN", "U0CHEN", "U0DANA"
REVIEW, REFUNDS = "C0REVIEW", "C0REFUND"
POLICY = """
version: 1
defaults:
  channel: "#ai-review"
  base_risk: low
  reviewers: {channel_members: true, users: [U0ADA, U0DANA]}
  approvals: {critical: 2}
  adjudicators: {users: [U0CHEN]}
rules:
  - {id: big_money, when: "has(context.amount) && context.amount > 10000", risk: critical}
tasks:
  ticket: {double_review: 1.0}
  refund:
    channel: "#refunds"
    matrix: &cards
      low: {confident: AUTO, unsure: ESCALATE}
      medium: {confident: AUTO_AUDIT, unsure: ESCALATE}
      high: {confident: AUTO_AUDIT, unsure: ESCALATE}
      critical: {confident: ESCALATE, unsure: ESCALATE}
  voucher: {matrix: *cards, undo: 10m}
  outage: {matrix: *cards, sla: 6s, on_timeout: reject, escalation: [{after: 1s, remind: channel}]}
"""


@dataclass(frozen=True)
class Day:
    """One page through which everybody acts in turn."""

    bot: Bot
    page: Page
    pictures: Path

    async def go(self, person: str, place: str) -> None:
        await self.page.goto(f"{self.bot.sandbox.url}/#/{person}/{place}")
        await expect(self.page.locator(f'[data-act-as="{person}"]')).to_have_attribute("aria-pressed", "true")

    async def post(self, name: str, task: str, asked: str, output: object, **more: object) -> None:
        """A decision that waits for a person."""
        body: Json = {"id": name, "task_type": task, "input": asked, "output": output, "confidence": 0.55}
        status, answer = await self.bot.post({**body, **more})
        assert (status, answer["status"]) == (201, "pending")

    async def ended(self, name: str, result: str) -> Json:
        """The outcome that the app is told."""
        _, answer = await self.bot.get(f"/v1/decisions/{name}?wait=20")
        outcome: Json = answer["outcome"] or {}
        assert outcome.get("result") == result
        return outcome

    async def refund(self, name: str, amount: float, asked: str) -> None:
        output = {"action": "refund", "amount": amount, "currency": "EUR"}
        await self.post(name, "refund", asked, output, context={"amount": amount})

    def card(self, name: str) -> Locator:
        return self.page.locator(".main [data-ts]").filter(has_text=f"shop · {name}")

    @property
    def form(self) -> Locator:
        return self.page.get_by_role("dialog").last

    async def press(self, name: str, button: str) -> None:
        await self.card(name).get_by_role("button", name=button, exact=True).click()

    async def choose(self, name: str, option: str) -> None:
        """From the menu of a card."""
        await self.press(name, "More actions")
        await self.page.get_by_role("menuitem", name=option).click()

    async def send(self) -> None:
        await self.form.locator('[data-modal="submit"]').click()

    async def sees(self, name: str, *words: str) -> None:
        for each in words:
            await expect(self.card(name)).to_contain_text(each)

    async def take(self, station: str, about: Locator | None = None) -> None:
        """The picture of a station, with what it is about in view."""
        if os.environ.get("UPDATE_SCREENSHOTS") != "1":
            return
        if about is not None:
            await about.evaluate("(node) => node.scrollIntoView({ block: 'nearest' })")
        await self.page.screenshot(path=self.pictures / f"{station}.png")


@asynccontextmanager
async def a_day(browser: Browser, folder: Path, size: ViewportSize, pictures: Path) -> AsyncIterator[Day]:
    async with running_bot(folder, f"sqlite:///{folder / 'day.db'}", policy=POLICY, rate_scale=50) as bot:
        context = await browser.new_context(viewport=size, timezone_id="UTC", locale="en-GB")
        failures: list[str] = []
        page = await context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        yield Day(bot, page, pictures)
        assert failures == []
        await context.close()


async def claim(day: Day) -> None:
    """Ada is at it; Ben is told so and decides all the same."""
    await day.refund("refund-8801", 42.5, "The lamp arrived with a crack in its shade. Please refund the 42.50 EUR.")
    await day.go(ADA, REFUNDS)
    await day.choose("refund-8801", "Claim")
    await day.sees("refund-8801", "@Ada is on it since")
    await expect(day.page.get_by_text("You have this until")).to_be_visible()
    await day.take("claimed", day.card("refund-8801"))
    await day.go(BEN, REFUNDS)
    await day.press("refund-8801", "Approve")
    await expect(day.form).to_contain_text("claimed this")
    await day.take("claimed-by-another")
    await day.send()
    await day.sees("refund-8801", "Approved by @Ben")


async def edit(day: Day) -> None:
    await day.refund("refund-8802", 120, "I sent back one of the two lamps, so please refund half of the 120 EUR.")
    await day.go(ADA, REFUNDS)
    await day.press("refund-8802", "Edit")
    await day.form.get_by_label("amount").fill("60")
    await day.take("edit")
    await day.send()
    await day.sees("refund-8802", "Edited by @Ada")
    outcome = await day.ended("refund-8802", "edited")
    assert outcome["output"]["amount"] == 60
    await day.take("edited", day.card("refund-8802"))


async def conflict(day: Day) -> None:
    """Two people at once: the first verdict stands, and what the second one typed comes back."""
    await day.refund("refund-8803", 18, "The bulb was dark from the first day on. I would like my 18 EUR back.")
    await day.go(ADA, REFUNDS)
    await day.press("refund-8803", "Reject")
    await day.form.get_by_label("Category").select_option("wrong_action")
    await day.form.get_by_label("Severity").select_option("minor")
    await day.form.get_by_label("Reason").fill("A new bulb is what the guide says for a dark one.")
    ben = replace(day, page=await day.page.context.new_page())
    await ben.go(BEN, REFUNDS)
    # Ada has a form open, which counts as her claim.
    await ben.sees("refund-8803", "@Ada is on it since")
    await ben.press("refund-8803", "Approve")
    await ben.send()
    await ben.sees("refund-8803", "Approved by @Ben")
    await ben.page.close()
    await day.send()
    await expect(day.form).to_contain_text("@Ben already approved this")
    await expect(day.form).to_contain_text("A new bulb is what the guide says for a dark one.")
    await day.take("conflict")
    await day.form.locator('[data-modal="close"]').click()


async def quorum(day: Day) -> None:
    await day.refund("refund-8804", 27085.85, "The whole order never came. Please pay back all of the 27,085.85 EUR.")
    await day.go(ADA, REFUNDS)
    await day.sees("refund-8804", "2 people have to agree", "nobody has voted yet")
    await day.press("refund-8804", "Approve")
    await day.take("quorum-asks-twice")
    await day.form.get_by_role("button", name="Approve").click()
    await day.sees("refund-8804", "1 has voted")
    await expect(day.page.get_by_text("Your vote is in; 1 more is needed.")).to_be_visible()
    await day.take("quorum", day.card("refund-8804"))
    await day.go(DANA, REFUNDS)
    await day.press("refund-8804", "Approve")
    await day.form.get_by_role("button", name="Approve").click()
    await day.sees("refund-8804", "Approved by @Ada, @Dana")
    assert set((await day.ended("refund-8804", "approved"))["decided_by"]) == {ADA, DANA}


async def dispute(day: Day) -> None:
    await day.refund("refund-8805", 12400, "Half of the order was wrong, so I want half of the 12,400 EUR back.")
    await day.go(ADA, REFUNDS)
    await day.press("refund-8805", "Approve")
    await day.form.get_by_role("button", name="Approve").click()
    await day.sees("refund-8805", "1 has voted")
    await day.go(DANA, REFUNDS)
    await day.press("refund-8805", "Reject")
    await _say_why(day, "The customer asks for half of it.")
    await expect(day.form).to_contain_text("opinions differ")
    await day.take("vote-is-in")
    await day.form.locator('[data-modal="close"]').click()
    await day.sees("refund-8805", "Opinions differ: an adjudicator has to settle it")
    await day.go(CHEN, REFUNDS)
    await day.sees("refund-8805", "The customer asks for half of it.")
    await day.take("disputed", day.card("refund-8805"))
    await day.press("refund-8805", "Edit")
    await day.form.get_by_label("amount").fill("6200")
    await day.send()
    await day.sees("refund-8805", "settled by adjudicator @Chen")
    await day.take("settled", day.card("refund-8805"))
    assert (await day.ended("refund-8805", "edited"))["output"]["amount"] == 6200


async def timeout(day: Day) -> None:
    """Nobody was there: reminded in the channel, then decided by the policy, which is nobody's verdict. The reminder
    calls for nobody any more."""
    await day.go(ADA, REVIEW)
    await day.sees("outage-1", "Timed out: nobody decided in time. The app must not act on it.")
    await expect(day.card("outage-1").get_by_role("button", name="Approve")).to_have_count(0)
    await expect(day.page.get_by_text("This does not wait any more: timed out.").first).to_be_visible()
    await day.take("timed-out", day.card("outage-1"))
    assert (await day.ended("outage-1", "timed_out"))["decided_by"] == []


async def walk(day: Day) -> None:
    """What rides in a batch is walked through in one modal."""
    for number, text in enumerate(("Where is my parcel?", "My lamp hums at night.", "Which bulb fits the Orbit?"), 1):
        await day.post(f"ticket-{number}", "ticket", text, "shipping")
    await day.go(ADA, REVIEW)
    start = day.page.get_by_role("button", name="Start reviewing")
    await expect(start).to_be_visible()
    await day.take("batch", start)
    await start.click()
    await expect(day.form).to_contain_text("1 of 3")
    await day.take("walk")
    await day.send()
    await expect(day.form).to_contain_text("2 of 3")
    await day.form.get_by_role("button", name="Edit").click()
    await day.form.get_by_label("Output").fill("product_defect")
    await day.take("walk-edit")
    await day.send()
    await expect(day.form).to_contain_text("3 of 3")
    await day.form.get_by_role("button", name="Reject").click()
    await _say_why(day, "It asks about a bulb.")
    await expect(day.form).to_contain_text("All done. You reviewed 3.")
    await day.take("walk-end")
    await day.form.locator('[data-modal="close"]').click()
    await expect(day.page.get_by_text("Nothing waits for review here.")).to_be_visible()


async def second_opinion(day: Day) -> None:
    """What Ada decided alone is asked of Ben too, by the shortcut, and he does not see what she said."""
    await day.go(BEN, REVIEW)
    await day.page.get_by_role("button", name="Shortcuts", exact=True).click()
    await day.page.get_by_role("menuitem", name="Review queue").click()
    await expect(day.form).to_contain_text("Second opinion: what others said about it stays hidden.")
    await expect(day.form).not_to_contain_text("Ada")
    await day.take("second-opinion")
    await day.form.locator('[data-modal="close"]').click()
    await expect(day.page.get_by_role("dialog")).to_have_count(0)


async def thread(day: Day) -> None:
    """A reply is a note; one of three exact forms is a verdict."""
    await day.refund("refund-8806", 75, "The lamp is fine, my flat is too small for it. Can I have the 75 EUR back?")
    await day.go(DANA, REFUNDS)
    card = day.card("refund-8806")
    await card.hover()
    await card.get_by_role("button", name="Reply in thread").click()
    reply = day.page.get_by_label("Reply…")
    await reply.fill("Bought 40 days ago, I checked.")
    await reply.press("Enter")
    await reply.fill("reject: The 30 days for this are over.")
    await reply.press("Enter")
    pane = day.page.locator('[data-pane="thread"]')
    await expect(pane.get_by_text("Rejected by @Dana").first).to_be_visible()
    # The card, two replies, and the word that it was taken as a verdict.
    await expect(pane.locator("[data-ts]")).to_have_count(4)
    await day.take("thread", pane.locator("[data-ts]").last)
    outcome = await day.ended("refund-8806", "rejected")
    assert outcome["reason"] == "The 30 days for this are over."


async def change(day: Day) -> None:
    """Ada was wrong, and says so; the app is told what to correct."""
    await day.go(ADA, REFUNDS)
    await day.choose("refund-8802", "Change verdict…")
    await expect(day.form).to_contain_text("The app is told of the change")
    await day.take("change")
    await day.form.get_by_role("button", name="Reject").click()
    await _say_why(day, "The second lamp came back too.")
    await day.sees("refund-8802", "Rejected by @Ada", "Changed by @Ada")
    await day.take("changed", day.card("refund-8802"))
    outcome = await day.ended("refund-8802", "rejected")
    assert outcome["reason"] == "The second lamp came back too."


async def hand_over(day: Day) -> None:
    await day.refund("refund-8807", 310, "The chandelier fell from the ceiling. Please refund 310 EUR.")
    await day.go(ADA, REFUNDS)
    await day.choose("refund-8807", "Hand over…")
    await day.form.get_by_label("To whom").select_option(label="Dana")
    await day.form.get_by_label("Note").fill("You know the maker of this one.")
    await day.take("hand-over")
    await day.send()
    await day.sees("refund-8807", "@Dana is on it since")
    await day.go(DANA, REFUNDS)
    await day.card("refund-8807").get_by_role("button", name="1 reply").click()
    told = day.page.locator('[data-pane="thread"] [data-ts]').last
    await expect(told).to_contain_text("@Ada hands this over to @Dana.")
    await expect(told).to_contain_text("You know the maker of this one.")
    await day.take("handed-over", told)


async def home(day: Day) -> None:
    """Dana's inbox: what was handed to her, what waits, what she decided."""
    await day.refund("refund-8808", 9.9, "The cable is too short, I want the 9.90 EUR back.")
    await day.refund("refund-8809", 15635.41, "Only the Fernlight goes back, it was 15,635.41 EUR.")
    await day.go(DANA, "home")
    inbox = day.page.get_by_role("region", name="Home")
    await expect(inbox).to_contain_text("You are working on")
    await expect(inbox).to_contain_text("9.9")
    await expect(inbox).to_contain_text("15635.41")
    await expect(inbox).to_contain_text("You decided last")
    await day.take("home")
    await inbox.get_by_role("button", name="Review", exact=True).first.click()
    await expect(day.form).to_contain_text("310")
    await day.take("home-review")
    await day.form.locator('[data-modal="close"]').click()
    await expect(day.page.get_by_role("dialog")).to_have_count(0)


async def undo(day: Day) -> None:
    """The app is not told yet, so a slip of the thumb costs nothing."""
    await day.post("voucher-1", "voucher", "You promised me a voucher of 20 EUR.", "Send the voucher GLOW-20.")
    await day.go(BEN, REVIEW)
    await day.press("voucher-1", "Approve")
    await day.sees("voucher-1", "Approved by @Ben", "Held until")
    await day.take("held", day.card("voucher-1"))
    await day.press("voucher-1", "Undo")
    await expect(day.card("voucher-1").get_by_role("button", name="Approve")).to_be_visible()
    _, answer = await day.bot.get("/v1/decisions/voucher-1")
    assert answer["status"] == "pending"


async def send_for_review(day: Day) -> None:
    """What an assistant wrote into a channel, sent for review by the message's menu."""
    await day.bot.sandbox.say(CHEN, REVIEW, "Our lamps may be left on over night without any risk.")
    await day.go(ADA, REVIEW)
    message = day.page.locator(".main [data-ts]").filter(has_text="left on over night")
    await message.hover()
    await message.get_by_role("button", name="Message menu").click()
    await day.page.get_by_role("menuitem", name="Send for review").click()
    await day.form.get_by_label("Task").select_option("voucher")
    await day.form.get_by_label("What was asked").fill("Can I leave the lamp on over night?")
    await day.take("send-for-review")
    await day.send()
    await expect(day.form).to_contain_text("You get the verdict as a direct message.")
    await day.form.locator('[data-modal="close"]').click()
    card = day.page.locator(".main [data-ts]").filter(has_text="slack · slack:")
    await expect(card).to_contain_text("for @Ada")
    await day.take("sent-for-review", card)


async def _say_why(day: Day, reason: str) -> None:
    """Fills in the rejection form and sends it."""
    await day.form.get_by_label("Category").select_option("wrong_action")
    await day.form.get_by_label("Severity").select_option("major")
    await day.form.get_by_label("Reason").fill(reason)
    await day.send()


STATIONS: tuple[Callable[[Day], Awaitable[None]], ...] = (
    claim, edit, conflict, quorum, dispute, timeout, walk, second_opinion, thread, change, hand_over, home, undo,
    send_for_review,
)  # fmt: skip


async def _play(folder: Path, size: ViewportSize, pictures: Path) -> None:
    async with launch() as browser, a_day(browser, folder, size, pictures) as day:
        await day.post("outage-1", "outage", "Shall I restart the payment service?", "Yes, restart it.")
        for station in STATIONS:
            await station(day)
            assert await day.page.evaluate("document.documentElement.scrollWidth") == size["width"], station.__name__


async def test_a_day_at_a_desk(tmp_path: Path) -> None:
    await _play(tmp_path, DESKTOP, tmp_path)


async def test_a_day_on_a_phone(tmp_path: Path) -> None:
    await _play(tmp_path, PHONE, IMAGES)
