"""A venue has one region, and what is hedged elsewhere needs an elsewhere."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hedgebot.config import load_config
from hedgebot.config.venues import forced, regions
from hedgebot.domain.settings import AdlPolicy
from tests.unit.config.test_crosscheck import PERP


def test_nothing_is_said_of_what_is_not_told() -> None:
    assert regions({"a": {"venue": "bybit"}, "b": {"venue": "bybit", "region": "tokyo"}}, "x.toml") == []
    assert forced({"BTC": {}}, None, "x.toml") == []


def test_a_venue_is_hosted_in_one_region(spoil: Callable[..., list[str]]) -> None:
    other = '[accounts.b]\nvenue = "bybit"\nrole = "book"\nregion = "tokyo"\nendpoint = "http://127.0.0.1:1"\n\n'
    said = spoil("[accounts.main]\n", f'{other}[accounts.main]\nregion = "singapore"\n')
    words = "accounts.main.region = 'singapore' must be 'tokyo', as accounts.b has it: both are at bybit"
    assert any(words in one for one in said)


@pytest.mark.parametrize("region", ["tokyo", "osaka"])
def test_venues_may_share_a_region_or_not(folder: Path, region: str) -> None:
    path = folder / "demo.toml"
    far = f'[accounts.far]\nvenue = "okx"\nrole = "watched"\nregion = "{region}"\nkeyring = "k"\n\n'
    text = path.read_text("utf-8").replace("[accounts.main]\n", f'{far}[accounts.main]\nregion = "tokyo"\n', 1)
    path.write_text(text, "utf-8")
    made = load_config(path).engine_settings(1)
    assert {one.name: one.region for one in made.accounts} == {"far": region, "main": "tokyo"}


def test_what_was_closed_by_force_needs_another_instrument_to_be_hedged_in(spoil: Callable[..., list[str]]) -> None:
    said = spoil('adl_policy = "freeze"', 'adl_policy = "rehedge_elsewhere"', file="limits.toml")
    assert any('adl_policy = "rehedge_elsewhere" needs an underlying with hedge_alternatives' in one for one in said)


def test_with_another_instrument_it_may_be_hedged_elsewhere(folder: Path) -> None:
    limits, main = folder / "limits.toml", folder / "demo.toml"
    limits.write_text(limits.read_text("utf-8").replace('adl_policy = "freeze"', 'adl_policy = "rehedge_elsewhere"'))
    text = main.read_text("utf-8").replace('funding_action = "no_risk"', 'funding_action = "switch"', 1)
    main.write_text(text.replace(PERP, f'{PERP}\nhedge_alternatives = ["bybit:linear:BTCPERP"]', 1), "utf-8")
    assert load_config(main).limits.adl_policy is AdlPolicy.REHEDGE_ELSEWHERE
