"""`hitl demo` as whoever has no browser runs it: by itself, to the end."""

from tests.support.hitl import run_hitl


async def test_without_a_terminal_simulated_people_bring_every_decision_to_its_end() -> None:
    ended = await run_hitl("demo", "--decisions", "20", environment={})
    assert (ended.code, ended.err) == (0, "")
    assert "callback verified: decision.resolved refund-0024, edited by Ada and Dana" in ended.out
    (story,) = [line for line in ended.out.splitlines() if line.startswith("20 decisions: ")]
    assert "still wait" not in story
