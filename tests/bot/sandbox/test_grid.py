"""What an app of a whole Enterprise Grid is told, and where that differs from an app of one workspace."""

from collections.abc import AsyncIterator

import pytest
from slack_bolt.request.internals import extract_enterprise_id, extract_is_enterprise_install
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.demo_world import REVIEW
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.blockkit import actions, button, modal
from tests.bot.sandbox.grid import GRID, SALES, grid_world
from tests.bot.sandbox.receiver import Receiver
from tests.support.clock import ManualClock
from tests.support.slack_entries import ENTRIES


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(clock, world=grid_world, entries=ENTRIES)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


async def test_users_info_names_the_organisation(slack: AsyncWebClient) -> None:
    eve = (await slack.users_info(user="W0EVE"))["user"]
    assert (eve["team_id"], eve["profile"]["team"]) == (SALES, SALES)
    assert eve["enterprise_user"] == {"id": "W0EVE", "enterprise_id": GRID, "teams": [SALES]}
    mallory = (await slack.users_info(user="W0MAL"))["user"]
    assert (mallory["team_id"], mallory["enterprise_user"]["enterprise_id"]) == ("T0OTHER", "E0OTHER")
    assert "enterprise_user" not in (await slack.users_info(user="U0BOT"))["user"]


async def test_auth_test_says_who_installed_it(slack: AsyncWebClient) -> None:
    answer = await slack.auth_test()
    assert (answer["enterprise_id"], answer["is_enterprise_install"]) == (GRID, True)


async def test_an_interaction_names_the_persons_workspace_only(
    sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
) -> None:
    ts = str((await slack.chat_postMessage(channel=REVIEW, text="card", blocks=[actions(button(action_id="a"))]))["ts"])
    await sandbox.click("W0EVE", REVIEW, ts, "a")
    click = app.last
    assert (click["team"], click["user"]["id"], click["user"]["team_id"]) == (None, "W0EVE", SALES)
    assert (click["enterprise"], click["is_enterprise_install"]) == ({"id": GRID, "name": "Sandbox Grid"}, True)
    view = (await slack.views_open(trigger_id=click["trigger_id"], view=modal()))["view"]
    await sandbox.submit_view("W0EVE", view["id"])
    assert (app.last["view"]["team_id"], app.last["view"]["app_installed_team_id"]) == (SALES, GRID)


async def test_commands_and_events_name_the_organisation(sandbox: Sandbox, app: Receiver) -> None:
    await sandbox.command("W0EVE", REVIEW, "/hitl-stats")
    wanted = {"team_id": SALES, "enterprise_id": GRID, "enterprise_name": "Sandbox Grid"}
    assert {**wanted, "is_enterprise_install": "true"}.items() <= app.last.items()
    await sandbox.say("W0EVE", REVIEW, "ask <@W0ADA>")
    assert (app.last["event"]["team"], app.last["event"]["text"]) == (SALES, "ask <@W0ADA>")
    assert (extract_enterprise_id(app.last), extract_is_enterprise_install(app.last)) == (GRID, True)
