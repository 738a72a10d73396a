"""Rings the people concerned once a change is committed: through Redis, to whichever process has their sockets.

The row is the message; what is rung here may be lost, and is then read from the mailbox. Frames that are small travel along.
"""

import functools
import logging
from collections.abc import Iterable, Mapping
from uuid import UUID

import redis
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.db import DatabaseError

from domain.mailbox.facts import Letter, News
from realtime import events
from realtime.clients import redis_client
from realtime.groups import group_channel, user_group

log = logging.getLogger(__name__)

# Larger frames are cheaper to read once from PostgreSQL than to carry to every process.
CARRIED_BYTES = 4096
LETTER = "mailbox.letter"
WORD = "mailbox.word"
TIMEOUT_S = 2.0

Message = Mapping[str, object]


def ring(news: News) -> None:
    """Rings everybody that this transaction concerns and who has a socket somewhere; one round trip to ask, one to ring."""
    people = [letter.owner_id for letter in news.letters] + [person for word in news.words for person in word.to]
    if not people:
        return
    try:
        there = listening(people)
        publish(_messages(news, there))
    except redis.RedisError as error:
        log.warning("Nobody was rung, Redis is away: %s", error.__class__.__name__)


def listening(people: Iterable[UUID]) -> set[UUID]:
    """Those of the people who have a socket on some process."""
    layer = _layer()
    channels = {group_channel(layer, user_group(person)): person for person in people}
    counts = _client().pubsub_numsub(*channels)
    return {channels[_text(channel)] for channel, count in counts if count}


def publish(messages: Iterable[tuple[UUID, Message]]) -> None:
    """Sends messages to people's groups as channels_redis would, all in one round trip."""
    layer = _layer()
    pipeline = _client().pipeline(transaction=False)
    for person, message in messages:
        pipeline.publish(group_channel(layer, user_group(person)), layer.serialize(message))
    pipeline.execute()


def _messages(news: News, there: set[UUID]) -> list[tuple[UUID, Message]]:
    letters = [letter for letter in news.letters if letter.owner_id in there]
    messages: list[tuple[UUID, Message]] = []
    for letter, frame in zip(letters, _frames(letters), strict=True):
        carried = frame if frame is not None and len(frame) <= CARRIED_BYTES else None
        messages.append(
            (letter.owner_id, {"type": LETTER, "to": letter.owner_id.hex, "seq": letter.seq, "kind": letter.kind, "frame": carried})
        )
    for word in news.words:
        frame = events.render_word(word)
        message = {"type": WORD, "kind": word.kind, "frame": frame, "data": dict(word.data)}
        messages.extend((person, {**message, "to": person.hex}) for person in word.to if person in there)
    return messages


def _frames(letters: list[Letter]) -> list[bytes] | list[None]:
    try:
        return events.render_letters(letters)
    except DatabaseError as error:
        log.warning("Frames were not made, they are read from the mailboxes: %s", error.__class__.__name__)
        return [None] * len(letters)


def _text(channel: bytes | str) -> str:
    return channel.decode() if isinstance(channel, bytes) else channel


def _layer() -> RedisPubSubChannelLayer:
    layer = get_channel_layer()
    if not isinstance(layer, RedisPubSubChannelLayer):
        raise TypeError("CHANNEL_LAYERS must name channels_redis' pubsub layer")
    return layer


@functools.cache
def _client() -> "redis.Redis":
    return redis_client(settings.CHANNELS_REDIS_URL, timeout_s=TIMEOUT_S)
