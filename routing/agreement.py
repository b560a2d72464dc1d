"""How far two people who judged the same item say the same."""

from collections.abc import Mapping
from typing import Final

VERDICTS: Final = ("approve", "edit", "reject")


def percent_agreement(pairs: Mapping[tuple[str, str], int]) -> float | None:
    """The share (0..1) of items of which both said the same; None: there are none. `pairs` counts (first, second)."""
    items = sum(pairs.values())
    return None if items == 0 else _agreed(pairs) / items


def gwet_ac1(pairs: Mapping[tuple[str, str], int]) -> float | None:
    """Agreement beyond chance, at most 1; None: there are no items.

    K. L. Gwet, "Computing inter-rater reliability and its variance in the presence of high agreement", British Journal
    of Mathematical and Statistical Psychology 61, 2008. Where nearly everything is approved Cohen's kappa reads as
    failure; this does not.
    """
    items = sum(pairs.values())
    if items == 0:
        return None
    observed = _agreed(pairs) / items
    shares = [
        sum(count * ((first == verdict) + (second == verdict)) for (first, second), count in pairs.items())
        / (2 * items)
        for verdict in VERDICTS
    ]
    by_chance = sum(share * (1 - share) for share in shares) / (len(VERDICTS) - 1)
    return (observed - by_chance) / (1 - by_chance)


def _agreed(pairs: Mapping[tuple[str, str], int]) -> int:
    return sum(count for (first, second), count in pairs.items() if first == second)
