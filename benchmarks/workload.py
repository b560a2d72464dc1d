"""What the benchmarks post: decisions as large as the contract's example, three rules, one in twenty to a person.

Half of those wait for their turn in the queue of the channel, half on a card.
"""

import random
from typing import Any

import orjson

APP = "bench"
REVIEWED = 20
"""One in so many is unsure and waits for a person."""

POLICY = """
version: 1
defaults:
  channel: "#ai-review"
  reviewers: {channel_members: true, users: [U0ADA]}
rules:
  - {id: big_money, when: "has(context.amount) && context.amount > 10000", risk: critical}
  - {id: mass_effect, when: "has(context.affects_multiple_users) && context.affects_multiple_users", risk: critical}
  - {id: new_user, when: "has(context.is_new_user) && context.is_new_user", at_least: high}
tasks:
  refund: {risk: medium, threshold: 0.90, channel: "#refunds"}
  label: {risk: low, threshold: 0.70, matrix: &cards
    {low: {confident: AUTO, unsure: ESCALATE}, medium: {confident: AUTO_AUDIT, unsure: ESCALATE},
     high: {confident: AUTO_AUDIT, unsure: ESCALATE}, critical: {confident: ESCALATE, unsure: ESCALATE}}}
"""

_INPUT = "I want my money back for order {order}. The parcel arrived late and two of the three cups were broken. "
_SOURCE = "Refunds are paid within 14 days when goods arrive damaged. Goodwill refunds are capped at 100."


def decision(number: int, chance: random.Random, reviewed: int = REVIEWED) -> dict[str, Any]:
    """The body of a POST; `number` makes its id and decides whether it needs a person, one in `reviewed`."""
    amount = chance.randint(5, 500)
    return {
        "id": f"refund-{number}",
        "task_type": "refund",
        "input": _INPUT.format(order=chance.randint(10_000, 99_999)) * 2,
        "output": {"action": "refund", "amount": amount, "note": "We are sorry; the money is on its way."},
        "confidence": 0.5 if number % reviewed == 0 else round(chance.uniform(0.91, 0.99), 3),
        "confidence_source": "classifier",
        "model": {"name": "refund-model", "version": "2026-10"},
        "context": {
            "amount": amount,
            "is_new_user": number % (2 * reviewed) == 0,
            "affects_multiple_users": False,
            "country": "DE",
        },
        "sources": [{"id": "kb-17", "title": "Refund policy", "url": "https://kb.example/17", "text": _SOURCE}],
        "subject": f"customer-{chance.randint(1, 5_000)}",
        "cohort": "eu-smb",
        "metadata": {"trace_id": f"{chance.getrandbits(64):016x}"},
    }


def request(number: int, chance: random.Random, host: str, key: str, reviewed: int = REVIEWED) -> bytes:
    """The same as bytes for the wire: nothing is left to do while the clock runs."""
    body = orjson.dumps(decision(number, chance, reviewed))
    head = (
        f"POST /v1/decisions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
