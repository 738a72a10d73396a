"""What a provider of identifications is: one question, one answer, two kinds of failure; knows no provider."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from vision.prediction import Prediction


@dataclass(frozen=True)
class Question:
    """A picture to name: `jpeg` upright and without metadata, `hint` the person's words, `captions` what metadata and file name say.

    `language` is the code of the language for common names ("en").
    """

    jpeg: bytes = field(repr=False)
    hint: str = ""
    captions: tuple[str, ...] = ()
    language: str = "en"


@dataclass(frozen=True)
class Answer:
    """What came back. `prediction` is None when the answer could not be read or was refused (`refused`).

    `text` is the prediction in words (or the unreadable answer), at most 2,000 characters; `raw_response` at most 16 KiB of JSON.
    Tokens and cost are those of all calls that the answer took; None where unknown.
    """

    prediction: Prediction | None
    method: str
    model_name: str = ""
    detail_level: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    raw_response: dict[str, Any] = field(default_factory=dict, repr=False)
    text: str = ""
    refused: bool = False


class ProviderFailure(Exception):  # a failure of theirs, not an error of ours
    """No answer; `reason` is for logs and the admin and holds no secret."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class PassingFailure(ProviderFailure):
    """May go well later: time-outs, refused connections, rate limits, server errors. `retry_after_s` is the server's own wish."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(reason)


class LastingFailure(ProviderFailure):
    """Will not go well by itself. `site_wide` when every picture would fail so (key, quota, model), not this one alone."""

    def __init__(self, reason: str, *, site_wide: bool = False) -> None:
        self.site_wide = site_wide
        super().__init__(reason)


class CVService(ABC):
    """A way to name the animal in a picture. A subclass with a `method` and a line in VISION_PROVIDERS is all that a new one needs."""

    method: ClassVar[str]

    @abstractmethod
    def identify(self, question: Question) -> Answer:
        """The answer to `question`; may take as long as its time-out. Called outside of transactions.

        Raises: PassingFailure, LastingFailure.
        """


_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def safe_word(value: object, *, secret: str = "") -> str:
    """`value` if it is a short plain word such as an error code, and doesn't hold the secret; else ""."""
    word = value if isinstance(value, str) and _WORD.fullmatch(value) else ""
    return "" if secret and secret in word else word
