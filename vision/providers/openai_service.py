"""Asks a vision model behind OpenAI's API, or any server that speaks it; knows nothing of jobs, animals or retries."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAI, OpenAIError, Timeout
from pydantic import ValidationError

from vision.prediction import Prediction, plain, read_answer
from vision.pricing import cost_usd, price_of
from vision.prompts import ANIMAL_ID_PROMPT, question_text
from vision.providers.openai_dialects import DIALECTS, Ask, Reply, adapted, token_parameter
from vision.providers.raw import storable_reply
from vision.providers.service import Answer, CVService, LastingFailure, PassingFailure, ProviderFailure, Question, safe_word

OPENAI_URL: Final = "https://api.openai.com/v1"
MAX_TEXT_CHARS: Final = 2_000
MAX_WAIT_S: Final = 3_600.0
CONNECT_TIMEOUT_S: Final = 5.0
# An answer cut short is asked once more with this many times the tokens; reasoning can eat a limit that the answer itself would not.
MORE_TOKENS_FACTOR: Final = 4
# Structured output, `store`, the token limit's name: each can be left out or exchanged once.
MAX_ADAPTATIONS: Final = 3

PASSING_STATUSES: Final = frozenset({408, 409, 425, 429})
SITE_WIDE_STATUSES: Final = frozenset({401, 402, 403, 404, 405})
# Source: https://platform.openai.com/docs/guides/error-codes
NO_MONEY_CODES: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"})
PASSING_CODES: Final = frozenset({"server_error", "rate_limit_exceeded", "vector_store_timeout", "unknown"})


@dataclass(frozen=True)
class _Exchange:
    """A finished call: the reply as understood, and as it came."""

    reply: Reply
    body: bytes


class OpenAIVisionService(CVService):
    """Identification by a vision model. The settings OPENAI_* say which, and where; a client of the game can't.

    Retries are the job's: one `identify` makes one paid call, a second only when the answer was cut short.
    """

    method = "openai"

    def __init__(self) -> None:
        dialect = DIALECTS.get(settings.OPENAI_API)
        if dialect is None:
            raise ImproperlyConfigured(f"OPENAI_API is {settings.OPENAI_API!r}; it may be {' or '.join(sorted(DIALECTS))}.")
        self._dialect = dialect
        self._model: str = settings.OPENAI_MODEL
        self._detail: str = settings.OPENAI_DETAIL_LEVEL
        self._key: str = settings.OPENAI_API_KEY.strip()

    def identify(self, question: Question) -> Answer:
        """The model's answer, as data. Raises: PassingFailure, LastingFailure."""
        first = self._exchange(self._ask(question))
        if not first.reply.cut_short:
            return self._answer([first])
        more = int(settings.OPENAI_MAX_OUTPUT_TOKENS) * MORE_TOKENS_FACTOR
        return self._answer([first, self._exchange(replace(self._ask(question), max_output_tokens=more))])

    def _ask(self, question: Question) -> Ask:
        return Ask(
            model=self._model,
            instructions=ANIMAL_ID_PROMPT,
            text=question_text(hint=question.hint, captions=question.captions, language=question.language),
            jpeg=question.jpeg,
            detail=self._detail,
            max_output_tokens=int(settings.OPENAI_MAX_OUTPUT_TOKENS),
            token_parameter=token_parameter(self._model),
        )

    def _exchange(self, ask: Ask) -> _Exchange:
        """One answered call; a 400 for an optional part of the API is asked again without that part (such a refusal costs nothing)."""
        with self._client() as client:
            for _ in range(MAX_ADAPTATIONS + 1):
                outcome = self._post(client, ask)
                if isinstance(outcome, bytes):
                    return _Exchange(reply=self._read(outcome), body=outcome)
                changed = adapted(ask, complaint=_complaint(outcome)) if isinstance(outcome, APIStatusError) else None
                if changed is None:
                    # Raised here, not where it was caught: the API's error, whose text can hold part of the key, must not be chained to it.
                    raise self._failure(outcome)
                ask = changed
        raise LastingFailure("the server refuses every form of the question", site_wide=True)

    def _client(self) -> OpenAI:
        if not self._key.isascii() or not self._key.isprintable():
            raise LastingFailure("OPENAI_API_KEY holds characters that a key cannot have", site_wide=True)
        timeout_s = float(settings.OPENAI_TIMEOUT_S)
        return OpenAI(
            # Local servers want no key, but the client does.
            api_key=self._key or "none",
            # Never None: the client would then read the environment, where compose files leave empty values.
            base_url=settings.OPENAI_BASE_URL or OPENAI_URL,
            timeout=Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
            max_retries=0,
        )

    def _post(self, client: OpenAI, ask: Ask) -> bytes | OpenAIError:
        payload = self._dialect.payload(ask)
        try:
            if self._dialect.name == "chat":
                return client.chat.completions.with_raw_response.create(**payload).content
            return client.responses.with_raw_response.create(**payload).content
        except OpenAIError as error:
            return error

    def _read(self, body: bytes) -> Reply:
        try:
            reply = self._dialect.read(body)
        except ValidationError:
            reply = None
        if reply is None:
            raise PassingFailure("the server's reply is not one of this API")
        if reply.failure:
            reason = f"the server failed: {safe_word(reply.failure, secret=self._key) or 'unknown'}"
            raise PassingFailure(reason) if reply.failure in PASSING_CODES else LastingFailure(reason)
        return reply

    def _failure(self, error: OpenAIError) -> ProviderFailure:
        if isinstance(error, APITimeoutError):
            return PassingFailure(f"no answer within {float(settings.OPENAI_TIMEOUT_S):g} s")
        if isinstance(error, APIConnectionError):
            return PassingFailure("the server cannot be reached")
        if isinstance(error, APIStatusError):
            return self._status_failure(error)
        return LastingFailure(f"the call could not be made: {type(error).__name__}", site_wide=True)

    def _status_failure(self, error: APIStatusError) -> ProviderFailure:
        status = error.status_code
        # Only codes go into the reason: texts of a 401 quote the key.
        words = [word for word in (safe_word(error.code, secret=self._key), safe_word(error.type, secret=self._key)) if word]
        reason = f"HTTP {status}" + (f" ({', '.join(dict.fromkeys(words))})" if words else "")
        if NO_MONEY_CODES.intersection(words):
            return LastingFailure(reason, site_wide=True)
        if status in PASSING_STATUSES or status >= 500:
            return PassingFailure(reason, retry_after_s=_retry_after_s(error))
        return LastingFailure(reason, site_wide=status in SITE_WIDE_STATUSES)

    def _answer(self, exchanges: list[_Exchange]) -> Answer:
        last = exchanges[-1].reply
        prediction = None if last.refused else read_answer(last.text)
        return Answer(
            prediction=prediction,
            method=self.method,
            model_name=self._model,
            detail_level=self._detail,
            input_tokens=_total([each.reply.input_tokens for each in exchanges]),
            output_tokens=_total([each.reply.output_tokens for each in exchanges]),
            cost_usd=self._cost([each.reply for each in exchanges]),
            raw_response=storable_reply(exchanges[-1].body, secret=self._key),
            text=self._words(prediction, last),
            refused=last.refused,
        )

    def _words(self, prediction: Prediction | None, reply: Reply) -> str:
        words = plain(reply.text[: 2 * MAX_TEXT_CHARS]) if prediction is None else prediction.summary()
        return (words.replace(self._key, "[secret]") if self._key else words)[:MAX_TEXT_CHARS]

    def _cost(self, replies: list[Reply]) -> Decimal | None:
        costs = [cost_usd(self._billed_model(reply), reply.input_tokens, reply.output_tokens) for reply in replies]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None

    def _billed_model(self, reply: Reply) -> str:
        """The snapshot that answered, where it is one of the model asked for and has a price; else the model asked for."""
        is_snapshot = reply.model.startswith(f"{self._model}-20")
        return reply.model if is_snapshot and price_of(reply.model) is not None else self._model


def _complaint(error: APIStatusError) -> str:
    return f"{error.param or ''} {error.message}" if error.status_code in {400, 422} else ""


def _retry_after_s(error: APIStatusError) -> float | None:
    """The wait in seconds that the server asks for, at most an hour. Source: RFC 9110, 10.2.3 (these servers don't use dates)."""
    for header, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = error.response.headers.get(header, "")
        if value.isascii() and value.replace(".", "", 1).isdigit():
            return min(float(value) * unit_s, MAX_WAIT_S)
    return None


def _total(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None
