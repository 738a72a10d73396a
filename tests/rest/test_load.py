"""Many callers at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.rest.doors import http
from tests.stack import Stack

CALLERS = 30
CALLS = 6
POOL = 20
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"


def test_many_callers_share_a_bounded_number_of_database_connections(stack: Stack) -> None:
    before = stack.sql(CONNECTIONS)[0][0]
    peak = 0

    def call(number: int) -> list[int]:
        with http(stack.base_url) as door:
            return [door.get("users/me/", headers={"Authorization": "Bearer nonsense"}).status_code for _ in range(CALLS)]

    def search(number: int) -> list[int]:
        with http(stack.base_url) as door:
            return [door.get("animals/00000000-0000-0000-0000-000000000007/").status_code for _ in range(CALLS)]

    with ThreadPoolExecutor(CALLERS) as callers:
        calling = [callers.submit(work, number) for number in range(CALLERS) for work in (call, search)]
        while not all(each.done() for each in calling):
            peak = max(peak, stack.sql(CONNECTIONS)[0][0])
    statuses = Counter(status for each in calling for status in each.result())
    assert statuses == {401: CALLERS * CALLS, 404: CALLERS * CALLS}
    # This test's own connection comes on top.
    assert peak <= before + POOL + 1
