"""People, animals and entries for the domain's tests, and a way to let several of them act at the same moment."""

import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from django.db import connection

from domain.accounts.models import User
from domain.animals.models import Animal
from domain.animals.services import animal_of_taxon
from domain.dex.fields import EntryFields
from domain.dex.models import DexEntry, Visibility
from domain.dex.services import record_catch
from domain.mailbox import queries
from domain.mailbox.facts import Letter
from domain.social.models import Friendship, Status
from domain.taxonomy.models import Taxon

RANKS = {"kingdom": "Animalia", "phylum": "Chordata", "class_name": "Aves", "order": "Pelecaniformes", "family": "Ardeidae"}
DAY = date(2024, 5, 20)


def someone(name: str = "ada", **fields: Any) -> User:
    """An account of its own name, without a usable password."""
    username = f"{name}_{uuid.uuid4().hex[:8]}"
    return User.objects.create_user(username, f"{username}@example.org", **fields)


def taxon(name: str = "Ardea cinerea", **fields: Any) -> Taxon:
    """An accepted species of the taxonomy, not saved: what an animal takes from it is in its columns."""
    genus = name.partition(" ")[0]
    named = {
        "source": "tests",
        "source_id": name,
        "scientific_name": name,
        "canonical_name": name.lower(),
        "rank": "species",
        "genus": genus,
    }
    return Taxon(**{**named, **RANKS, **fields})


def animal(name: str = "Ardea cinerea", **fields: Any) -> Animal:
    """The animal of this species, found before or just now."""
    known = Taxon.objects.filter(source="tests", source_id=name).first() or taxon(name, **fields)
    known.save()
    return animal_of_taxon(known, created_by=None).animal


def befriend(one: User, other: User) -> Friendship:
    """A friendship as a row, of which nobody was told."""
    return Friendship.objects.create(from_user=one, to_user=other, status=Status.ACCEPTED)


def catch(owner: User, caught: Animal, visibility: str = Visibility.FRIENDS, *, day: date = DAY) -> DexEntry:
    return record_catch(owner, caught, EntryFields(catch_date=day, visibility=visibility)).entry


def letters(person: User, *, after: int = 0) -> list[Letter]:
    """What lies in somebody's mailbox."""
    return queries.letters(person.id, after=after, limit=1000)


def kinds(person: User, *, after: int = 0) -> list[str]:
    return [letter.kind for letter in letters(person, after=after)]


def head(person: User) -> int:
    return queries.standing(person.id).head


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Each work in a thread with a database connection of its own, all let go at the same moment; their results, or the exceptions they raised."""
    start = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            results[place] = work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return results
