"""Numbers without gaps in commit order, whatever happens at once; what is posted goes with its transaction, or not at all."""

import random
import threading
import uuid

import pytest
from django.db import connection
from django.db import transaction as database

from domain import mailbox
from domain.accounts.models import User
from domain.mailbox import posting, queries
from domain.mailbox.facts import News
from tests.domain.people import at_once, head, kinds, letters, someone

WRITERS = 32
POSTS_EACH = 8


class ChangedTheirMind(Exception):
    pass


def post_and_fail(person: User) -> None:
    with mailbox.transaction():
        mailbox.post("graph.changed", to=[person.id], step="in vain")
        mailbox.tell("graph.delta", to=[person.id])
        raise ChangedTheirMind


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[News]:
    """What the listeners are told, beside the doorbell."""
    heard: list[News] = []
    monkeypatch.setattr(posting, "_listeners", [*posting._listeners, heard.append])
    return heard


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_and_no_reader_sees_one_before_the_number_below_it() -> None:
    ada, bob = someone("ada"), someone("bob")
    writing = threading.Event()
    writing.set()

    def write(seed: int) -> int:
        dice, committed = random.Random(seed), 0
        for _ in range(POSTS_EACH):
            try:
                with mailbox.transaction():
                    mailbox.post("graph.changed", to=dice.sample([ada.id, bob.id], 2))
                    if dice.random() < 0.3:
                        raise ChangedTheirMind
                committed += 1
            except ChangedTheirMind:
                pass
        return committed

    def read() -> list[int]:
        seen: list[int] = []
        done = False
        while not done:
            done = not writing.is_set()
            seen += [letter.seq for letter in queries.letters(ada.id, after=seen[-1] if seen else 0, limit=50)]
        return seen

    reader: list[list[int]] = []
    reading = threading.Thread(target=lambda: (reader.append(read()), connection.close()))
    reading.start()
    try:
        committed = at_once([lambda seed=seed: write(seed) for seed in range(WRITERS)])  # type: ignore[misc]
    finally:
        writing.clear()
        reading.join(timeout=30)
    total = sum(committed)
    assert 0 < total < WRITERS * POSTS_EACH
    assert reader[0] == list(range(1, total + 1))
    for person in (ada, bob):
        assert [letter.seq for letter in letters(person)] == list(range(1, total + 1))
        assert head(person) == total


@pytest.mark.django_db(transaction=True)
def test_two_who_post_to_the_same_people_in_opposite_order_do_not_deadlock() -> None:
    people = [someone().id for _ in range(6)]

    def post_to(order: list[uuid.UUID]) -> None:
        for _ in range(25):
            with mailbox.transaction():
                for person in order:
                    mailbox.post("graph.changed", to=[person])

    assert at_once([lambda: post_to(people), lambda: post_to(people[::-1])] * 3) == [None] * 6
    assert set(queries.heads(people).values()) == {150}


@pytest.mark.django_db(transaction=True)
def test_nested_transactions_number_once_and_announce_once_after_the_commit(announced: list[News]) -> None:
    ada, bob = someone("ada"), someone("bob")
    with mailbox.transaction():
        mailbox.post("graph.changed", to=[ada.id], step=1)
        with mailbox.transaction():
            mailbox.post("graph.changed", to=[bob.id, ada.id], step=2)
        assert announced == []
        assert head(ada) == 0
        mailbox.post("graph.changed", to=[ada.id], step=3)
    assert [letter.refs["step"] for letter in letters(ada)] == [1, 2, 3]
    assert [letter.refs["step"] for letter in letters(bob)] == [2]
    assert len(announced) == 1
    assert sorted((letter.owner_id, letter.seq) for letter in announced[0].letters) == sorted(
        [(ada.id, 1), (ada.id, 2), (ada.id, 3), (bob.id, 1)]
    )


@pytest.mark.django_db(transaction=True)
def test_an_inner_transaction_that_fails_takes_only_its_own_posts_with_it(announced: list[News]) -> None:
    ada = someone("ada")
    with mailbox.transaction():
        mailbox.post("graph.changed", to=[ada.id], step="before")
        with pytest.raises(ChangedTheirMind):
            post_and_fail(ada)
        mailbox.post("graph.changed", to=[ada.id], step="after")
    assert [(letter.seq, letter.refs["step"]) for letter in letters(ada)] == [(1, "before"), (2, "after")]
    assert [news.words for news in announced] == [()]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_fails_posts_nothing_and_leaves_nothing_for_the_next_one(announced: list[News]) -> None:
    ada = someone("ada")
    with pytest.raises(ChangedTheirMind):
        post_and_fail(ada)
    assert (head(ada), letters(ada), announced) == (0, [], [])
    with mailbox.transaction():
        mailbox.post("profile.updated", to=[ada.id])
    assert kinds(ada) == ["profile.updated"]


@pytest.mark.django_db
def test_posting_outside_of_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError):
        mailbox.post("graph.changed", to=[someone().id])
    with pytest.raises(RuntimeError), database.atomic():
        mailbox.post("graph.changed", to=[someone().id])


@pytest.mark.django_db(transaction=True)
def test_a_person_who_was_deleted_meanwhile_gets_nothing_and_harms_nobody() -> None:
    ada, gone = someone("ada"), someone("gone")
    User.objects.filter(id=gone.id).delete()
    with mailbox.transaction():
        mailbox.post("graph.changed", to=[gone.id, ada.id])
    assert kinds(ada) == ["graph.changed"]


@pytest.mark.django_db
def test_one_person_named_twice_is_told_once_and_nobody_at_all_is_fine() -> None:
    ada = someone("ada")
    with mailbox.transaction():
        mailbox.post("graph.changed", to=[ada.id, ada.id])
        mailbox.post("graph.changed", to=[])
    assert kinds(ada) == ["graph.changed"]


@pytest.mark.django_db(transaction=True)
def test_a_word_goes_at_once_outside_of_a_transaction_and_with_the_commit_inside(announced: list[News]) -> None:
    ada = someone("ada")
    mailbox.tell("capture.progress", to=[ada.id], fraction=0.5)
    assert [news.words[0].data for news in announced] == [{"fraction": 0.5}]
    with mailbox.transaction():
        mailbox.tell("capture.progress", to=[ada.id], fraction=0.75)
        assert len(announced) == 1
    assert [news.words[0].data for news in announced] == [{"fraction": 0.5}, {"fraction": 0.75}]
    assert (head(ada), letters(ada)) == (0, [])
