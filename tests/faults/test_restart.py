"""A process that is stopped says goodbye to its sockets, and whoever comes back elsewhere has missed nothing."""

import signal
import time
from uuid import UUID

from clients.python.biologidex_client.upload import chunk_frame
from tests.players import Player
from tests.stack import Stack


async def test_sockets_of_a_stopped_process_are_told_1012_and_go_on_elsewhere(stack: Stack) -> None:
    leaving = stack.start_web("leaving")
    players = [await Player.arrives(stack.base_url, name) for name in ("ada", "bob", "cyd")]
    ada, bob, _cyd = players
    for player in players:
        await player.connects(base_url=leaving.base_url)
    began = time.monotonic()
    assert leaving.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 5
    for player in players:
        closed = await player.socket.closed
        assert closed.code == 1012
        assert closed.farewell is not None
        assert closed.farewell["code"] == 1012
    await bob.connects()
    await bob.say("friends.request", {"user_id": ada.id})
    assert ada.client is not None
    await ada.connects(resume=ada.client.resume_point)
    assert ada.socket.ready["replay"] == "complete"
    await ada.expect_event("friends.requested")
    for player in players:
        await player.leaves()


async def test_a_stopped_process_keeps_what_was_sent_of_a_photo(stack: Stack) -> None:
    leaving = stack.start_web("leaving_too")
    ada = await Player.arrives(stack.base_url, "ada")
    await ada.connects(base_url=leaving.base_url)
    begun = await ada.say("capture.begin", {"filename": "heron.jpg", "size": 50_000, "sha256": "0" * 64})

    await ada.socket.send_bytes(chunk_frame(UUID(begun["upload_id"]), 0, b"x" * 20_000))
    await ada.say("session.ping")
    leaving.stop(signal.SIGTERM)
    await ada.connects()
    assert (await ada.say("capture.resume", {"upload_id": begun["upload_id"]}))["received"] == 20_000
    await ada.leaves()
