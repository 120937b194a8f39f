from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgebot.console import snapshot, words
from hedgebot.console.snapshot import (
    AccountRow,
    GoneRow,
    PositionRow,
    TreasuryRow,
    UnderlyingRow,
    VenueRow,
    read_snapshot,
)
from tests.unit.console.conftest import ALERT


@pytest.mark.parametrize(
    ("age_ms", "said"),
    [(None, "?"), (84, "84 ms"), (1_810, "1.8 s"), (99_900, "99.9 s"), (150_000, "2 min"), (9_000_000, "2 h")],
)
def test_ages_have_the_unit_that_fits(age_ms: float | None, said: str) -> None:
    assert words.age(age_ms) == said


def test_amounts_have_signs_separators_and_units() -> None:
    assert words.coin(-1234.5, "ETH") == "-1,234.500 ETH"
    assert words.coin(None, "BTC") == "? BTC"
    assert words.usd(12.345) == "12.35 USD"
    assert words.usd(-123456.7, sign=True) == "-123,457 USD"
    assert words.percent(0.1234) == "12.3 %"
    assert words.percent(None) == "? %"
    assert words.coins({"USDT": Decimal("1.5"), "BTC": Decimal("0.0001")}) == "1.50 USDT, 0.00010000 BTC"
    assert words.coins({}) == "0"


@pytest.mark.parametrize(("left_ms", "said"), [(0, False), (None, False), (5_400_000, True)])
def test_smaller_orders_after_a_change_are_told_with_their_end(
    answer: dict[str, Any], left_ms: float | None, *, said: bool
) -> None:
    answer["book"]["canary_left_ms"] = left_ms
    told = [one for one in words.status_lines(read_snapshot(answer)) if one.startswith("canary")]
    assert told == (["canary    smaller orders for another 1:30:00: see canary_hours"] if said else [])


def test_a_band_is_said_with_both_of_its_sides() -> None:
    row = UnderlyingRow(underlying="BTC", band_coin=0.25, centre_coin=3.0)
    assert words.band(row) == "±0.25 around 3"
    assert words.band(msgspec.structs.replace(row, band_below_coin=0.25)) == "±0.25 around 3"
    assert words.band(msgspec.structs.replace(row, band_below_coin=1.0, centre_coin=0.0)) == "-1/+0.25"
    assert words.band(UnderlyingRow(underlying="BTC")) == "±?"


def test_moments_and_lengths() -> None:
    assert words.clock(1_764_000_000_000_000_000) == "16:00:00"
    assert words.clock(0) == "--:--:--"
    assert words.duration(83.9) == "1:23"
    assert words.duration(3_723) == "1:02:03"
    assert words.duration(None) == "?"


def test_triggers_name_only_prices_that_exist() -> None:
    assert words.triggers(UnderlyingRow()) == "no price triggers a hedge"
    assert words.triggers(UnderlyingRow(next_trigger_up_usd=90_912.0)) == "hedge > 90,912 USD"


def test_positions_have_their_unit() -> None:
    coins = PositionRow(instrument="BTC", kind="coins", contracts=Decimal("1234.5"))
    assert words.position_size(coins, "BTC") == "+1,234.5 BTC"
    assert words.position_name(coins) == "coins BTC"
    assert words.position_size(PositionRow(), "BTC") == "?"
    meth = PositionRow(instrument="METH", kind="token", contracts=Decimal(5), ratio=1.06, venue="bybit", account="main")
    assert words.position_size(meth, "ETH") == "+5 METH"
    assert words.position_name(meth) == "token METH x 1.06 on bybit/main"


def test_one_line_says_the_most_important(answer: dict[str, Any]) -> None:
    answer["book"]["alerts"] = [ALERT]
    answer["book"]["orders"][0]["status"] = "unknown"
    assert words.status_line(read_snapshot(answer)) == (
        "16:01:40 ACTIVE | BTC +0.1834 BTC of ±0.25 | ETH -4.213 ETH of ±4 | margin 12.3 % | hedges 12 | "
        "1 unknown orders | alerts: UnknownOrderAge RB-07"
    )


def test_the_whole_status_names_everything(answer: dict[str, Any]) -> None:
    answer["book"]["alerts"] = [ALERT]
    answer["book"]["accounts"][0]["differences"] = ["bybit:linear:BTCUSDT: venue 1.5"]
    text = "\n".join(words.status_lines(read_snapshot(answer)))
    for fact in (
        *("ACTIVE: feeds fresh", "paper book demo, up 1:23", "worst case 0.2017 BTC", "limit ±1.00"),
        *(
            "option BTC-27NOV26-90012-C-USDT -2 contracts",
            "fees 12.31 USDT",
            "funding +12.31 USD/day of 500.00 USD/day",
        ),
        *(
            "differs: bybit:linear:BTCUSDT: venue 1.5",
            "reconciled 8.1 s ago",
            "(runbooks/RB-07-*.md)",
            "1 open, 0 unknown",
        ),
    ):
        assert fact in text


def test_decisions_that_sent_nothing_say_so(answer: dict[str, Any]) -> None:
    answer["book"]["decisions"][1] |= {"outcome": "refused"}
    refused = read_snapshot(answer).book.decisions[1]
    assert words.decision_action(refused) == "refused (sell 0.0940 BTC)"
    assert words.decision_line(refused).startswith("16:00:07 BTC refused (sell 0.0940 BTC): net delta 0.2812 BTC")


