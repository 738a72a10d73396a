"""The only place that spells a group's name."""

from uuid import UUID

from channels_redis.pubsub import RedisPubSubChannelLayer


def user_group(user_id: UUID) -> str:
    """The group of all sockets of one person."""
    return f"user.{user_id.hex}"


def group_channel(layer: RedisPubSubChannelLayer, group: str) -> str:
    """The Redis channel on which channels_redis' pubsub layer carries a group."""
    return f"{layer._kwargs.get('prefix', 'asgi')}__group__{group}"
