"""Scopes in the configuration: names that do not exist and scopes that get in each other's way are told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hedgebot.config import load_config
from hedgebot.domain.scope import scope_of

PLACE = 'underlyings = ["BTC", "ETH"]'


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ('accounts = ["desk"]', "accounts names desk, which is not one of the [accounts] or [holdings] (known: main)"),
        ('accounts = ["main", "main"]', "accounts names main twice"),
        ('instruments = ["BTCUSDT"]', "must be venue:category:symbol"),
        ('instruments = ["okx:linear:BTCUSDT"]', "names okx:linear:BTCUSDT, and no account is at okx"),
        ('instruments = ["bybit:linear:SOLUSDT"]', "does not look like an instrument on BTC or ETH"),
    ],
)
def test_a_scope_that_does_not_exist_is_refused(spoil: Callable[..., list[str]], keys: str, part: str) -> None:
    (sentence,) = spoil(PLACE, f"{PLACE}\n{keys}")
    assert part in sentence


def test_two_strategies_of_one_underlying_share_one_scope(spoil: Callable[..., list[str]]) -> None:
    other = '[strategies.target]\nenabled = true\nunderlyings = ["ETH"]\ninstruments = ["bybit:linear:ETHPERP"]\n'
    (sentence,) = spoil(
        f"{PLACE}\n",
        f'{PLACE}\naccounts = ["main"]\n{other}[strategies.patience]\nenabled = false\nunderlyings = ["BTC"]\n',
    )
    assert "strategies.target.accounts and instruments give ETH another scope than strategies.delta_neutral" in sentence


def test_a_section_without_a_scope_takes_that_of_the_others(folder: Path) -> None:
    path = folder / "demo.toml"
    text = path.read_text("utf-8").replace(PLACE, f'{PLACE}\naccounts = ["main"]')
    text += '\n[strategies.patience]\nenabled = false\nunderlyings = ["BTC"]\n'
    path.write_text(text, "utf-8")
    settings = load_config(path).engine_settings(1)
    assert scope_of(settings, "BTC").accounts == ("main",)
