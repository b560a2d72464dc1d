"""What a client is told when it cannot have what it asked for: RFC 9457 problem details, whatever carries them.

The kinds are the contract's; each has one status and one title.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypedDict

Kind = Literal[
    "invalid_json", "invalid_body", "unauthorized", "forbidden", "not_found", "id_conflict", "already_resolved",
    "already_executed", "hash_mismatch", "not_allowed", "too_large", "rate_limited", "unavailable",
]  # fmt: skip

TYPE_PREFIX: Final = "urn:hitl:problem:"
MEDIA_TYPE: Final = "application/problem+json"

KINDS: Final[Mapping[Kind, tuple[int, str]]] = {
    "invalid_json": (400, "The body is not JSON"),
    "invalid_body": (422, "The request is not valid"),
    "unauthorized": (401, "A valid API key is required"),
    "forbidden": (403, "The API key lacks the scope"),
    "not_found": (404, "Not found"),
    "id_conflict": (409, "The id is taken by another body"),
    "already_resolved": (409, "Already resolved"),
    "already_executed": (409, "Already executed"),
    "hash_mismatch": (409, "The hash is not that of the output to execute"),
    "not_allowed": (409, "Not allowed in this state"),
    "too_large": (413, "The body is too large"),
    "rate_limited": (429, "Too many requests"),
    "unavailable": (503, "Temporarily unavailable"),
}

_DEFAULT_HEADERS: Final[Mapping[Kind, Mapping[str, str]]] = {
    "unauthorized": {"WWW-Authenticate": "Bearer"},
    "unavailable": {"Retry-After": "2"},
}


class FieldError(TypedDict):
    """One thing wrong in a body: `loc` is the path of member names and list indexes from the top."""

    loc: list[str | int]
    msg: str


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """An error that the client is told about. Raise it anywhere below the middleware.

    Args:
        kind: one of the contract's problem types; it fixes status and title.
        detail: a sentence about this very case. Never put a secret or a piece of the body into it.
        errors: for `invalid_body`, each member that is wrong.
        headers: sent with the answer, over the kind's own (401 WWW-Authenticate, 503 Retry-After).
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.status, self.title = KINDS[kind]
        self.detail = detail
        self.errors = list(errors)
        self.headers = {**_DEFAULT_HEADERS.get(kind, {}), **(headers or {})}

    def to_json(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            members["errors"] = self.errors
        return members


def invalid_body(errors: Sequence[FieldError]) -> Problem:
    """The 422 for these errors; `detail` tells the first one, for those who read no further."""
    first = errors[0]
    place = ".".join(map(str, first["loc"])) or "the body"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem("invalid_body", f"{place}: {first['msg']}{more}", errors=errors)
