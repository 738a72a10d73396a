"""What comes in over HTTP: every way in which it can be wrong has an answer, and none of them is a surprise."""

import json
import uuid
from typing import Any
from uuid import UUID

import httpx
import pytest

from biologidex.demo.sample import sample_jpeg
from realtime import operations
from tests.players import Player
from tests.rest.doors import http, refused
from tests.stack import Stack

JSON = {"Content-Type": "application/json"}
ROUTES = [(entry, route) for entry in operations.table().values() for route in entry.routes]


async def test_a_body_is_always_an_object(stack: Stack, ada: Player) -> None:
    reading = [route.path for entry, route in ROUTES if route.method == "GET" and "{" not in route.path]
    assert len(reading) > 8
    with http(stack.base_url, ada) as door:
        for path in reading:
            response = door.get(path)
            assert response.status_code in (200, 400), f"{path}: {response.text}"
            assert isinstance(response.json(), dict), path


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 60_000, b'{"bio": ' + b"[" * 40 + b"]" * 40 + b"}", b'{"bio": NaN}', b"{}{}"])
async def test_broken_json_is_malformed(stack: Stack, ada: Player, body: bytes) -> None:
    with http(stack.base_url, ada) as door:
        refused(door.patch("users/me/", content=body, headers=JSON), 400, "request.malformed")


@pytest.mark.parametrize("body", ["[]", "1", '"text"', "null", "true"])
async def test_json_that_is_no_object_is_invalid(stack: Stack, ada: Player, body: str) -> None:
    with http(stack.base_url, ada) as door:
        told = refused(door.patch("users/me/", content=body, headers=JSON), 400, "request.invalid")
        assert isinstance(told["data"], list)


async def test_an_unknown_key_and_a_wrong_value_are_told_by_field(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, ada) as door:
        told = refused(door.patch("users/me/", json={"bio": 7, "boi": "x"}), 400, "request.invalid")
        assert told["bio"]
        assert told["boi"]
        assert all(isinstance(told[name], list) and isinstance(told[name][0], str) for name in ("bio", "boi"))


async def test_a_missing_key_is_told_by_field(stack: Stack) -> None:
    with http(stack.base_url) as door:
        told = refused(door.post("users/", json={"username": "x"}), 400, "request.invalid")
        assert {"email", "password", "password_confirm"} <= told.keys()


async def test_too_large_a_body_is_413(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, ada) as door:
        refused(door.patch("users/me/", json={"bio": "x" * 70_000}), 413, "request.too_large")
        refused(door.patch("users/me/", json={"bio": "x" * 12_000_000}), 413, "request.too_large")
        refused(door.post("vision/jobs/", files={"image": ("image.jpg", b"x" * 12_000_000, "image/jpeg")}), 413, "upload.too_large")
        refused(door.post("vision/jobs/", files={"image": ("image.jpg", b"x" * (10_485_760 + 1), "image/jpeg")}), 413, "upload.too_large")
        content = door.patch(f"uploads/{uuid.uuid4()}/", content=b"x" * (10_485_760 + 1), headers={"Upload-Offset": "0"})
        refused(content, 413, "request.too_large")


async def test_a_wrong_content_type_is_415(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, ada) as door:
        refused(door.patch("users/me/", content=b"<bio/>", headers={"Content-Type": "application/xml"}), 415, "request.unknown_type")


async def test_a_wrong_method_is_405_and_says_which_are_right(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, ada) as door:
        response = door.delete("users/me/")
        refused(response, 405, "request.unknown_type")
        assert {"GET", "PATCH", "PUT"} <= {method.strip() for method in response.headers["Allow"].split(",")}


async def test_head_answers_as_get_does_without_a_body(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, ada) as door:
        response = door.head("users/me/")
        assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("path", ["nowhere/", "animals/not-a-uuid/", "animals/00000000/", "users/me/more/", "../v2/users/me/"])
async def test_a_path_that_leads_nowhere_is_404_in_json(stack: Stack, path: str) -> None:
    with http(stack.base_url) as door:
        refused(door.get(path), 404, "not_found")


async def test_a_thing_that_is_nowhere_is_404(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, ada) as door:
        refused(door.get(f"animals/{UUID(int=7)}/"), 404, "not_found")
        refused(door.get(f"vision/jobs/{UUID(int=7)}/"), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("feed/?limit=many", "limit"),
        ("feed/?limit=0", "limit"),
        ("feed/?limit=99999999999999999999", "limit"),
        ("feed/?cursor=%00", "cursor"),
        ("feed/?cursor=bm90aGluZw", "cursor"),
        ("feed/?colour=red", "colour"),
        ("feed/?format=xml", "format"),
        ("vision/jobs/?status=lost", "status"),
        ("dex/entries/list/?owner_id=me", "owner_id"),
        ("dex/entries/list/?favorites=perhaps", "favorites"),
        ("mailbox/?after=-1", "after"),
        ("mailbox/?after=1e400", "after"),
        ("taxonomy/search/?q=heron&limit=-5", "limit"),
    ],
)
async def test_a_bad_query_parameter_is_told_by_its_name(stack: Stack, ada: Player, path: str, field: str) -> None:
    with http(stack.base_url, ada) as door:
        told = refused(door.get(path), 400, "request.invalid")
        assert told[field], told


