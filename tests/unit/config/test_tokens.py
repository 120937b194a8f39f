"""Tokens of an underlying: what cannot be meant is refused with its key; what can reaches the engine as decimals."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgebot.config import load_config
from hedgebot.config.changes import diff, loosened, restart_needed
from hedgebot.config.tokens import check

PERP = 'hedge_instrument = "bybit:linear:BTCUSDT"'


def told(
    tokens: Any = None, accounts: dict[str, Any] | None = None, treasury: dict[str, Any] | None = None, **more: Any
) -> list[str]:
    btc = {"hedge_instrument": "bybit:linear:BTCUSDE", "tokens": {} if tokens is None else tokens} | more
    underlyings = {"BTC": btc, "ETH": {"tokens": {"STETH": "1.0"}}}
    return [one.sentence for one in check(underlyings, accounts or {}, treasury or {}, "book.toml")]


@pytest.mark.parametrize(
    ("tokens", "part"),
    [
        ({"ETH": "1"}, "underlyings.BTC.tokens.ETH is one of the [underlyings] itself"),
        ({"BTC": "1"}, "underlyings.BTC.tokens.BTC is one of the [underlyings] itself"),
        ({"USDT": "1"}, "underlyings.BTC.tokens.USDT settles what is traded"),
        ({"USDE": "1"}, "underlyings.BTC.tokens.USDE settles what is traded"),
        ({"STETH": "1"}, "underlyings.ETH.tokens.STETH stands for BTC already"),
    ],
)
def test_a_token_that_cannot_be_meant_is_refused(tokens: dict[str, str], part: str) -> None:
    (sentence,) = told(tokens)
    assert sentence.startswith(f"book.toml: {part}")


def test_what_contradicts_a_token_elsewhere_is_refused() -> None:
    (sentence,) = told(accounts={"main": {"no_exposure": ["MNT", "STETH"]}})
    assert "accounts.main.no_exposure names STETH, which is exposure" in sentence
    (sentence,) = told(treasury={"main": {"coin": "STETH"}})
    assert "treasury.main.coin is one of the tokens" in sentence
    (sentence,) = told(token_jump_coin_max=1.0)
    assert "token_jump_coin_max does nothing without tokens" in sentence


def test_tables_of_a_wrong_shape_are_the_models_to_refuse() -> None:
    assert told(["STETH"], accounts={"main": {"no_exposure": 5}}) == []


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("0", "tokens.WBTC = 0 must be above 0"),
        ("-1.0", "tokens.WBTC = -1.0 must be above 0"),
        ("1000.5", "tokens.WBTC = 1000.5 must be at most 1000"),
        ('"nan"', "tokens.WBTC = "),
        ('"one"', "tokens.WBTC = "),
        ("true", "must be a number, not true or false"),
        ("{}", "tokens.WBTC = "),
    ],
)
def test_a_ratio_out_of_bounds_is_refused(spoil: Callable[..., list[str]], value: str, part: str) -> None:
    (sentence,) = spoil(PERP, f"{PERP}\ntokens = {{ WBTC = {value} }}")
    assert sentence.startswith("demo.toml: underlyings.BTC.")
    assert part in sentence


def test_a_token_needs_a_coins_name(spoil: Callable[..., list[str]]) -> None:
    (sentence,) = spoil(PERP, f"{PERP}\ntokens = {{ wBTC = 1 }}")
    assert "wBTC" in sentence


def test_ratios_reach_the_engine_to_the_last_digit_and_change_while_it_runs(folder: Path) -> None:
    path = folder / "demo.toml"
    text = path.read_text("utf-8")
    loaded = []
    for ratio in ('"1.0612345678901234567"', "1.07"):
        path.write_text(text.replace(PERP, f"{PERP}\ntokens = {{ WBTC = {ratio} }}\ntoken_jump_coin_max = 2.0", 1))
        loaded.append(load_config(path))
    first, second = loaded
    btc = first.engine_settings(1).underlyings[0]
    assert btc.tokens == {"WBTC": Decimal("1.0612345678901234567")}
    assert btc.token_jump_coin_max == 2.0
    lines = diff(first, second)
    assert any("underlyings.BTC.tokens.WBTC" in one for one in lines)
    assert restart_needed(lines) == loosened(lines) == []
