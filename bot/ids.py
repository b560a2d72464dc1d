"""Opaque ids for what the server names itself."""

import secrets
from collections.abc import Callable

NewId = Callable[[str], str]
"""`new_id("rev")` gives `rev_` and 24 random hex digits."""


def random_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"
