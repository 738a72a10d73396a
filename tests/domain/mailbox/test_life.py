"""What is kept of a mailbox and for how long, and the name of this life of its numbers."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from domain import mailbox
from domain.accounts.models import User
from domain.mailbox import queries, services
from domain.mailbox.models import Event
from tests.domain.people import at_once, letters, someone


def mailbox_of(person: User, *, old: int, new: int) -> None:
    for _ in range(old + new):
        with mailbox.transaction():
            mailbox.post("graph.changed", to=[person.id])
    Event.objects.filter(mailbox_id=person.id, seq__lte=old).update(at=timezone.now() - timedelta(days=31))


def numbers(person: User) -> list[int]:
    return [letter.seq for letter in letters(person)]


@pytest.mark.django_db
def test_the_last_events_are_kept_however_old_they_are(settings: Settings) -> None:
    settings.MAILBOX_KEEP_EVENTS = 4
    ada = someone()
    mailbox_of(ada, old=10, new=0)
    assert services.prune() == 1
    assert numbers(ada) == [7, 8, 9, 10]
    standing = queries.standing(ada.id)
    assert (standing.oldest, standing.head) == (7, 10)


@pytest.mark.django_db
def test_the_last_days_are_kept_however_many_events_they_have(settings: Settings) -> None:
    settings.MAILBOX_KEEP_EVENTS = 4
    ada = someone()
    mailbox_of(ada, old=3, new=7)
    services.prune()
    assert numbers(ada) == [4, 5, 6, 7, 8, 9, 10]
    assert queries.standing(ada.id).oldest == 4


@pytest.mark.django_db
def test_a_short_mailbox_and_an_empty_one_stay_as_they_are(settings: Settings) -> None:
    settings.MAILBOX_KEEP_EVENTS = 4
    ada, bob = someone("ada"), someone("bob")
    mailbox_of(ada, old=3, new=0)
    assert services.prune() == 0
    assert numbers(ada) == [1, 2, 3]
    standing = queries.standing(bob.id)
    assert (standing.oldest, standing.head) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_pruning_while_others_post_to_many_people_does_not_deadlock(settings: Settings) -> None:
    settings.MAILBOX_KEEP_EVENTS = 1
    settings.MAILBOX_KEEP_DAYS = 0
    people = [someone() for _ in range(8)]

    def post() -> None:
        for _ in range(20):
            with mailbox.transaction():
                mailbox.post("graph.changed", to=[person.id for person in people])

    def prune() -> None:
        for _ in range(10):
            services.prune()

    assert at_once([post, post, prune, prune]) == [None] * 4
    services.prune()
    assert [numbers(person) for person in people] == [[40]] * 8


@pytest.mark.django_db(transaction=True)
def test_the_epoch_is_the_same_on_every_connection_and_another_after_a_new_life() -> None:
    before = queries.epoch()
    assert at_once([queries.epoch] * 3) == [before] * 3
    services.begin_new_life()
    after = queries.epoch()
    assert after != before
    assert at_once([queries.epoch] * 2) == [after] * 2
