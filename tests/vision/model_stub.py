"""A server that speaks OpenAI's two APIs over real HTTP with scripted answers; it looks at no picture.

In a test: `with ModelStub() as stub: stub.will(answers(...))`. As a process: `python -m tests.vision.model_stub --port 8099 --answer FILE`,
where FILE holds a prediction as JSON, or plain text, and is read afresh for each request.
"""

import argparse
import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
MAX_HANG_S = 30.0


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def user_texts(self) -> list[str]:
        """The texts of the user's turn."""
        turns = self.body["messages"] if self.path == CHAT else self.body["input"]
        content = next(turn["content"] for turn in turns if turn["role"] == "user")
        return [part["text"] for part in content if "text" in part]


@dataclass(frozen=True)
class Behaviour:
    """What happens to one request: `hang_s` first, then either a raw body with `status`, or a reply of the API that was called."""

    content: str = ""
    refusal: str = ""
    cut_short: bool = False
    filtered: bool = False
    status: int = 200
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    hang_up: bool = False
    input_tokens: int | None = 1_000
    output_tokens: int | None = 100
    model: str | None = None
    content_of: Callable[[], str] | None = None


def prediction(
    *names: str, subject: str | None = None, confidence: float = 0.97, rank: str = "species", text: bool = False
) -> dict[str, Any]:
    """A prediction in the schema's shape, each of `names` ("Ardea cinerea" or "Ardea cinerea/grey heron") an animal of its own."""
    pairs = [name.partition("/") for name in names]
    animals = [
        {"candidates": [{"scientific_name": latin, "common_name": common, "rank": rank, "confidence": confidence}]}
        for latin, _, common in pairs
    ]
    default = "animal" if len(names) == 1 else "several_animals" if names else "nothing"
    return {"subject": subject or default, "animals": animals, "text_in_picture": text}


def answers(value: Mapping[str, Any], **changes: Any) -> Behaviour:
    """Answers with `value` as JSON."""
    return Behaviour(content=json.dumps(value), **changes)


def says(text: str, **changes: Any) -> Behaviour:
    """Answers with `text`."""
    return Behaviour(content=text, **changes)


def refuses(text: str = "I cannot help with that.") -> Behaviour:
    """The model's own refusal."""
    return Behaviour(refusal=text)


def cuts_short(text: str = '{"subject": "animal", "animals": [{"cand') -> Behaviour:
    """An answer that ends at the token limit."""
    return Behaviour(content=text, cut_short=True)


def fails(
    status: int, *, code: str | None = None, kind: str | None = None, message: str = "no", param: str | None = None, **headers: str
) -> Behaviour:
    """An error in the API's form; `headers` with underscores for hyphens."""
    error = {"message": message, "type": kind, "code": code, "param": param}
    return Behaviour(status=status, raw=json.dumps({"error": error}).encode(), headers={k.replace("_", "-"): v for k, v in headers.items()})


def hangs(seconds: float = MAX_HANG_S) -> Behaviour:
    """Says nothing for `seconds`, or until the stub is closed."""
    return Behaviour(hang_s=min(seconds, MAX_HANG_S), hang_up=True)


def sends(raw: bytes, *, status: int = 200) -> Behaviour:
    """Sends `raw` as it is."""
    return Behaviour(status=status, raw=raw)


def _chat_body(behaviour: Behaviour, model: str) -> dict[str, Any]:
    reason = "length" if behaviour.cut_short else "content_filter" if behaviour.filtered else "stop"
    message = {"role": "assistant", "content": None if behaviour.refusal else behaviour.content, "refusal": behaviour.refusal or None}
    usage = {"prompt_tokens": behaviour.input_tokens, "completion_tokens": behaviour.output_tokens}
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": None if behaviour.input_tokens is None else usage,
    }


def _responses_body(behaviour: Behaviour, model: str) -> dict[str, Any]:
    part = {"type": "refusal", "refusal": behaviour.refusal} if behaviour.refusal else {"type": "output_text", "text": behaviour.content}
    reason = "max_output_tokens" if behaviour.cut_short else "content_filter" if behaviour.filtered else None
    usage = {"input_tokens": behaviour.input_tokens, "output_tokens": behaviour.output_tokens}
    return {
        "id": "resp_stub",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": "completed" if reason is None else "incomplete",
        "incomplete_details": None if reason is None else {"reason": reason},
        "error": None,
        "model": model,
        "output": [
            {"type": "reasoning", "id": "rs_stub", "summary": []},
            {"type": "message", "id": "msg_stub", "role": "assistant", "content": [part]},
        ],
        "usage": None if behaviour.input_tokens is None else usage,
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        call = Call(path=self.path, headers={k.lower(): v for k, v in self.headers.items()}, body=json.loads(raw))
        behaviour = self.server.stub.take(call)
        if behaviour.hang_s:
            self.server.stub.closing.wait(behaviour.hang_s)
        if behaviour.hang_up:
            self.close_connection = True
            return
        if behaviour.content_of is not None:
            behaviour = Behaviour(content=behaviour.content_of())
        self._send(behaviour, call)

    def _send(self, behaviour: Behaviour, call: Call) -> None:
        status, body = behaviour.status, behaviour.raw
        if body is None and call.path not in {CHAT, RESPONSES}:
            status, body = 404, json.dumps({"error": {"message": "no such path", "code": "not_found"}}).encode()
        if body is None:
            shape = _chat_body if call.path == CHAT else _responses_body
            body = json.dumps(shape(behaviour, behaviour.model or str(call.body.get("model")))).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(body)), **behaviour.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Nothing: the test looks at the calls."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stub: "ModelStub"


class ModelStub:
    """The server and its script: behaviours are used in order, then `default` for ever."""

    def __init__(self, *, port: int = 0, default: Behaviour | None = None) -> None:
        self.default = default or answers(prediction("Ardea cinerea/grey heron"))
        self.calls: list[Call] = []
        self.closing = threading.Event()
        self._script: deque[Behaviour] = deque()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.stub = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """What OPENAI_BASE_URL must be."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def will(self, *behaviours: Behaviour) -> None:
        """Adds to the script."""
        with self._lock:
            self._script.extend(behaviours)

    def take(self, call: Call) -> Behaviour:
        """Records `call` and says what becomes of it."""
        with self._lock:
            self.calls.append(call)
            return self._script.popleft() if self._script else self.default

    def __enter__(self) -> "ModelStub":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def wait(self) -> None:
        """Serves until interrupted."""
        self._thread.join()


def main() -> None:
    """Serves as a process of its own until it is interrupted."""
    parser = argparse.ArgumentParser(description="A stub of OpenAI's API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--answer", type=Path, required=True, help="a file with a prediction as JSON, or with plain text")
    arguments = parser.parse_args()
    path: Path = arguments.answer
    with ModelStub(port=arguments.port, default=Behaviour(content_of=path.read_text)) as stub:
        sys.stdout.write(f"ready {stub.url}\n")
        sys.stdout.flush()
        try:
            stub.wait()
        except KeyboardInterrupt:
            sys.stdout.write("bye\n")


if __name__ == "__main__":
    main()
