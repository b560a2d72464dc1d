"""The people: who somebody is, and how we learn where they belong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from routing.policy import Circle
from routing.review import Objection


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person in Slack. Ids count, names never do; on Enterprise Grid a user id may begin with W."""

    team_id: str
    user_id: str

    @property
    def actor(self) -> str:
        return f"user:{self.team_id}/{self.user_id}"


WhyNot = (
    Literal["own_request", "not_a_reviewer", "named_reviewers_only", "adjudicators_only", "second_opinion"]
    | Literal["content_removed"]
    | Literal["unknown_now"]
    | Objection
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a person may not decide a review: their own request, they voted, they are not in its circle, they have judged
    the same decision already, its content is gone, or it cannot be found out now."""

    reason: WhyNot
    circle: Circle | None = None
    """Who may decide instead, if the person is not in it."""


class MembershipUnknownError(Exception):
    """Nobody could say just now whether a person belongs to a circle."""


class Membership(Protocol):
    """Looks up who belongs where."""

    async def includes(self, circle: Circle, reviewer: Reviewer, channels: Sequence[str], *, recent: bool) -> bool:
        """Whether the person is in the circle now; members of the channels (ids, or names as in the policy) count if it
        says so. `recent`: an answer of the last minute will do, as for a list that nothing is decided by.

        Raises MembershipUnknownError.
        """
        ...
