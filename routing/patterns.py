"""Regular expressions of the policy: RE2, whose running time is linear in the text it searches."""

from typing import Protocol, cast

import re2

_QUIET = re2.Options()
_QUIET.log_errors = False  # RE2 would print to stderr; the error is reported as a problem instead


class Pattern(Protocol):
    """The part of RE2's compiled pattern that is used."""

    def search(self, text: str) -> object | None: ...


def compile_pattern(source: str) -> Pattern:
    """Compile an RE2 pattern; ValueError says what is wrong with it."""
    try:
        return cast(Pattern, re2.compile(source, _QUIET))
    except re2.error as error:
        raise ValueError(f"invalid regex: {error.args[0].decode(errors='replace')}") from None
