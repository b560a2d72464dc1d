"""What a policy may say and will hardly mean: votes for which there are too few people.

A warning refuses nothing. Who belongs to a user group or a channel is known to Slack alone, so only lists of named
people are judged. A task that inherits all of it leaves the warning to the defaults.
"""

from collections.abc import Iterator

from routing.decision import Risk
from routing.policy_file import Path, Problem, RawPolicy
from routing.policy_sections import People, PolicyFile
from routing.soundness import Scope, scopes


def warnings_of(file: PolicyFile, raw: RawPolicy) -> tuple[Problem, ...]:
    """Every warning about a policy that was accepted, in the order of the file."""
    found = [raw.problem(path, message) for scope in scopes(file) for path, message in _warnings(scope)]
    return tuple(sorted(found, key=lambda problem: (problem.line or 0, problem.path)))


def _warnings(scope: Scope) -> Iterator[tuple[Path, str]]:
    yield from _too_few_to_agree(scope)
    yield from _nobody_to_settle(scope)


def _too_few_to_agree(scope: Scope) -> Iterator[tuple[Path, str]]:
    own = next((key for key in ("approvals", "reviewers") if scope.owns(key)), None)
    for risk, needed in scope.value("approvals").items() if own else ():
        reviewers = _all_reviewers(scope, risk)
        if reviewers is not None and len(reviewers) < needed:
            path = scope.path("approvals", risk.value) if own == "approvals" else scope.path("reviewers")
            yield (
                path,
                f"at {risk} {needed} people have to agree, and only {len(reviewers)} may review: "
                "name more `users` or a `usergroup`, or lower `approvals`",
            )


def _nobody_to_settle(scope: Scope) -> Iterator[tuple[Path, str]]:
    cause = "double_review" if scope.value("double_review") else "approvals"
    own = next((key for key in (cause, "approvals", "adjudicators", "reviewers") if scope.owns(key)), None)
    risks = [risk.value for risk in Risk if _all_may_have_voted(scope, risk)]
    if own is not None and risks:
        yield (
            scope.path(own),
            f"at {', '.join(risks)} a second opinion or a dispute can find nobody left, as all who may adjudicate are "
            "among the few who review: name `adjudicators` beside them, or more reviewers",
        )


def _all_may_have_voted(scope: Scope, risk: Risk) -> bool:
    """Whether those who disagree can be all who may adjudicate; nobody settles a dispute of their own."""
    agreeing = scope.value("approvals").get(risk, 1)
    voters = agreeing + (scope.value("double_review") > 0)
    reviewers = _all_reviewers(scope, risk)
    if voters < 2 or reviewers is None or not agreeing <= len(reviewers) <= voters:
        return False
    adjudicators: People = scope.value("adjudicators")
    named = _all_named(adjudicators) if adjudicators.named else reviewers
    return named is not None and named <= reviewers


def _all_reviewers(scope: Scope, risk: Risk) -> frozenset[str] | None:
    """Everybody who may review at this risk; None where that is known to Slack alone."""
    reviewers = scope.value("reviewers")
    return None if reviewers.channel_members and risk <= Risk.MEDIUM else _all_named(reviewers)


def _all_named(people: People) -> frozenset[str] | None:
    return frozenset(people.users or ()) if people.usergroup is None else None
