"""Costs come from the table or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.pricing import OPENAI_PRICING, base_name, cost_usd


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("gpt-4o", "0.0125"),
        ("gpt-4o-2024-08-06", "0.0125"),
        ("gpt-4o-2024-05-13", "0.02"),
        ("gpt-4o-mini", "0.00075"),
        ("gpt-4.1-nano-2025-04-14", "0.0005"),
        ("gpt-5", "0.01125"),
        ("gpt-5-mini", "0.00225"),
        ("gpt-5-nano", "0.00045"),
        ("GPT-5 ", "0.01125"),
        ("o4-mini", "0.0055"),
    ],
)
def test_a_known_model_costs_what_the_table_says(model: str, cost: str) -> None:
    assert cost_usd(model, 1_000, 1_000) == Decimal(cost)


@pytest.mark.parametrize(
    "model", ["", "llava:13b", "gpt-4o-audio-preview", "ft:gpt-4o-2024-08-06:org::id", "openai/gpt-4o", "gpt-6", "gpt-4o-mini-2024"]
)
def test_an_unknown_model_has_no_price(model: str) -> None:
    assert cost_usd(model, 1_000, 1_000) is None


def test_unknown_counts_have_no_cost() -> None:
    assert cost_usd("gpt-4o", None, 5) is None
    assert cost_usd("gpt-4o", 5, None) is None


def test_each_price_has_a_date_and_a_source() -> None:
    for model, price in OPENAI_PRICING.items():
        assert model == model.lower()
        assert price.valid_on.year >= 2025
        assert price.source.startswith("https://")
        assert 0 < price.input_usd < price.output_usd


@given(st.sampled_from(sorted(OPENAI_PRICING)), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_cost_is_exact_to_the_sixth_place(model: str, input_tokens: int, output_tokens: int) -> None:
    cost = cost_usd(model, input_tokens, output_tokens)
    assert cost is not None
    price = OPENAI_PRICING[model]
    assert abs(cost - (price.input_usd * input_tokens + price.output_usd * output_tokens) / 1_000_000) <= Decimal("0.0000005")


def test_only_a_full_date_makes_a_snapshot() -> None:
    assert base_name("gpt-5-mini-2025-08-07") == "gpt-5-mini"
    assert base_name("gpt-4-0613") == "gpt-4-0613"