NASTY = ["\x00", "a\x00b", "\ud800", "%", "' OR 1=1 --", "x" * 5000, "\U0001d518" * 300, "", " ", "-1", "1e999", "null", "{}"]


@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
async def test_no_word_in_a_query_string_is_a_surprise(stack: Stack, ada: Player, value: str) -> None:
    with http(stack.base_url, ada) as door:
        for entry, route in ROUTES:
            if route.method == "GET" and "{" not in route.path and not route.legacy:
                for name in entry.data.model_fields:
                    query = httpx.QueryParams({name: value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")})
                    response = door.get(route.path, params=query)
                    assert response.status_code < 500, f"{route.path} {name}={value!r}: {response.text}"


# What these do with text is tested with the things themselves; here they would end or fill the account.
SPARED = {"auth.logout", "users.register"}


@pytest.mark.parametrize(
    "value", ["\x00", "a\x00b", "\ud800", [], {}, {"a": "\x00"}, -1, 2**70, 1.5, True, None, "x" * 30_000], ids=range(12)
)
async def test_no_value_in_a_body_is_a_surprise(stack: Stack, ada: Player, value: Any) -> None:
    with http(stack.base_url, ada) as door:
        for entry, route in ROUTES:
            if route.method not in ("POST", "PUT", "PATCH") or route.raw_body or route.files or entry.name in SPARED:
                continue
            path = route.path
            for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
                path = path.replace(f"{{{name}}}", str(UUID(int=7)))
            whole = {name: value for name in entry.data.model_fields if f"{{{name}}}" not in route.path}
            for body in (whole, *({name: each} for name, each in whole.items())):
                response = door.request(route.method, path, content=json.dumps(body), headers=JSON)
                assert response.status_code < 500, f"{route.method} {path} {body!r:.100}: {response.text}"


async def test_multipart_may_begin_with_an_empty_line(stack: Stack, ada: Player) -> None:
    photo = sample_jpeg()
    boundary = "GodotFormBoundary"
    body = b"\r\n".join(
        [
            b"",
            f"--{boundary}".encode(),
            b'Content-Disposition: form-data; name="hint"',
            b"",
            b"grey heron",
            f"--{boundary}".encode(),
            b'Content-Disposition: form-data; name="image"; filename="image.jpg"',
            b"Content-Type: image/jpeg",
            b"",
            photo,
            f"--{boundary}--".encode(),
            b"",
        ]
    )
    with http(stack.base_url, ada) as door:
        response = door.post("vision/jobs/", content=body, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
        assert response.status_code == 201, response.text
        assert response.json()["hint"] == "grey heron"


async def test_json_inside_a_form_is_read_and_its_mistakes_are_told(stack: Stack, ada: Player) -> None:
    image = {"image": ("image.jpg", sample_jpeg(), "image/jpeg")}
    with http(stack.base_url, ada) as door:
        told = refused(door.post("vision/jobs/", files=image, data={"transformations": "{"}), 400, "request.invalid")
        assert told["transformations"]
        told = refused(door.post("vision/jobs/", files=image, data={"transformations": '{"rotation": 45}'}), 400, "request.invalid")
        assert any(name.startswith("transformations") for name in told)
        told = refused(
            door.post("vision/jobs/", files={"image": ("image.jpg", b"no picture", "image/jpeg")}), 400, "image.unsupported_format"
        )


async def test_a_form_without_its_file_is_told_so(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, ada) as door:
        assert refused(door.post("vision/jobs/", data={"hint": "heron"}), 400, "request.invalid")["image"]


async def test_too_long_an_idempotency_key_is_refused(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, ada) as door:
        told = refused(door.patch("users/me/", json={"bio": "x"}, headers={"Idempotency-Key": "k" * 65}), 400, "request.invalid")
        assert told["Idempotency-Key"]


async def test_the_same_key_has_one_effect_and_another_body_is_refused(stack: Stack, ada: Player) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    with http(stack.base_url, ada) as door:
        first = door.patch("users/me/", json={"bio": "once"}, headers=key)
        second = door.patch("users/me/", json={"bio": "once"}, headers=key)
        assert (first.status_code, first.json()) == (second.status_code, second.json())
        refused(door.patch("users/me/", json={"bio": "twice"}, headers=key), 422, "request.key_reused")
