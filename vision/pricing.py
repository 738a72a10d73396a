"""What a call of a model costs, from a dated table of published prices; knows nothing of calls, and never guesses."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

MILLION: Final = Decimal(1_000_000)
# A hundredth of a cent's hundredth: a call with a small model costs less than a hundredth of a cent.
COST_STEP: Final = Decimal("0.000001")
SOURCE: Final = "https://platform.openai.com/docs/pricing"

_SNAPSHOT = re.compile(r"-(?:20\d{2}-\d{2}-\d{2})$")


@dataclass(frozen=True)
class Price:
    """USD per million tokens, standard tier without cache discount, as the vendor published it; `valid_on` is a day on which it held."""

    input_usd: Decimal
    output_usd: Decimal
    valid_on: date
    source: str = SOURCE


def _price(input_usd: str, output_usd: str, valid_on: date = date(2025, 10, 15)) -> Price:
    return Price(input_usd=Decimal(input_usd), output_usd=Decimal(output_usd), valid_on=valid_on)


OPENAI_PRICING: Final[dict[str, Price]] = {
    "gpt-4-turbo": _price("10.00", "30.00"),
    "gpt-4o": _price("2.50", "10.00"),
    "gpt-4o-2024-05-13": _price("5.00", "15.00"),
    "chatgpt-4o-latest": _price("5.00", "15.00"),
    "gpt-4o-mini": _price("0.15", "0.60"),
    "gpt-4.1": _price("2.00", "8.00"),
    "gpt-4.1-mini": _price("0.40", "1.60"),
    "gpt-4.1-nano": _price("0.10", "0.40"),
    "gpt-5": _price("1.25", "10.00"),
    "gpt-5-chat-latest": _price("1.25", "10.00"),
    "gpt-5-mini": _price("0.25", "2.00"),
    "gpt-5-nano": _price("0.05", "0.40"),
    "gpt-5-pro": _price("15.00", "120.00"),
    "gpt-5.1": _price("1.25", "10.00", date(2025, 12, 15)),
    "gpt-5.2": _price("1.75", "14.00", date(2025, 12, 15)),
    "o1": _price("15.00", "60.00"),
    "o1-pro": _price("150.00", "600.00"),
    "o3": _price("2.00", "8.00"),
    "o3-pro": _price("20.00", "80.00"),
    "o3-mini": _price("1.10", "4.40"),
    "o4-mini": _price("1.10", "4.40"),
}


def base_name(model: str) -> str:
    """The model that a dated snapshot belongs to: gpt-4o-2024-08-06 -> gpt-4o; other names as they are."""
    return _SNAPSHOT.sub("", model.strip().lower())


def price_of(model: str) -> Price | None:
    """The price of `model`: its own row, else that of the model its snapshot belongs to; None for a model that the table lacks."""
    return OPENAI_PRICING.get(model.strip().lower()) or OPENAI_PRICING.get(base_name(model))


def cost_usd(model: str, input_tokens: int | None, output_tokens: int | None) -> Decimal | None:
    """The cost in USD to the sixth place, or None where the price or a count is unknown. Cache discounts are not taken off."""
    price = price_of(model)
    if price is None or input_tokens is None or output_tokens is None:
        return None
    return ((price.input_usd * input_tokens + price.output_usd * output_tokens) / MILLION).quantize(COST_STEP)
