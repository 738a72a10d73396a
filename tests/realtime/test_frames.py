"""The wire's grammar: what is a frame, and what is none."""

import json
import struct
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Malformed
from realtime import frames

IDS = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), inner),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), JSON, max_size=4)


@given(IDS, OBJECTS)
def test_a_request_is_read_as_it_was_written(request_id: int | str, data: dict[str, object]) -> None:
    read = frames.read_request(json.dumps({"id": request_id, "type": "a.b", "data": data, "key": "k"}))
    assert read == frames.Request(id=request_id, type="a.b", data=data, key="k")


def test_data_and_key_may_be_absent() -> None:
    assert frames.read_request('{"id":1,"type":"a.b"}') == frames.Request(id=1, type="a.b", data={}, key=None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "7",
        '"text"',
        "[]",
        '[{"id":1,"type":"a.b"}]',
        '{"type":"a.b"}',
        '{"id":null,"type":"a.b"}',
        '{"id":true,"type":"a.b"}',
        '{"id":1.5,"type":"a.b"}',
        '{"id":[],"type":"a.b"}',
        '{"id":9007199254740992,"type":"a.b"}',
        '{"id":123456789012345678901234567890,"type":"a.b"}',
        json.dumps({"id": "x" * 65, "type": "a.b"}),
        '{"id":1}',
        '{"id":1,"type":""}',
        '{"id":1,"type":7}',
        json.dumps({"id": 1, "type": "x" * 65}),
        '{"id":1,"type":"a.b","data":null}',
        '{"id":1,"type":"a.b","data":[]}',
        '{"id":1,"type":"a.b","data":"text"}',
        '{"id":1,"type":"a.b","key":7}',
        '{"id":1,"type":"a.b","key":""}',
        '{"id":1,"type":"a.b","key":"\\u0000"}',
        json.dumps({"id": 1, "type": "a.b", "key": "x" * 65}),
        '{"id":1,"type":"a.b","extra":1}',
        '{"id":1,"type":"a.b","data":{"n":NaN}}',
        '{"id":1,"type":"a.b","data":{"n":Infinity}}',
        '{"id":1,"type":"a.b","data":{"s":"\\ud800"}}',
        '{"id":1,"type":"a.b","data":{"a":' + "[" * 33 + "]" * 33 + "}}",
        '{"id":1,"type":"a.b","data":' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}",
        "[" * 60_000,
    ],
)
def test_what_is_no_request_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        frames.read_request(text)


@given(st.text(max_size=200))
def test_any_text_is_a_request_or_malformed(text: str) -> None:
    try:
        frames.read_request(text)
    except Malformed:
        return


@given(st.uuids(), st.integers(0, 2**64 - 1), st.binary(min_size=1, max_size=100))
def test_a_chunk_is_read_as_it_was_written(upload_id: uuid.UUID, offset: int, data: bytes) -> None:
    assert frames.read_chunk(upload_id.bytes + struct.pack(">Q", offset) + data) == frames.Chunk(upload_id, offset, data)


@pytest.mark.parametrize("size", [0, 1, 16, 24])
def test_a_chunk_without_a_byte_of_the_file_is_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        frames.read_chunk(bytes(size))


def test_times_are_utc_with_milliseconds_and_z() -> None:
    at = datetime(2026, 11, 23, 13, 0, 3, 120_999, tzinfo=timezone(timedelta(hours=1)))
    assert frames.timestamp(at) == "2026-11-23T12:00:03.120Z"
    assert frames.timestamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"


def test_a_refusal_without_a_request_has_the_id_null() -> None:
    assert json.loads(frames.refusal(None, {"code": "request.malformed", "message": "no"})) == {
        "type": "reply",
        "id": None,
        "ok": False,
        "error": {"code": "request.malformed", "message": "no"},
    }


def test_durable_events_carry_a_number_and_passing_ones_none() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert json.loads(frames.event("a.b", b"{}", at=at, seq=7)) == {"type": "a.b", "seq": 7, "at": "2026-01-01T00:00:00.000Z", "data": {}}
    assert "seq" not in json.loads(frames.event("a.b", b"{}", at=at))


@given(IDS, st.dictionaries(st.sampled_from(["nodes", "edges", "entries"]), st.lists(st.integers(0, 30_000), max_size=12), min_size=1))
def test_parts_carry_everything_once_in_order_and_fit_the_frame(request_id: int | str, sizes: dict[str, list[int]]) -> None:
    lists = {name: [frames.encode("x" * size) for size in several] for name, several in sizes.items()}
    parts = [frames.part(request_id, data) for data in frames.parts_of(lists, max_frame=60_000)]
    assert all(len(part) <= 60_000 for part in parts)
    read = [json.loads(part)["data"] for part in parts]
    for name, several in sizes.items():
        assert [len(item) for part in read for item in part[name]] == several
