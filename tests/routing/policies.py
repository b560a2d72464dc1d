"""Policies to start from: the contract's sample, the smallest valid one, and small variations of it."""

from pathlib import Path

from routing.policy import Policy, parse_policy

SAMPLE = (Path(__file__).parent / "sample_policy.yml").read_text()
MINIMAL = """
version: 1
defaults: {channel: "#review", reviewers: {users: [U0ADA]}}
"""


def policy(*, defaults: str = "", task: str | None = None, rest: str = "") -> Policy:
    """A policy with these further defaults (flow style members), one task `refund`, and further top-level text."""
    text = f"""
version: 1
defaults: {{channel: "#review", reviewers: {{users: [U0ADA]}}, {defaults}}}
{rest}
"""
    return parse_policy(text if task is None else f"{text}\ntasks: {{refund: {{{task}}}}}\n")
