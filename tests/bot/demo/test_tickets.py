"""The made-up tickets: reproducible, marked, and with a truth that follows from the facts."""

from bot.demo.tickets import MARK, labels, refund_tickets, tickets


def test_the_same_seed_makes_the_same_tickets() -> None:
    assert list(tickets(3, 50)) == list(tickets(3, 50))
    assert list(tickets(3, 50)) != list(tickets(4, 50))
    assert list(refund_tickets(3, 50)) == list(refund_tickets(3, 50))


def test_every_text_says_that_it_is_made_up_and_has_every_slot_filled() -> None:
    texts = [one.text for one in tickets(1, 800)] + [one.text for one in refund_tickets(1, 800)]
    assert all(text.startswith(MARK) and len(text) > len(MARK) + 10 for text in texts)
    assert not any("{" in text or "}" in text for text in texts)


def test_every_intent_and_every_action_occurs() -> None:
    assert {one.label for one in tickets(1, 800)} == set(labels())
    assert {one.action for one in refund_tickets(1, 800)} == {"refund", "replace", "decline"}


def test_only_a_refund_has_an_amount_and_it_lies_within_the_order() -> None:
    for one in refund_tickets(2, 800):
        assert (one.amount > 0) == (one.action == "refund")
        assert one.amount <= one.facts["order_total"]


def test_a_customer_who_writes_again_is_the_same_person() -> None:
    people: dict[str, set[tuple[str, str]]] = {}
    for one in tickets(5, 1500):
        people.setdefault(one.customer.subject, set()).add((one.customer.name, one.customer.cohort))
    assert max(len(faces) for faces in people.values()) == 1
    assert len(people) < 1500


def test_later_tickets_use_phrases_that_early_ones_do_not() -> None:
    phrase = "Which charity gets your old lamps?"
    clean = [one.text for one in tickets(1, 4000) if one.customer.cohort == "eu-business"]
    early = [one.text for one in tickets(1, 4000, early=True) if one.customer.cohort == "eu-business"]
    assert any(phrase in text for text in clean)
    assert not any(phrase in text for text in early)
