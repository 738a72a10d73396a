"""A block looks like being unfriended, and leaves nothing of the blocker to be found."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from consumers.friends import (
    ByEitherId,
    ByFriendCode,
    ByUser,
    Parting,
    Response,
    Somebody,
    look_up,
    request,
    respond,
    unblock,
    unfriend,
    unfriend_by_either_id,
)
from consumers.friends import block as block_operation
from domain.accounts.models import User
from domain.dex import queries as dex
from domain.dex.models import Visibility
from domain.errors import Conflict, NotFound
from domain.social import queries, services
from domain.social.models import Status
from realtime.events import render_letters
from realtime.operations import Caller
from tests.domain.people import animal, befriend, catch, kinds, letters, someone

pytestmark = pytest.mark.django_db

Relation = Callable[[User, User], object]


def strangers(ada: User, bob: User) -> None:
    pass


def ada_asked(ada: User, bob: User) -> None:
    services.request_friendship(ada, bob)


def bob_asked(ada: User, bob: User) -> None:
    services.request_friendship(bob, ada)


def bob_rejected(ada: User, bob: User) -> None:
    services.respond(bob, services.request_friendship(ada, bob).id, "reject")


RELATIONS: list[Relation] = [strangers, ada_asked, bob_asked, bob_rejected, befriend]


@pytest.mark.parametrize("relation", RELATIONS)
def test_anybody_can_be_blocked_and_is_not_found_in_any_way_afterwards(relation: Relation) -> None:
    ada, bob = someone("ada"), someone("bob")
    entry = catch(ada, animal(), Visibility.PUBLIC)
    relation(ada, bob)
    row = services.block(ada, bob)
    assert queries.friendships(ada.id, status=Status.BLOCKED).count() == 1
    caller = Caller(user=bob)
    tries: list[Callable[[], object]] = [
        lambda: look_up(caller, ByFriendCode(friend_code=ada.friend_code)),
        lambda: request(caller, Somebody(friend_code=ada.friend_code)),
        lambda: request(caller, Somebody(user_id=ada.id)),
        lambda: respond(caller, Response(friendship_id=row.id, action="accept")),
        lambda: respond(caller, Response(friendship_id=row.id, action="block")),
        lambda: unfriend(caller, Parting(friendship_id=row.id)),
        lambda: unfriend(caller, Parting(user_id=ada.id)),
        lambda: unfriend_by_either_id(caller, ByEitherId(either_id=row.id)),
        lambda: unfriend_by_either_id(caller, ByEitherId(either_id=ada.id)),
        lambda: block_operation(caller, ByUser(user_id=ada.id)),
        lambda: unblock(caller, ByUser(user_id=ada.id)),
        lambda: services.request_friendship(bob, ada),
        lambda: services.block(bob, ada),
        lambda: dex.entry(bob.id, entry.id),
        lambda: dex.of_owner(bob.id, ada.id, before=None, limit=10),
        lambda: queries.visible(bob.id, row.id),
    ]
    for attempt in tries:
        with pytest.raises(NotFound):
            attempt()
    assert dex.feed(bob.id, before=None, limit=10) == []
    for status in (Status.PENDING, Status.ACCEPTED, Status.REJECTED):
        assert not queries.friendships(bob.id, status=status).exists()


def test_to_the_blocked_one_it_looks_exactly_like_being_unfriended() -> None:
    ada, bob, cyd = someone("ada"), someone("bob"), someone("cyd")
    befriend(ada, bob)
    befriend(ada, cyd)
    services.block(ada, bob)
    services.unfriend(ada, user_id=cyd.id)

    def told(person: User) -> list[tuple[str, set[str], object]]:
        return [(letter.kind, set(letter.refs), letter.refs.get("owner_id")) for letter in letters(person)]

    assert told(bob) == told(cyd)
    assert kinds(bob) == ["friends.removed", "feed.entry_removed"]


def test_a_stranger_who_is_blocked_hears_nothing() -> None:
    ada, bob = someone("ada"), someone("bob")
    services.block(ada, bob)
    services.block(ada, bob)
    assert kinds(ada) == kinds(bob) == []


def test_only_the_blocker_lifts_the_block_and_then_the_two_are_strangers() -> None:
    ada, bob, cyd = someone("ada"), someone("bob"), someone("cyd")
    services.block(ada, bob)
    for other in (bob, cyd):
        with pytest.raises(NotFound):
            services.unblock(other, ada.id)
    with pytest.raises(Conflict):
        services.request_friendship(ada, bob)
    services.unblock(ada, bob.id)
    with pytest.raises(NotFound):
        services.unblock(ada, bob.id)
    assert services.request_friendship(bob, ada).status == Status.PENDING


def test_an_old_request_is_no_longer_told_once_there_is_a_block() -> None:
    ada, bob = someone("ada"), someone("bob")
    services.request_friendship(ada, bob)
    services.block(ada, bob)
    frames = render_letters(letters(bob))
    assert b"mailbox.withheld" in frames[0]
    assert not any(b'"status":"blocked"' in frame for frame in frames)


def test_a_code_of_nobody_is_refused_as_a_blockers_code_is() -> None:
    ada, bob = someone("ada"), someone("bob")
    services.block(ada, bob)
    refusals = []
    for code in (ada.friend_code, "ZZZZZZZZ", "--", someone("gone", is_active=False).friend_code):
        with pytest.raises(NotFound) as refused:
            queries.person_by_friend_code(bob.id, code)
        refusals.append((refused.value.code, str(refused.value)))
    assert len(set(refusals)) == 1


def test_a_friend_code_is_found_however_it_is_typed() -> None:
    ada, bob = someone("ada"), someone("bob")
    code = ada.friend_code
    for typed in (code, code.lower(), f" {code[:4]}-{code[4:]} "):
        assert queries.person_by_friend_code(bob.id, typed).id == ada.id


def test_blocking_somebody_who_does_not_exist_is_not_found() -> None:
    caller = Caller(user=someone())
    nobody: UUID = uuid4()
    with pytest.raises(NotFound):
        block_operation(caller, ByUser(user_id=nobody))