def test_channels_in_words() -> None:
    ok = snapshot.ChannelRow(name="ops", kind="webhook", handed_over=3)
    bad = snapshot.ChannelRow(name="page", kind="command", problem="page ended with code 3\x1b")
    idle = snapshot.ChannelRow(name="stderr", kind="stderr")
    facts = snapshot.DeliveryFacts(
        channels=(ok, bad, idle), waiting=2, dropped=1, latency=snapshot.LatencyFacts(count=3, max_s=0.42)
    )
    (line,) = words.channel_lines(facts)
    assert line == (
        "told by   ops ok, page FAILS (page ended with code 3\\x1b; RB-30), stderr not used yet; slowest 0.42 s of 3; "
        "2 waiting; 1 DROPPED"
    )
    assert words.channel_lines(snapshot.DeliveryFacts()) == []


def test_hedges_in_several_instruments_are_told_with_what_stands_against_each_other(answer: dict[str, Any]) -> None:
    btc = answer["book"]["underlyings"][0] if "book" in answer else answer["underlyings"][0]
    btc |= {
        "opposed_coin": 0.2,
        "opposed_coin_max": 0.5,
        "hedge_legs": [
            {"instrument": "bybit:linear:BTCUSDT", "role": "main", "held_coin": -0.5, "book_age_ms": 84},
            {"instrument": "bybit:linear:BTC-25DEC26", "role": "buy", "held_coin": 0.2, "book_age_ms": 90},
        ],
    }
    lines = words.status_lines(read_snapshot(answer))
    told = next(line for line in lines if line.startswith("          hedges "))
    assert "linear BTCUSDT (main) -0.5000" in told
    assert "linear BTC-25DEC26 (buy) +0.2000" in told
    assert told.endswith("0.2000 against each other of at most 0.5")
    assert words.hedge_names(read_snapshot(answer).book.underlyings[0]) == (
        "linear BTCUSDT (main), linear BTC-25DEC26 (buy)"
    )
    assert words.hedge_names(UnderlyingRow(hedge_instrument="bybit:linear:ETHUSDT")) == "linear ETHUSDT"


def test_a_venue_that_is_gone_says_what_is_lost_and_left_open() -> None:
    gone = (GoneRow(underlying="BTC", delta_coin=2.0, delta_usd=200_000.0), GoneRow(underlying="ETH"))
    one = VenueRow(
        venue="bybit", equity_usd=1e6, share=0.62, share_max=0.5, equity_usd_max=1e12, loss_usd=1e6, gone=gone
    )
    assert words.venue_line(one) == (
        "bybit gone: -1,000,000 USD, leaves +2.0000 BTC (+200,000 USD), ? ETH (? USD) open; "
        "62.0 % of all equity, cap 50.0 %"
    )
    unknown = VenueRow(venue="bybit")
    assert words.venue_gone(unknown) == f"bybit gone: {words.UNKNOWN} USD, leaves nothing open"
    assert words.venue_cap(VenueRow(venue="x", share=1.0, share_max=1.0, equity_usd_max=5e5)).endswith(
        "cap 500,000 USD"
    )
    assert words.venue_cap(VenueRow(venue="x", share=1.0, share_max=1.0, equity_usd_max=1e12)).endswith("no cap")
    tokyo = VenueRow(venue="x", share=0.4, share_max=0.6, region="tokyo", region_share=0.7)
    assert words.venue_cap(tokyo) == "40.0 % of all equity (tokyo: 70.0 %), cap 60.0 %"


def test_stresses_regime_and_segments_stand_in_the_status() -> None:
    account = AccountRow(
        account="main",
        regime="buffer floor 50%: event FOMC until 2026-12-09 21:00 UTC",
        collateral_shock="USDT losing 33% costs 3,000 USD: margin use 56%",
        margin_hike="margin rates x 1.5: margin use 62%",
    )
    lines = words.account_lines(account)
    assert f"          {account.collateral_shock}; {account.margin_hike}" in lines
    assert f"          {account.regime}" in lines
    row = TreasuryRow(account="main", coin="USDT", trading_qty=Decimal("8000.126"), plan="4500 USDT would cure it")
    assert words.treasury_line(row) == (
        f"main: trading 8,000.13, buffer {words.UNKNOWN}, emergency {words.UNKNOWN} USDT; 4500 USDT would cure it"
    )


def test_coins_that_nobody_named_stand_with_their_account() -> None:
    lines = words.account_lines(AccountRow(account="main", unnamed=("METH on main: 12.3 are no exposure",)))
    assert "          METH on main: 12.3 are no exposure" in lines


def test_a_watched_account_has_neither_streams_nor_truth() -> None:
    row = AccountRow(account="options", role="watched", watched=True, margin_use=0.4, pocket="its worst pocket, BTC")
    lines = words.account_lines(row)
    assert lines[0].startswith("margin    options (watched): 40.0 % used")
    assert "its worst pocket, BTC" in lines[1]
    assert lines[-1].startswith("data      options: only watched, its positions are no exposure here")
    assert not any("RECONCILED" in line or "dead man" in line for line in lines)
