"""The demo's small models: which intent, which action, which of the sums. Trained with scikit-learn.

Only `make_decisions` imports this; the running demo reads what it wrote. The models are small on purpose and make
their own mistakes: the bag of words falls for words that point the wrong way, and the reader of sums takes "12.4k"
for 124.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from bot.demo.tickets import RefundTicket

_SUM = re.compile(r"(?P<before>\$|EUR )?(?P<digits>\d[\d.,]*\d|\d)(?P<after>k? ?(?:€|EUR|USD))?")
_WINDOW = 4


@dataclass(frozen=True, slots=True)
class Guess:
    """One possible output and the probability that the model gives it, 0..1."""

    output: Any
    confidence: float


class TextClassifier:
    """Bag of words and word pairs, logistic regression."""

    def __init__(self, texts: Sequence[str], labels: Sequence[str]) -> None:
        self._pipeline: Any = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=300.0, max_iter=1000)
        )
        self._pipeline.fit(texts, labels)

    def guesses(self, text: str) -> list[Guess]:
        """Every label, the likeliest first."""
        probabilities = self._pipeline.predict_proba([text])[0]
        return _likeliest_first(
            Guess(str(c), float(p)) for c, p in zip(self._pipeline.classes_, probabilities, strict=True)
        )


class RefundReader:
    """Chooses an action from the words and, for a refund, one of the sums that the text names."""

    def __init__(self, tickets: Sequence[RefundTicket]) -> None:
        self._actions = TextClassifier([ticket.text for ticket in tickets], [ticket.action for ticket in tickets])
        refunds = [ticket for ticket in tickets if ticket.action == "refund"]
        examples = [(named, named.amount == ticket.amount) for ticket in refunds for named in sums_in(ticket.text)]
        self._pointer: Any = make_pipeline(DictVectorizer(), LogisticRegression(C=3.0, max_iter=1000))
        self._pointer.fit([named.features for named, _ in examples], [right for _, right in examples])

    def guesses(self, text: str) -> list[Guess]:
        """Actions with amount and currency, the likeliest first; a refund appears once for each sum in the text.

        A refund for which no sum was found has the amount 0.
        """
        currency = "USD" if re.search(r"\$|USD", text) else "EUR"
        return _likeliest_first(
            Guess(
                {"action": action.output, "amount": amount.output, "currency": currency},
                action.confidence * amount.confidence,
            )
            for action in self._actions.guesses(text)
            for amount in (self._amounts(text) if action.output == "refund" else [Guess(0.0, 1.0)])
        )

    def _amounts(self, text: str) -> list[Guess]:
        named = sums_in(text)
        if not named:
            return [Guess(0.0, 1.0)]
        scores = [float(score) for score in self._pointer.predict_proba([one.features for one in named])[:, 1]]
        return [Guess(one.amount, score / sum(scores)) for one, score in zip(named, scores, strict=True)]


@dataclass(frozen=True, slots=True)
class NamedSum:
    """A sum that a text names, with what its neighbourhood tells the pointer."""

    amount: float
    features: dict[str, float]


def sums_in(text: str) -> list[NamedSum]:
    """The sums of money in a text: numbers with a currency mark or with two decimals."""
    found = [match for match in _SUM.finditer(text) if match["before"] or match["after"] or _decimal(match["digits"])]
    amounts = [_parsed(match["digits"]) for match in found]
    return [
        NamedSum(
            amount, _neighbours(text, match) | {"share": amount / (max(amounts) or 1.0), "count": float(len(found))}
        )
        for match, amount in zip(found, amounts, strict=True)
    ]


def _decimal(digits: str) -> bool:
    return re.search(r"[.,]\d\d$", digits) is not None


def _parsed(digits: str) -> float:
    """The last separator is the decimal one when two digits follow it, as in "1.240,50" and "1,240.50"."""
    plain = re.sub(r"[.,]", "", digits)
    return int(plain) / 100 if _decimal(digits) else float(int(plain))


def _neighbours(text: str, match: re.Match[str]) -> dict[str, float]:
    before = re.findall(r"\w+", text[: match.start()].lower())[-_WINDOW:]
    after = re.findall(r"\w+", text[match.end() :].lower())[:_WINDOW]
    return {f"before {word}": 1.0 for word in before} | {f"after {word}": 1.0 for word in after}


def _likeliest_first(guesses: Any) -> list[Guess]:
    return sorted(guesses, key=lambda guess: -guess.confidence)
