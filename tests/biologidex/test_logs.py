"""What a process writes: JSON lines with the request's id, and nothing that opens a door."""

import json
import re
import uuid

import httpx

from tests.players import Player
from tests.rest.doors import http
from tests.stack import Stack, wait_for

SECRET = "very-own-pass-phrase-77"
# What Python itself may say before logging is set up.
NO_JSON_ALLOWED = re.compile(r"^\s*$")


def test_every_line_is_an_object_with_its_request_and_no_secret(stack: Stack) -> None:
    quiet = stack.start_web("logged", LOG_LEVEL="DEBUG", DJANGO_SETTINGS_MODULE="biologidex.settings.testing")
    name = f"eve_{uuid.uuid4().hex[:8]}"
    secrets = [SECRET]
    try:
        with http(quiet.base_url) as door:
            made = {"username": name, "email": f"{name}@example.org", "password": SECRET, "password_confirm": SECRET}
            door.post("users/", json=made).raise_for_status()
            door.post("auth/login/", json={"username": name, "password": SECRET + "x"})
            answer = door.post("auth/login/", json={"username": name, "password": SECRET})
            pair = answer.json()
            secrets += [pair["access"], pair["refresh"]]
            door.get("users/me/", headers={"Authorization": f"Bearer {pair['access']}"}).raise_for_status()
            door.get("users/me/", params={"token": pair["access"]})
            door.post("auth/refresh/", json={"refresh": pair["refresh"]}).raise_for_status()
            picture = httpx.get(f"{quiet.base_url}/media/images/{pair['access']}.png", trust_env=False)
            assert picture.status_code == 404
            number = answer.headers["X-Request-ID"]
        wait_for(lambda: any(line.get("request_id") == number for line in quiet.log_lines()), what="the request's line", why=quiet.said)
    finally:
        quiet.stop()
        stack.processes.remove(quiet)
    lines = [line for line in quiet.said().splitlines() if not NO_JSON_ALLOWED.match(line)]
    assert len(lines) > 5
    for line in lines:
        assert isinstance(json.loads(line), dict)
        for secret in secrets:
            assert secret not in line
    told = next(line for line in quiet.log_lines() if line.get("request_id") == number and line["logger"] == "biologidex.access")
    assert {"time", "level", "logger", "message", "request_id"} <= told.keys()
    assert (told["method"], told["route"], told["status"]) == ("POST", "api/v1/auth/login/", 200)


def test_a_proxys_request_id_is_kept_and_a_strange_one_is_not(stack: Stack) -> None:
    given = uuid.uuid4().hex
    assert httpx.get(f"{stack.base_url}/health/", headers={"X-Request-ID": given}, trust_env=False).headers["X-Request-ID"] == given
    strange = httpx.get(f"{stack.base_url}/health/", headers={"X-Request-ID": 'x"}{"'}, trust_env=False).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", strange)


async def test_a_requests_id_follows_it_into_the_worker(stack: Stack, ada: Player) -> None:
    from_here = uuid.uuid4().hex
    with http(stack.base_url, ada) as door:
        made = door.post("vision/jobs/", files={"image": ("image.jpg", PIXEL, "image/png")}, headers={"X-Request-ID": from_here})
        assert made.status_code == 201, made.text
    wait_for(
        lambda: any(line.get("request_id") == from_here for line in stack.worker.log_lines()),
        what="the worker's line",
        why=stack.worker.said,
    )


# 1 x 1, grey.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080000000 03a7e9b550000000a49444154789c6360000000020001".replace(" ", "")
    + "e221bc330000000049454e44ae426082"
)
