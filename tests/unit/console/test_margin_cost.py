"""Words and columns of `margin show`: unknown is said, never shown as zero."""

import pytest

from hedgebot.console.margin_cost import aligned, show_lines, usd, use_words, wrapped
from hedgebot.margin.comparison import Standing
from tests.support.riskbooks import book, coins


@pytest.mark.parametrize(
    ("value", "words"), [(None, "unknown"), (0.0, "0"), (-0.4, "0"), (1234.5, "1,234"), (-1e6, "-1,000,000")]
)
def test_usd(value: float | None, words: str) -> None:
    assert usd(value) == words


def test_signs_and_uses() -> None:
    assert (usd(5.0, signed=True), usd(-5.0, signed=True)) == ("+5", "-5")
    assert [use_words(one) for one in (None, 0.5, 1.0, float("inf"))] == [
        "unknown",
        "50.0%",
        "liquidated",
        "liquidated",
    ]


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    assert aligned([("", "a"), ("long", "1,000")]) == ["          a", "long  1,000"]


def test_paragraphs_keep_to_the_width_and_harmless_characters() -> None:
    found = wrapped("one two three \x1b[31m four", 12)
    assert max(len(one) for one in found) <= 12
    assert "\x1b" not in "".join(found)


def test_an_account_says_what_of_it_is_unknown() -> None:
    account = Standing(
        account="main",
        venue="bybit",
        mode="portfolio",
        equity=5.0,
        initial=None,
        maintenance=None,
        problem="the venue reports no margin",
    )
    lines = show_lines(book(coins("BTC", 1.0)), [account], [], move=0.1, width=200, sources=False)
    assert (
        "account main (bybit portfolio): equity 5 USD; maintenance margin unknown by the venue, unknown by our model; "
        "use unknown; the venue reports no margin"
    ) in lines
