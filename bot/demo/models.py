"""The demo's small models: which intent, which action, which of the sums. Trained with scikit-learn.

Only `make_decisions` imports this; the running demo reads what it wrote. The models are small on purpose and make
their own mistakes: the bag of words falls for words that point the wrong way, and the reader of sums takes "12.4k"
for 124.

scikit-learn takes seconds to import, which whoever trains nothing need not pay: the functions that train import it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

        self._pipeline = _trained(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), 300.0, texts, labels)

    def guesses(self, texts: Sequence[str]) -> list[list[Guess]]:
        """For each text every label, the likeliest first."""
        labels = [str(label) for label in self._pipeline.classes_]
        return [
            _likeliest_first(Guess(label, float(p)) for label, p in zip(labels, probabilities, strict=True))
            for probabilities in self._pipeline.predict_proba(texts)
        ]


class RefundReader:
    """Chooses an action from the words and, for a refund, one of the sums that the text names."""

    def __init__(self, tickets: Sequence[RefundTicket]) -> None:
        from sklearn.feature_extraction import DictVectorizer  # noqa: PLC0415

        self._actions = TextClassifier([ticket.text for ticket in tickets], [ticket.action for ticket in tickets])
        refunds = [ticket for ticket in tickets if ticket.action == "refund"]
        examples = [(named, named.amount == ticket.amount) for ticket in refunds for named in sums_in(ticket.text)]
        self._pointer = _trained(
            DictVectorizer(), 3.0, [named.features for named, _ in examples], [right for _, right in examples]
        )

    def guesses(self, texts: Sequence[str]) -> list[list[Guess]]:
        """For each text actions with amount and currency, the likeliest first; a refund appears once for each sum.

        A refund for which no sum was found has the amount 0.
        """
        return [self._of(text, actions) for text, actions in zip(texts, self._actions.guesses(texts), strict=True)]

    def _of(self, text: str, actions: Sequence[Guess]) -> list[Guess]:
        currency = "USD" if re.search(r"\$|USD", text) else "EUR"
        return _likeliest_first(
            Guess(
                {"action": action.output, "amount": amount.output, "currency": currency},
                action.confidence * amount.confidence,
            )
            for action in actions
            for amount in (self._amounts(text) if action.output == "refund" else [Guess(0.0, 1.0)])
        )

    def _amounts(self, text: str) -> list[Guess]:
        named = sums_in(text)
        if not named:
            return [Guess(0.0, 1.0)]
        scores = [float(score) for score in self._pointer.predict_proba([one.features for one in named])[:, 1]]
        return [Guess(one.amount, score / sum(scores)) for one, score in zip(named, scores, strict=True)]


def _trained(vectorizer: Any, c: float, examples: Sequence[Any], answers: Sequence[Any]) -> Any:
    """A pipeline with logistic regression; `c` is the inverse of how strongly it is kept simple."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    pipeline: Any = make_pipeline(vectorizer, LogisticRegression(C=c, max_iter=1000))
    return pipeline.fit(examples, answers)


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
