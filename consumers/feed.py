"""The feed at the door: what one's friends catch, as a list and as it happens."""

from collections.abc import Mapping, Sequence, Set
from typing import ClassVar
from uuid import UUID

from consumers.dex import Entries, EntryThing, entries_page, entry_thing
from consumers.wire import Page
from domain.dex import queries
from domain.dex.models import DexEntry
from domain.mailbox.facts import Letter
from domain.social import queries as social
from realtime.events import EventData, Told, durable, durable_as_kept
from realtime.operations import Caller, Route, operation


class FeedEntry(EventData):
    """A friend's entry was added or changed."""

    entry: EntryThing


class FeedEntryRemoved(EventData):
    """A friend's entry is no longer to be seen; with `owner_id` alone, none of theirs is."""

    omits_null: ClassVar[bool] = True

    entry_id: UUID | None = None
    owner_id: UUID


@operation("feed.list", routes=[Route("GET", "feed/")])
def list_feed(caller: Caller, data: Page) -> Entries:
    """What one's friends caught, newest first."""
    rows = queries.feed(caller.person.id, before=data.before, limit=data.limit)
    return entries_page(rows, caller.person.id, limit=data.limit)


@durable("feed.entry_changed", FeedEntry)
@durable("feed.entry_added", FeedEntry)
def _added(letters: Sequence[Letter]) -> list[Told | None]:
    """As the reader may see it today; what they may no longer see stands as removed."""
    entries = queries.by_ids({UUID(str(letter.refs["entry_id"])) for letter in letters})
    friends = social.friends_of({entry.owner_id for entry in entries.values()})
    return [_as_seen(letter, entries.get(UUID(str(letter.refs["entry_id"]))), friends) for letter in letters]


def _as_seen(letter: Letter, entry: DexEntry | None, friends: Mapping[UUID, Set[UUID]]) -> Told:
    shown = entry is not None and letter.owner_id in friends[entry.owner_id] and entry.visibility in queries.SHOWN_TO_FRIENDS
    if entry is None or not shown:
        return Told("feed.entry_removed", FeedEntryRemoved.model_validate(dict(letter.refs)))
    return Told(letter.kind, FeedEntry(entry=entry_thing(entry, letter.owner_id)))


durable_as_kept("feed.entry_removed", FeedEntryRemoved)
