"""What all tests share: the stack of real processes, and the cast."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.players import Player
from tests.stack import Stack, running_stack

Arrive = Callable[[str], Awaitable[Player]]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Two web processes and a worker, with the fallback method of identification; shared by all journeys of a run."""
    # Not below pytest's own folder: another run on this machine closes that to the user of PostgreSQL.
    with tempfile.TemporaryDirectory(prefix="bdx-stack-", ignore_cleanup_errors=True) as folder, running_stack(Path(folder)) as running:
        yield running


@pytest_asyncio.fixture
async def arrive(stack: Stack) -> AsyncIterator[Arrive]:
    """`await arrive("ada")`: a new account with a socket on the first web process."""
    arrived: list[Player] = []

    async def one(name: str) -> Player:
        player = await Player.arrives(stack.base_url, name)
        arrived.append(player)
        return await player.connects()

    yield one
    for player in arrived:
        await player.leaves()


@pytest_asyncio.fixture
async def ada(arrive: Arrive) -> Player:
    return await arrive("ada")


@pytest_asyncio.fixture
async def bob(arrive: Arrive) -> Player:
    return await arrive("bob")


@pytest_asyncio.fixture
async def cyd(arrive: Arrive) -> Player:
    return await arrive("cyd")
