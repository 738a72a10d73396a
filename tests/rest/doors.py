"""HTTP as a client speaks it: plain requests to a process, with or without somebody's token."""

from typing import Any

import httpx

from tests.players import Player


def http(base_url: str, player: Player | None = None, **headers: str) -> httpx.Client:
    """A client below /api/v1/."""
    bearer = {"Authorization": f"Bearer {player.account.access}"} if player else {}
    return httpx.Client(base_url=f"{base_url}/api/v1/", headers={**bearer, **headers}, trust_env=False, timeout=20)


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, which has the shape that all refusals have."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert isinstance(body, dict)
    assert body["code"] == code, body
    assert isinstance(body["detail"], str)
    assert body["detail"]
    return dict(body)
