"""From risk and confidence to a route: the matrix cell, the demands for a person, and what autonomy may change.

More risk or less confidence never means less oversight; the matrix is checked for it when the policy is read, and
nothing here breaks it.
"""

from typing import Final

from routing.decision import Risk, Route

PEOPLE_DECIDE: Final = 2
"""The highest autonomy at which nothing runs alone."""


def person_floor(risk: Risk) -> Route:
    """The least oversight that brings a person in before the action."""
    return Route.QUEUE if risk <= Risk.MEDIUM else Route.ESCALATE


def oversight(cell: Route, *, demand: Route | None, autonomy: int, risk: Risk) -> Route:
    """The route for a matrix cell at this autonomy (0..5).

    `demand` is the least oversight that unknown confidence, a failed check or irreversibility asks for; where there is
    one, autonomy raises but never lowers.
    """
    demanded = cell if demand is None else max(cell, demand)
    if autonomy <= PEOPLE_DECIDE:
        return max(demanded, person_floor(risk))
    return demanded if demand is not None else _lowered(cell, autonomy, risk)


def _lowered(cell: Route, autonomy: int, risk: Risk) -> Route:
    if autonomy == 5 and risk is Risk.LOW:
        return Route.AUTO
    if autonomy >= 4 and risk <= Risk.MEDIUM and cell is Route.QUEUE:
        return Route.AUTO_AUDIT
    return cell
