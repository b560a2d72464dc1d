"""What the page makes of mrkdwn and Markdown: nodes of its own making, whatever the text holds."""

import asyncio
import json

import pytest
from playwright.async_api import Page

from tests.bot.sandbox_page import canned
from tests.support.bot import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

RENDER = f"""async ([module, name, text]) => {{
    const render = (await import(`/page/${{module}}.js`))[name];
    const {{ World }} = await import("/page/world.js");
    const root = document.createElement("div");
    root.append(render(text, new World({json.dumps(canned.state("U0ADA"))})));
    return root.innerHTML.replaceAll(' target="_blank" rel="noopener noreferrer"', "");
}}"""

MRKDWN = {
    "*bold* _it_ ~no~ `code`": "<strong>bold</strong> <em>it</em> <s>no</s> <code>code</code>",
    "*bold _both_*": "<strong>bold <em>both</em></strong>",
    "2*3*4 snake_case_name a~b~c": "2*3*4 snake_case_name a~b~c",
    "* not bold * **": "* not bold * **",
    "`*raw* <b>` &lt;i&gt; &amp;amp;": "<code>*raw* &lt;b&gt;</code> &lt;i&gt; &amp;amp;",
    "a\nb": "a<br>b",
    "&gt; one\n&gt; two\nthree": "<blockquote>one<br>two</blockquote>three",
    "&gt;&gt;&gt; all\nof it": "<blockquote>all<br>of it</blockquote>",
    "```\nx = *1*\n```": "<pre>x = *1*</pre>",
    "<https://example.com/a?b=1&amp;c=2|see *it*>": '<a href="https://example.com/a?b=1&amp;c=2">see *it*</a>',
    "see https://example.com/x.": 'see <a href="https://example.com/x">https://example.com/x</a>.',
    "<mailto:ada@example.com|Ada>": '<a href="mailto:ada@example.com">Ada</a>',
    "<javascript:alert(1)|click>": "&lt;javascript:alert(1)|click&gt;",
    "<img src=x onerror=alert(1)>": "&lt;img src=x onerror=alert(1)&gt;",
    "<@U0ADA> <#C0REVIEW> <!here>": (
        '<span class="mention">@Ada</span> <span class="mention">#ai-review</span> <span class="mention">@here</span>'
    ),
    "<!subteam^S0LEADS> <!subteam^S9|@other> <#C9|secret>": (
        '<span class="mention">@leads</span> <span class="mention">@other</span> <span class="mention">#secret</span>'
    ),
    ":nope: 10:30:00": ":nope: 10:30:00",
}

MARKDOWN = {
    "# Big\ntext": '<p class="md-heading md-heading-1">Big</p><p>text</p>',
    "**b** *i* ~~s~~ `c`": "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>",
    "- a\n- b\n\n1. c": "<ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>",
    "> q\n> r": "<blockquote>q<br>r</blockquote>",
    "```py\na < b\n```": "<pre>a &lt; b</pre>",
    "[ok](https://example.com)": '<p><a href="https://example.com/">ok</a></p>',
    "[bad](javascript:alert(1)) <b>": "<p><span>bad</span>) &lt;b&gt;</p>",
    "snake_case_name 2*3*4": "<p>snake_case_name 2*3*4</p>",
}


async def test_mrkdwn(page: Page) -> None:
    assert {text: await page.evaluate(RENDER, ["mrkdwn", "mrkdwn", text]) for text in MRKDWN} == MRKDWN


async def test_markdown(page: Page) -> None:
    wanted = {text: f'<div class="markdown">{html}</div>' for text, html in MARKDOWN.items()}
    assert {text: await page.evaluate(RENDER, ["markdown", "markdown", text]) for text in MARKDOWN} == wanted


async def test_emoji_has_a_name_beside_its_picture(page: Page) -> None:
    rendered = await page.evaluate(RENDER, ["mrkdwn", "mrkdwn", ":white_check_mark:"])
    assert 'role="img" aria-label="white check mark"' in rendered


async def test_dates_follow_their_template(page: Page) -> None:
    rendered = await page.evaluate(RENDER, ["mrkdwn", "mrkdwn", "<!date^1795255200^{date_num} at {time}|fallback>"])
    assert "2026-11-21 at 10:00</time>" in rendered


async def test_how_long_ago_is_told_by_the_sandboxs_clock(page: Page) -> None:
    async with asyncio.timeout(PATIENCE):  # the page hears of the sandbox's clock a moment after it has opened
        while True:
            rendered = await page.evaluate(RENDER, ["mrkdwn", "mrkdwn", "<!date^1795255200^{ago}|fallback>"])
            if ">5 minutes ago</time>" in rendered:
                break
            await asyncio.sleep(0.05)
