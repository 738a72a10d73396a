"""The main job, played by two people over their sockets: friends, a photo, a species, a friend's feed and tree that change."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from biologidex.demo.screen import Screen, Step
from clients.python.biologidex_client import Account, Client, Event, UploadFailed

ANSWER_S = 20.0  # for what only the server does
JOB_S = 180.0  # for what a model does
ENDS = ("capture.identified", "capture.needs_choice", "capture.failed", "capture.cancelled")
RANKS = ("kingdom", "phylum", "class", "order", "family", "genus")

Data = Mapping[str, Any]


class StoryFailed(Exception):
    """The play cannot go on; `advice` says what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        self.advice = advice
        super().__init__(reason)


@dataclass
class Tree:
    """Bob's living tree as his screen would hold it: a snapshot, then deltas."""

    version: int
    nodes: dict[str, Data]
    edges: dict[tuple[str, str], Data]

    @classmethod
    def of(cls, parts: list[dict[str, Any]], closing: Data) -> "Tree":
        tree = cls(closing["version"], {}, {})
        for part in parts:
            tree.apply(part)
        return tree

    def apply(self, change: Data) -> None:
        """Take a part or a delta."""
        for gone in change.get("removed_nodes", ()):
            self.nodes.pop(gone, None)
        for source, target in change.get("removed_edges", ()):
            self.edges.pop((source, target), None)
        self.nodes.update({node["id"]: node for node in change.get("nodes", ())})
        self.edges.update({(edge["source"], edge["target"]): edge for edge in change.get("edges", ())})
        self.version = change.get("to", self.version)

    def __str__(self) -> str:
        animals = len(self.nodes)
        return f"{animals} animal{'' if animals == 1 else 's'}, {len(self.edges)} edges, version {self.version}"


def name_of(animal: Data) -> str:
    """`Grey heron (Ardea cinerea)`."""
    scientific, common = animal.get("scientific_name", ""), animal.get("common_name", "")
    return f"{common} ({scientific})" if common and common != scientific else scientific


def size_of(count: int) -> str:
    """A size in bytes for people."""
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count / 1000:.0f} kB"


async def play(base_url: str, photo: Path, screen: Screen) -> None:
    """Play the main job against the server at `base_url`.

    Raises StoryFailed where the photo makes no dex entry, and the client's problems where the server does not do its part.
    """
    async with AsyncExitStack() as stack:
        screen.scene("Two people")
        with screen.timed("accounts"):
            accounts = [await _register(base_url, name, screen) for name in ("ada", "bob")]
        with screen.timed("sockets"):
            ada, bob = [await stack.enter_async_context(Client(base_url, account.access)) for account in accounts]
        play = _Play(screen, ada, bob, accounts[0].username, accounts[1].username)
        await play.become_friends()
        await play.open_feed_and_tree()
        screen.scene("The photo")
        job, sent_s = await play.send(await asyncio.to_thread(photo.read_bytes), photo.name)
        found = await play.identify(job)
        screen.scene("What bob sees, without asking")
        await play.watch_bob(found, sent_s)


async def _register(base_url: str, name: str, screen: Screen) -> Account:
    username = f"{name}_{secrets.token_hex(3)}"  # new people each time, so that the play can be repeated in the same data folder
    account = await Account.register(base_url, username, f"{username}@example.org", secrets.token_urlsafe(18))
    screen.say(name, f"registered as {username}")
    return account


