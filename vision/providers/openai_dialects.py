"""The two ways to ask a server of OpenAI's kind, Chat Completions and Responses, as pure functions; knows no network and no settings."""

import base64
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal, get_args

from pydantic import BaseModel

from vision.prediction import answer_schema
from vision.pricing import base_name

TokenParameter = Literal["max_tokens", "max_completion_tokens"]

SCHEMA_NAME: Final = "animal_identification"
# Which limit a model of Chat Completions takes; reasoning models refuse max_tokens.
# Source: https://platform.openai.com/docs/api-reference/chat/create#chat-create-max_completion_tokens
TOKEN_PARAMETERS: Final[dict[str, TokenParameter]] = {
    "gpt-4-turbo": "max_tokens",
    "gpt-4o": "max_tokens",
    "gpt-4o-mini": "max_tokens",
    "chatgpt-4o-latest": "max_tokens",
    "gpt-4.1": "max_tokens",
    "gpt-4.1-mini": "max_tokens",
    "gpt-4.1-nano": "max_tokens",
    "gpt-5": "max_completion_tokens",
    "gpt-5-chat-latest": "max_completion_tokens",
    "gpt-5-mini": "max_completion_tokens",
    "gpt-5-nano": "max_completion_tokens",
    "gpt-5-pro": "max_completion_tokens",
    "gpt-5.1": "max_completion_tokens",
    "gpt-5.2": "max_completion_tokens",
    "o1": "max_completion_tokens",
    "o1-pro": "max_completion_tokens",
    "o3": "max_completion_tokens",
    "o3-mini": "max_completion_tokens",
    "o3-pro": "max_completion_tokens",
    "o4-mini": "max_completion_tokens",
}
_NEWER_PREFIX = re.compile(r"(?:gpt-(?:[5-9]|\d{2})|o\d)")


def token_parameter(model: str) -> TokenParameter:
    """The name of the token limit for `model`: by the table, else by prefix (gpt-5 and later and the o-series take the newer name)."""
    name = base_name(model.rpartition("/")[2])
    if name.startswith("ft:"):
        name = base_name(name.split(":")[1])
    newer: TokenParameter = "max_completion_tokens" if _NEWER_PREFIX.match(name) else "max_tokens"
    return TOKEN_PARAMETERS.get(name, newer)


@dataclass(frozen=True)
class Ask:
    """One call: what is asked, and which optional parts of the API are used for it."""

    model: str
    instructions: str
    text: str
    jpeg: bytes
    detail: str
    max_output_tokens: int
    token_parameter: TokenParameter
    structured: bool = True
    with_store: bool = True

    def picture_url(self) -> str:
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode("ascii")


@dataclass(frozen=True)
class Reply:
    """What a server said, the API's wrapping taken off; `failure` is an error code sent with HTTP status 200."""

    text: str
    model: str
    refused: bool
    cut_short: bool
    input_tokens: int | None
    output_tokens: int | None
    failure: str = ""


