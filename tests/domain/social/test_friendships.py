"""What two people can be to each other, and who may change it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from domain.accounts.models import User
from domain.errors import AlreadyFriends, AlreadyRequested, Conflict, DomainError, FriendsSelf, NotFound
from domain.social import queries, services
from domain.social.models import Friendship, Status
from tests.domain.people import at_once, befriend, kinds, letters, someone

ROUNDS = 20


@pytest.fixture
def ada(db: None) -> User:
    return someone("ada")


@pytest.fixture
def bob(db: None) -> User:
    return someone("bob")


@pytest.fixture
def cyd(db: None) -> User:
    return someone("cyd")


def status_of(one: User, other: User) -> str | None:
    return queries.between(one.id, other.id).values_list("status", flat=True).first()


def days_pass(days: float) -> None:
    Friendship.objects.update(updated_at=timezone.now() - timedelta(days=days))


def test_a_request_is_pending_and_both_are_told(ada: User, bob: User) -> None:
    asked = services.request_friendship(ada, bob)
    assert (asked.status, asked.from_user_id, asked.to_user_id) == (Status.PENDING, ada.id, bob.id)
    assert kinds(ada) == kinds(bob) == ["friends.requested"]
    assert not queries.are_friends(ada.id, bob.id)


def test_an_accepted_request_makes_friends_both_ways(ada: User, bob: User) -> None:
    asked = services.request_friendship(ada, bob)
    assert services.respond(bob, asked.id, "accept").status == Status.ACCEPTED
    assert queries.are_friends(ada.id, bob.id)
    assert queries.are_friends(bob.id, ada.id)
    assert (queries.friend_ids(ada.id), queries.friend_ids(bob.id)) == ({bob.id}, {ada.id})
    assert kinds(ada) == kinds(bob) == ["friends.requested", "friends.accepted"]


def test_accepting_twice_is_accepting_once(ada: User, bob: User) -> None:
    asked = services.request_friendship(ada, bob)
    services.respond(bob, asked.id, "accept")
    assert services.respond(bob, asked.id, "accept").status == Status.ACCEPTED
    assert kinds(ada) == ["friends.requested", "friends.accepted"]


def test_nobody_asks_themselves_nor_blocks_themselves(ada: User) -> None:
    with pytest.raises(FriendsSelf):
        services.request_friendship(ada, ada)
    with pytest.raises(FriendsSelf):
        services.block(ada, ada)


def test_a_repeated_request_is_refused_and_makes_no_second_row(ada: User, bob: User) -> None:
    services.request_friendship(ada, bob)
    with pytest.raises(AlreadyRequested):
        services.request_friendship(ada, bob)
    assert queries.between(ada.id, bob.id).count() == 1
    assert kinds(bob) == ["friends.requested"]


@pytest.mark.parametrize("by_bob", [False, True])
def test_friends_are_not_asked_again(ada: User, bob: User, by_bob: bool) -> None:
    befriend(ada, bob)
    with pytest.raises(AlreadyFriends):
        services.request_friendship(*((bob, ada) if by_bob else (ada, bob)))


def test_two_who_ask_each_other_are_friends_at_once(ada: User, bob: User) -> None:
    services.request_friendship(ada, bob)
    assert services.request_friendship(bob, ada).status == Status.ACCEPTED
    assert queries.are_friends(ada.id, bob.id)
    assert kinds(ada) == kinds(bob) == ["friends.requested", "friends.accepted"]


def test_a_rejected_one_waits_a_day_before_asking_again(ada: User, bob: User) -> None:
    asked = services.request_friendship(ada, bob)
    services.respond(bob, asked.id, "reject")
    with pytest.raises(AlreadyRequested) as refused:
        services.request_friendship(ada, bob)
    assert refused.value.retry_after == pytest.approx(timedelta(days=1).total_seconds(), abs=60)
    days_pass(1.01)
    assert services.request_friendship(ada, bob).status == Status.PENDING
    assert kinds(bob) == ["friends.requested", "friends.rejected", "friends.requested"]


def test_who_rejected_may_ask_at_any_time(ada: User, bob: User) -> None:
    services.respond(bob, services.request_friendship(ada, bob).id, "reject")
    asked = services.request_friendship(bob, ada)
    assert (asked.status, asked.from_user_id) == (Status.PENDING, bob.id)


@pytest.mark.parametrize("action", ["accept", "reject"])
def test_only_the_one_who_was_asked_answers(ada: User, bob: User, cyd: User, action: str) -> None:
    asked = services.request_friendship(ada, bob)
    with pytest.raises(Conflict):
        services.respond(ada, asked.id, action)
    with pytest.raises(NotFound):
        services.respond(cyd, asked.id, action)
    with pytest.raises(NotFound):
        services.respond(cyd, uuid4(), action)
    assert status_of(ada, bob) == Status.PENDING


def test_an_answered_request_is_not_answered_otherwise(ada: User, bob: User) -> None:
    asked = services.request_friendship(ada, bob)
    services.respond(bob, asked.id, "accept")
    with pytest.raises(Conflict):
        services.respond(bob, asked.id, "reject")


def test_a_stranger_ends_nobodys_friendship(ada: User, bob: User, cyd: User) -> None:
    friendship = befriend(ada, bob)
    with pytest.raises(NotFound):
        services.unfriend(cyd, friendship_id=friendship.id)
    with pytest.raises(NotFound):
        services.unfriend(cyd, user_id=ada.id)
    with pytest.raises(NotFound):
        services.respond(cyd, friendship.id, "block")
    assert queries.are_friends(ada.id, bob.id)


@pytest.mark.parametrize("by_friendship", [False, True])
def test_unfriending_takes_either_id_and_tells_each_of_the_other(ada: User, bob: User, by_friendship: bool) -> None:
    friendship = befriend(ada, bob)
    services.unfriend(bob, **({"friendship_id": friendship.id} if by_friendship else {"user_id": ada.id}))
    assert status_of(ada, bob) is None
    for person, other in ((ada, bob), (bob, ada)):
        removed, entries = letters(person)
        assert (removed.kind, removed.refs) == ("friends.removed", {"friendship_id": str(friendship.id), "user_id": str(other.id)})
        assert (entries.kind, entries.refs) == ("feed.entry_removed", {"owner_id": str(other.id)})


def test_a_request_that_was_taken_back_can_no_longer_be_accepted(ada: User, bob: User) -> None:
    asked = services.request_friendship(ada, bob)
    services.unfriend(ada, user_id=bob.id)
    with pytest.raises(NotFound):
        services.respond(bob, asked.id, "accept")
    assert kinds(bob) == ["friends.requested", "friends.removed"]


def test_the_database_keeps_one_row_a_pair_and_none_for_one_person(ada: User, bob: User) -> None:
    befriend(ada, bob)
    for one, other in ((ada, bob), (bob, ada), (ada, ada)):
        with pytest.raises(IntegrityError), transaction.atomic():
            befriend(one, other)


@pytest.mark.django_db(transaction=True)
def test_requests_that_cross_at_the_same_moment_make_friends_with_one_row() -> None:
    for _ in range(ROUNDS):
        one, other = someone(), someone()
        results = at_once(
            [
                lambda one=one, other=other: services.request_friendship(one, other),  # type: ignore[misc]
                lambda one=one, other=other: services.request_friendship(other, one),  # type: ignore[misc]
            ]
        )
        assert all(isinstance(result, Friendship) for result in results), results
        assert [row.status for row in queries.between(one.id, other.id)] == [Status.ACCEPTED]
        assert kinds(one) == kinds(other) == ["friends.requested", "friends.accepted"]


@pytest.mark.django_db(transaction=True)
def test_whatever_two_people_do_at_once_is_done_or_refused_and_leaves_at_most_one_row() -> None:
    for _ in range(ROUNDS):
        one, other = someone(), someone()
        asked = services.request_friendship(one, other)
        results = at_once(
            [
                lambda other=other, asked=asked: services.respond(other, asked.id, "accept"),  # type: ignore[misc]
                lambda one=one, asked=asked: services.unfriend(one, friendship_id=asked.id),  # type: ignore[misc]
                lambda one=one, other=other: services.block(other, one),  # type: ignore[misc]
                lambda one=one, other=other: services.request_friendship(one, other),  # type: ignore[misc]
            ]
        )
        surprises = [result for result in results if isinstance(result, Exception) and not isinstance(result, DomainError)]
        assert not surprises
        assert queries.between(one.id, other.id).count() <= 1
