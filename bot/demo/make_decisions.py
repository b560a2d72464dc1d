"""Makes `world/decisions.jsonl`: trains the demo's models on early tickets and lets them decide on later ones.

    python -m bot.demo.make_decisions [FILE]

Needs scikit-learn, which the running demo does not. Same seed, same file: confidences are what the models say, rounded
to four digits, and nobody chose the mistakes. Each line is a decision request (without `callback_url`) plus `truth`,
the right output, and `right`, whether the model found it.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bot.demo.models import Guess, RefundReader, TextClassifier
from bot.demo.tickets import Customer, RefundTicket, Ticket, refund_tickets, tickets, world

SEED = 7
EARLY_TICKETS, EARLY_REFUNDS = 1500, 800
LATER_TICKETS, LATER_REFUNDS, LATER_REPLIES = 1700, 640, 260
MODEL = {"name": "lamp-desk", "version": "2026.11"}
SHIPPED = Path(__file__).parent / "world" / "decisions.jsonl"

Line = dict[str, Any]


def decisions(seed: int = SEED) -> Iterator[Line]:
    """Every line of the file."""
    early = list(tickets(seed, EARLY_TICKETS, early=True))
    classifier = TextClassifier([ticket.text for ticket in early], [ticket.label for ticket in early])
    reader = RefundReader(list(refund_tickets(seed, EARLY_REFUNDS, early=True)))
    later = list(tickets(seed, LATER_TICKETS + LATER_REPLIES))
    guessed = list(zip(later, classifier.guesses([ticket.text for ticket in later]), strict=True))
    for number, (ticket, guesses) in enumerate(guessed[:LATER_TICKETS], start=1):
        yield _classification(f"ticket-{number:04}", ticket, guesses)
    for number, (ticket, guesses) in enumerate(guessed[LATER_TICKETS:], start=1):
        yield _reply(f"reply-{number:04}", ticket, guesses)
    refunds = list(refund_tickets(seed, LATER_REFUNDS))
    read = zip(refunds, reader.guesses([refund.text for refund in refunds]), strict=True)
    for number, (refund, guesses) in enumerate(read, start=1):
        yield _refund(f"refund-{number:04}", refund, guesses)


def _classification(name: str, ticket: Ticket, guesses: Sequence[Guess]) -> Line:
    return _line(name, "ticket_classification", ticket.text, ticket.customer, guesses[:3], truth=ticket.label)


def _reply(name: str, ticket: Ticket, guesses: Sequence[Guess]) -> Line:
    drafts = [Guess(_draft(guess.output, ticket.customer), guess.confidence) for guess in guesses[:2]]
    article = world()["intents"][guesses[0].output]
    source = {
        "id": f"help-{guesses[0].output}",
        "title": article["title"],
        "url": f"https://help.lumenfern.example/{guesses[0].output}",
        "text": article["answer"],
    }
    truth = _draft(ticket.label, ticket.customer)
    return _line(name, "reply_draft", ticket.text, ticket.customer, drafts, truth=truth) | {"sources": [source]}


def _draft(label: str, customer: Customer) -> str:
    return f"Dear {customer.name}, {world()['intents'][label]['answer']} Your Lumenfern team"


def _refund(name: str, ticket: RefundTicket, guesses: Sequence[Guess]) -> Line:
    line = _line(name, "refund", ticket.text, ticket.customer, guesses[:3], truth=ticket.truth())
    facts = {key: fact for key, fact in ticket.facts.items() if fact is not None}
    if line["output"]["action"] == "refund" and line["output"]["amount"] == 0:
        del line["confidence"]  # no sum was found: the reader has an action, and nothing to say how sure it is
    return line | {
        "context": {"amount": line["output"]["amount"]} | facts,
        "reversible": facts["payout"] == "card",
    }


def _line(name: str, task_type: str, text: str, customer: Customer, guesses: Sequence[Guess], *, truth: Any) -> Line:
    best, *others = guesses
    return {
        "id": name,
        "task_type": task_type,
        "input": text,
        "output": best.output,
        "confidence": round(best.confidence, 4),
        "confidence_source": "classifier",
        "model": MODEL,
        "context": {},
        "reversible": True,
        "alternatives": [{"output": guess.output, "confidence": round(guess.confidence, 4)} for guess in others],
        "subject": customer.subject,
        "cohort": customer.cohort,
        "truth": truth,
        "right": best.output == truth,
    }


def main(arguments: Sequence[str]) -> None:
    path = Path(arguments[0]) if arguments else SHIPPED
    lines = list(decisions())
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    right = sum(line["right"] for line in lines) / len(lines)
    sys.stdout.write(f"{path}: {len(lines)} decisions, {len(text.encode()):,} bytes, {right:.1%} right\n")


if __name__ == "__main__":
    main(sys.argv[1:])