class _ChatMessage(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _ChatChoice(BaseModel):
    message: _ChatMessage
    finish_reason: str | None = None


class _ChatUsage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _ChatReply(BaseModel):
    choices: list[_ChatChoice]
    model: str | None = None
    usage: _ChatUsage | None = None


class _Part(BaseModel):
    type: str
    text: str = ""


class _Item(BaseModel):
    type: str
    content: list[_Part] | None = None


class _Reason(BaseModel):
    reason: str | None = None


class _Error(BaseModel):
    code: str | None = None


class _ResponsesUsage(BaseModel):
    input_tokens: int | None = None
    output_tokens: int | None = None


class _ResponsesReply(BaseModel):
    output: list[_Item]
    status: str | None = None
    model: str | None = None
    usage: _ResponsesUsage | None = None
    incomplete_details: _Reason | None = None
    error: _Error | None = None


class Dialect(ABC):
    """One of the APIs: how a call is written and its reply read."""

    name: ClassVar[str]

    @abstractmethod
    def payload(self, ask: Ask) -> dict[str, Any]:
        """The call's JSON body."""

    @abstractmethod
    def read(self, body: bytes) -> Reply:
        """The reply in `body`. Raises: pydantic.ValidationError when it isn't one of this API."""


class ChatCompletions(Dialect):
    """POST /chat/completions, which nearly every other server speaks too. Source: https://platform.openai.com/docs/api-reference/chat/create"""

    name = "chat"

    def payload(self, ask: Ask) -> dict[str, Any]:
        picture = {"type": "image_url", "image_url": {"url": ask.picture_url(), "detail": ask.detail}}
        body: dict[str, Any] = {
            "model": ask.model,
            "messages": [
                {"role": "system", "content": ask.instructions},
                {"role": "user", "content": [{"type": "text", "text": ask.text}, picture]},
            ],
            ask.token_parameter: ask.max_output_tokens,
        }
        if ask.structured:
            schema = {"name": SCHEMA_NAME, "strict": True, "schema": answer_schema()}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if ask.with_store:
            body["store"] = False
        return body

    def read(self, body: bytes) -> Reply:
        reply = _ChatReply.model_validate_json(body)
        usage = reply.usage or _ChatUsage()
        choice = reply.choices[0] if reply.choices else _ChatChoice(message=_ChatMessage())
        return Reply(
            text=choice.message.content or choice.message.refusal or "",
            model=reply.model or "",
            refused=bool(choice.message.refusal) or choice.finish_reason == "content_filter",
            cut_short=choice.finish_reason == "length",
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
        )


class Responses(Dialect):
    """POST /responses. Source: https://platform.openai.com/docs/api-reference/responses/create"""

    name = "responses"

    def payload(self, ask: Ask) -> dict[str, Any]:
        picture = {"type": "input_image", "image_url": ask.picture_url(), "detail": ask.detail}
        body: dict[str, Any] = {
            "model": ask.model,
            "instructions": ask.instructions,
            "input": [{"role": "user", "content": [{"type": "input_text", "text": ask.text}, picture]}],
            "max_output_tokens": ask.max_output_tokens,
        }
        if ask.structured:
            body["text"] = {"format": {"type": "json_schema", "name": SCHEMA_NAME, "strict": True, "schema": answer_schema()}}
        if ask.with_store:
            body["store"] = False
        return body

    def read(self, body: bytes) -> Reply:
        reply = _ResponsesReply.model_validate_json(body)
        usage = reply.usage or _ResponsesUsage()
        parts = [part for item in reply.output if item.type == "message" for part in item.content or []]
        reason = reply.incomplete_details.reason if reply.incomplete_details is not None else None
        return Reply(
            text="".join(part.text for part in parts if part.type == "output_text"),
            model=reply.model or "",
            refused=reason == "content_filter" or any(part.type == "refusal" for part in parts),
            cut_short=reason == "max_output_tokens",
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            failure=((reply.error.code if reply.error is not None else None) or "unknown") if reply.status == "failed" else "",
        )


DIALECTS: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in (ChatCompletions(), Responses())}


def adapted(ask: Ask, *, complaint: str) -> Ask | None:
    """`ask` without the optional part that a server's 400 complains of (`complaint`: parameter and message); None when it is another.

    Servers of the same kind lack this or that: structured output, `store`, one of the two names of the token limit.
    """
    words = complaint.lower()
    if ask.token_parameter in words and re.search(r"unsupported|not supported|unknown|unrecognized|extra", words):
        (other,) = set(get_args(TokenParameter)) - {ask.token_parameter}
        return replace(ask, token_parameter=other)
    if ask.structured and re.search(r"response_format|json_schema|text\.format|structured output|guided|grammar", words):
        return replace(ask, structured=False)
    if ask.with_store and re.search(r"\bstore\b", words):
        return replace(ask, with_store=False)
    return None
