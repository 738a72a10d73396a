"""The main job, as two people live it."""

from biologidex.demo.sample import sample_jpeg
from tests.players import Player


async def test_a_photo_becomes_an_entry_and_a_friend_sees_it_at_once(ada: Player, bob: Player) -> None:
    await ada.befriends(bob)
    await bob.socket.request_parts("graph.open")
    end = await ada.catches(sample_jpeg(), filename="heron.jpg", entry={"visibility": "friends"})
    assert end.type == "capture.identified"
    assert end.data["animal"]["scientific_name"] == "Ardea cinerea"
    [detected] = end.data["job"]["detected_animals"]
    assert detected["animal_id"] == end.data["animal"]["id"]
    added = await bob.expect_event("feed.entry_added")
    assert added.data["entry"]["id"] == end.data["entry"]["id"]
    delta = await bob.expect_event("graph.delta")
    assert [node["scientific_name"] for node in delta.data["nodes"]] == ["Ardea cinerea"]
