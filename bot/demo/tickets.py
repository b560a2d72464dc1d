"""Made-up support tickets of a made-up lamp shop, each with its known truth.

The phrases are in `world/tickets.toml`. A ticket is a phrase of its intent in a frame of small talk, spoiled the way
real mail is: typos, words that point at another intent, tickets too vague to tell. People also find new words over
time: each intent's last phrase is unknown in the early days, in which a model learns. The same seed makes the same
tickets.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

MARK = "[made-up ticket] "
"""Begins every text, so that nobody takes one for a real customer's."""

RETURN_DAYS = 30
_LATER_PHRASES = 1
_VAGUE, _ASIDE, _SMALL_TALK = 0.06, 0.15, 0.4


@dataclass(frozen=True, slots=True)
class Customer:
    """Who writes. The cohort decides how they write sums and how many typos they make."""

    subject: str
    name: str
    cohort: str
    currency: str
    typo_rate: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """A message and the intent behind it."""

    text: str
    customer: Customer
    label: str


@dataclass(frozen=True, slots=True)
class RefundTicket:
    """A message about money, the facts that the shop's records hold, and the right action with its amount."""

    text: str
    customer: Customer
    facts: dict[str, Any]
    action: str
    amount: float

    def truth(self) -> dict[str, Any]:
        return {"action": self.action, "amount": self.amount, "currency": self.customer.currency}


@cache
def world() -> dict[str, Any]:
    """The phrases, slots and answers of `world/tickets.toml`."""
    return tomllib.loads(files("bot.demo").joinpath("world/tickets.toml").read_text(encoding="utf-8"))


def labels() -> list[str]:
    return list(world()["intents"])


def tickets(seed: int, count: int, *, early: bool = False) -> Iterator[Ticket]:
    """`count` tickets to be sorted by intent."""
    rng = Random(f"tickets-{seed}-{early}")  # noqa: S311 - a reproducible world, not a secret
    for _ in range(count):
        customer = _customer(rng)
        label = rng.choice(labels())
        yield Ticket(_framed(rng, _core(rng, label, early), customer), customer, label)


def refund_tickets(seed: int, count: int, *, early: bool = False) -> Iterator[RefundTicket]:
    """`count` tickets to be answered with an action and an amount."""
    rng = Random(f"refunds-{seed}-{early}")  # noqa: S311 - a reproducible world, not a secret
    for _ in range(count):
        yield _refund_ticket(rng, early)


def _customer(rng: Random) -> Customer:
    number = rng.randrange(900)
    # Drawn from the number, so that a customer who writes twice is the same person.
    person = Random(f"customer-{number}")  # noqa: S311 - a reproducible world, not a secret
    cohort, currency, typo_rate = person.choices(
        [("eu-consumer", "EUR", 0.02), ("us-consumer", "USD", 0.035), ("eu-business", "EUR", 0.005)], [5, 3, 2]
    )[0]
    return Customer(f"customer-{number}", person.choice(world()["frame"]["names"]), cohort, currency, typo_rate)


def _core(rng: Random, label: str, early: bool) -> str:
    vague = [group["phrases"] for group in world()["vague"] if label in group["intents"]]
    phrases = vague[0] if vague and rng.random() < _VAGUE else _in_use(world()["intents"][label], early)
    sentences = [rng.choice(phrases)]
    if rng.random() < _ASIDE:
        other = rng.choice([name for name in labels() if name != label])
        contrast = rng.choice(world()["frame"]["contrasts"])
        sentences.insert(rng.randrange(2), contrast.replace("{topic}", world()["intents"][other]["topic"]))
    return " ".join(sentences)


def _in_use(intent: dict[str, Any], early: bool) -> list[str]:
    phrases: list[str] = intent["phrases"]
    return phrases[:-_LATER_PHRASES] if early else phrases


def _framed(rng: Random, core: str, customer: Customer, sums: dict[str, str] | None = None) -> str:
    frame = world()["frame"]
    small_talk = rng.choice(frame["small_talk"]) if rng.random() < _SMALL_TALK else ""
    parts = [rng.choice(frame["greetings"]), small_talk, core, rng.choice(frame["closings"])]
    slots = {name: rng.choice(values) for name, values in world()["slots"].items()}
    slots |= {"order": f"#{rng.randrange(10000, 99999)}", "name": customer.name} | (sums or {})
    text = " ".join(part for part in parts if part).format(**slots)
    return MARK + _mistyped(rng, text, customer.typo_rate)


def _mistyped(rng: Random, text: str, rate: float) -> str:
    """Drop, double or swap letters, each with probability `rate`; sums are typed with care."""
    typed: list[str] = []
    for char in text:
        if not char.isalpha() or rng.random() >= rate:
            typed.append(char)
            continue
        match rng.randrange(3):
            case 0:
                pass
            case 1:
                typed.append(char * 2)
            case _:
                typed.insert(max(len(typed) - 1, 0), char)
    return "".join(typed)


def _refund_ticket(rng: Random, early: bool) -> RefundTicket:
    customer = _customer(rng)
    kind = rng.choices(list(world()["refunds"]), [5, 5, 3, 3, 4, 2])[0]
    business = customer.cohort == "eu-business"
    price = round(rng.lognormvariate(8.0, 1.0) if business else rng.lognormvariate(3.9, 0.6), 2)
    shipping = round(rng.choice([4.9, 6.5, 9.9, 14.0]) * (12 if business else 1), 2)
    total = round(price * rng.choice([1.0, 1.6, 2.2, 3.5]) + shipping, 2)
    days, months = rng.randrange(2, 60), rng.randrange(2, 9)
    action, amount = _right_action(kind, days, price=price, shipping=shipping, total=total)
    sums = {
        name: _written(rng, value, customer.currency)
        for name, value in [("price", price), ("shipping", shipping), ("total", total)]
    }
    text = _framed(
        rng,
        rng.choice(_in_use(world()["refunds"][kind], early)),
        customer,
        sums | {"days": str(days), "months": str(months)},
    )
    facts = {
        "order_total": total,
        "is_new_user": rng.random() < 0.08,
        "affects_multiple_users": True if rng.random() < 0.01 else None,
        "payout": "bank_transfer" if rng.random() < 0.1 else "card",
    }
    return RefundTicket(text, customer, facts, action, amount)


def _right_action(kind: str, days: int, *, price: float, shipping: float, total: float) -> tuple[str, float]:
    match kind:
        case "whole":
            return "refund", total
        case "item":
            return "refund", price
        case "shipping":
            return "refund", shipping
        case "late_return":
            return "decline", 0.0
        case "broken_after_days" if days <= RETURN_DAYS:
            return "refund", price
        case _:
            return "replace", 0.0


def _written(rng: Random, amount: float, currency: str) -> str:
    """A sum as people type it; now and then without its mark, rounded, or in thousands."""
    if amount >= 1000 and rng.random() < 0.05:
        return f"{amount / 1000:.1f}k {currency}"
    if rng.random() < 0.03:
        return f"about {amount:.0f} {currency}"
    digits = f"{amount:,.2f}"
    if rng.random() < 0.02:
        return f"{amount:.0f}"
    if currency == "USD":
        return rng.choice([f"${digits}", f"{digits} USD"])
    european = digits.translate(str.maketrans(",.", ".,"))
    return rng.choice([f"{european} €", f"{european} EUR", f"EUR {digits}"])