class _Play:
    """The two connected players, and what bob has on his screen."""

    def __init__(self, screen: Screen, ada: Client, bob: Client, ada_name: str, bob_name: str) -> None:
        self.screen = screen
        self.ada = ada
        self.bob = bob
        self.ada_name = ada_name
        self.bob_name = bob_name
        self.feed_size = 0
        self.tree = Tree(0, {}, {})

    async def become_friends(self) -> None:
        code = self.bob.ready["user"]["friend_code"]
        with self.screen.timed("friends"):
            self.screen.say("ada", f"asks the owner of friend code {code} to be friends")
            await self.ada.request("friends.request", {"friend_code": code}, timeout_s=ANSWER_S)
            asked = await self.bob.expect("friends.requested", timeout_s=ANSWER_S)
            self.screen.say("bob", f"is told that {self.ada_name} asks, and accepts")
            answer = {"friendship_id": asked.data["friendship"]["id"], "action": "accept"}
            await self.bob.request("friends.respond", answer, timeout_s=ANSWER_S)
            await self.ada.expect("friends.accepted", timeout_s=ANSWER_S)
            self.screen.say("ada", f"is told that {self.bob_name} accepted")

    async def open_feed_and_tree(self) -> None:
        with self.screen.timed("feed and tree"):
            self.feed_size = len((await self.bob.request("feed.list", {}, timeout_s=ANSWER_S))["entries"])
            parts, closing = await self.bob.request_parts("graph.open", {}, timeout_s=ANSWER_S)
            self.tree = Tree.of(parts, closing)
        self.screen.say("bob", f"opens his feed ({self.feed_size} entries) and his living tree ({self.tree})")

    async def send(self, photo: bytes, name: str) -> tuple[Data, float]:
        """Ada sends the photo: the job, and when she was told of it."""
        size = len(photo)
        self._check_size(name, size)
        chunk = self.ada.ready["limits"]["upload_chunk_bytes"]
        self.screen.say("ada", f"sends {name}, {size_of(size)}, in chunks of {size_of(chunk)} over her socket")
        began_s = time.monotonic()
        with self.screen.bar("upload") as bar:
            try:
                job = await self.ada.upload(
                    photo,
                    filename=name,
                    entry={"visibility": "friends"},
                    on_progress=lambda received, total: bar.show(received / total, f"{size_of(received)} of {size_of(total)}"),
                    timeout_s=JOB_S,
                )
            except UploadFailed as failed:
                raise StoryFailed(f"The server did not take {name}: {failed}", "Try another photo (JPEG, PNG, HEIC ...).") from failed
            bar.show(1, size_of(size))
        queued = await self.ada.expect("capture.queued", where=lambda event: event.data["job"]["id"] == job["id"])
        self.screen.steps.append(Step("upload", queued.arrived_s - began_s, f"{size_of(size)}, {-(-size // chunk)} chunks"))
        return job, queued.arrived_s

    def _check_size(self, name: str, size: int) -> None:
        most = self.ada.ready["limits"]["max_upload_bytes"]
        if size > most:
            advice = "Take a smaller picture, or raise MAX_UPLOAD_SIZE_MB."
            raise StoryFailed(f"{name} has {size_of(size)}; the server takes at most {size_of(most)}.", advice)

    async def identify(self, job: Data) -> Event:
        """Follow the job to its end, which is `capture.identified` or no success."""
        end = await self._follow(job["id"])
        if end.type == "capture.needs_choice":
            end = await self._choose(end)
        if end.type != "capture.identified":
            error = end.data.get("error", {})
            reason = f"The job ended with {error.get('code', end.type)}: {error.get('message', '')}".rstrip(": ")
            raise StoryFailed(reason, "Try another photo (JPEG, PNG, HEIC ...); the worker's log in the data folder says more.")
        if end.data.get("entry") is None:
            raise StoryFailed("The species came back, but no dex entry was made.", "This is a fault of the server: see its log.")
        self.screen.shout("ada", f"{name_of(end.data['animal'])} is in her dex")
        if end.data.get("new_species"):
            self.screen.say("ada", "is the first of all to catch it")
        return end

    async def _follow(self, job_id: str) -> Event:
        def concerns_it(event: Event) -> bool:
            mine = event.data.get("job_id", (event.data.get("job") or {}).get("id"))
            return mine == job_id and event.type in ("capture.progress", *ENDS)

        stages: list[tuple[str, float]] = [("queued", time.monotonic())]
        deadline_s = time.monotonic() + JOB_S
        with self.screen.bar("job", each_note=True) as bar:
            while True:
                left_s = max(deadline_s - time.monotonic(), 0.001)
                event = await self.ada.events.get(concerns_it, awaited="The end of the job", timeout_s=left_s)
                stage = event.data.get("stage", "done")
                if stage != stages[-1][0]:
                    stages.append((stage, event.arrived_s))
                bar.show(event.data.get("fraction", 1.0), stage)
                if event.type in ENDS:
                    break
        for (stage, began_s), (_, ended_s) in pairwise(stages):
            self.screen.steps.append(Step(f"job: {stage}", max(ended_s - began_s, 0.0)))
        return event

    async def _choose(self, end: Event) -> Event:
        """Nothing was sure enough: show the candidates and take the first, as a person would tap it."""
        candidates = end.data["candidates"]
        for candidate in candidates:
            share = f", {candidate['confidence']:.0%}" if candidate.get("confidence") else ""
            self.screen.say("ada", f"may choose {candidate['index']}: {name_of(candidate)}{share}")
        sure = next((candidate for candidate in candidates if candidate.get("confidence")), None)
        if sure is None:
            raise StoryFailed(
                "Nobody could say which animal this is.",
                "Without a model the photo's own words are read: name the file after the species (ardea_cinerea.jpg), or put its name "
                "into the photo's description or keywords, or set OPENAI_API_KEY (OPENAI_BASE_URL and OPENAI_MODEL for another server).",
            )
        self.screen.say("ada", f"chooses {name_of(sure)}")
        job_id = end.data["job"]["id"]
        await self.ada.request("capture.choose", {"job_id": job_id, "index": sure["index"]}, timeout_s=ANSWER_S)
        return await self.ada.expect("capture.identified", timeout_s=ANSWER_S, where=lambda event: event.data["job"]["id"] == job_id)

    async def watch_bob(self, found: Event, sent_s: float) -> None:
        """Bob's feed and tree change by themselves."""
        entry_id, animal = found.data["entry"]["id"], found.data["animal"]
        added = await self.bob.expect("feed.entry_added", timeout_s=ANSWER_S, where=lambda event: event.data["entry"]["id"] == entry_id)
        self.screen.shout("bob", f"feed: {self.feed_size} -> {self.feed_size + 1} entries, {self.ada_name} caught {name_of(animal)}")
        before = str(self.tree)
        grown = await self._until_in_tree(str(animal["id"]))
        self.screen.shout("bob", f"tree: {before} -> {self.tree}")
        taxonomy = self.tree.nodes.get(str(animal["id"]), {}).get("taxonomy", {})
        lineage = [taxonomy[rank] for rank in RANKS if taxonomy.get(rank)]
        if lineage:
            self.screen.say("bob", " > ".join([*lineage, str(animal.get("scientific_name", ""))]))
        self.screen.steps += [
            Step("photo to species", found.arrived_s - sent_s, "from capture.queued to ada's capture.identified"),
            Step("photo to feed", added.arrived_s - sent_s, "from capture.queued to bob's feed.entry_added"),
            Step("photo to tree", grown.arrived_s - sent_s, "from capture.queued to bob's graph.delta"),
        ]

    async def _until_in_tree(self, animal_id: str) -> Event:
        deadline_s = time.monotonic() + ANSWER_S
        while True:
            delta = await self.bob.expect("graph.delta", timeout_s=max(deadline_s - time.monotonic(), 0.001))
            if delta.data.get("reopen") or delta.data["from"] != self.tree.version:
                parts, closing = await self.bob.request_parts("graph.open", {"since": self.tree.version}, timeout_s=ANSWER_S)
                whole = closing.get("since") is None
                self.tree = Tree.of(parts, closing) if whole else self._patched(parts, closing)
            else:
                self.tree.apply(delta.data)
            if animal_id in self.tree.nodes:
                return delta

    def _patched(self, parts: list[dict[str, Any]], closing: Data) -> Tree:
        for part in parts:
            self.tree.apply(part)
        self.tree.version = closing["version"]
        return self.tree
