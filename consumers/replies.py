"""How an answer becomes frames on a socket, each small enough for its reader. Knows no operation."""

from realtime import frames
from realtime.operations import Answer


def reply_frames(request_id: int | str, answer: Answer, *, max_frame: int) -> list[bytes]:
    """An answer as frames: one reply where it fits, else parts with its lists before a reply with the rest."""
    whole = answer.model_dump(mode="json")
    if not answer.in_parts:
        frame = frames.reply(request_id, frames.encode(whole))
        if len(frame) <= max_frame:
            return [frame]
    names = answer.in_parts or tuple(name for name, value in whole.items() if isinstance(value, list))
    lists = {name: [frames.encode(item) for item in whole.pop(name)] for name in names}
    parts = [frames.part(request_id, data) for data in frames.parts_of(lists, max_frame=max_frame)]
    if not answer.in_parts:
        whole |= {name: [] for name in names}
    return [*parts, frames.reply(request_id, frames.encode(whole))]
