"""Positions, wallet and ledger in the venue's words."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.types import (
    LedgerKind,
    MarginMode,
    PositionStatus,
)
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_account import (
    LEDGER_TYPE,
    POSITION_STATUS,
    ledger_fields,
    position_fields,
    position_stream_fields,
    wallet_fields,
)
from tests.unit.exchange.wire.conftest import SPOT, trade


def test_positions_long_short_flat(api: Api) -> None:
    for position in api.exchange.positions("book"):
        listing = api.exchange.listing(position.instrument)
        assert listing is not None
        one = listing.instrument
        fields = position_fields(position, one)
        assert Decimal(str(fields["size"])) == abs(position.contracts)
        assert fields["side"] == ("Buy" if position.contracts > 0 else "Sell")
        stream = position_stream_fields(position, one)
        assert "avgPrice" not in stream
        assert (stream["entryPrice"], stream["category"]) == (fields["avgPrice"], one.category)
        assert ("delta" in fields) is one.kind.is_option


def test_a_flat_position_has_no_side_and_no_price(api: Api) -> None:
    position, *_ = api.exchange.positions("book")
    listing = api.exchange.listing(position.instrument)
    assert listing is not None
    flat = msgspec.structs.replace(position, contracts=Decimal(0), entry_price=None)
    fields = position_fields(flat, listing.instrument)
    assert (fields["side"], fields["size"], fields["avgPrice"]) == ("", "0", "0")


def test_the_wallet_adds_up(api: Api) -> None:
    wallet = api.exchange.wallet("book")
    fields = wallet_fields(wallet, wallet.coins)
    coins = fields["coin"]
    assert isinstance(coins, list)
    assert float(str(fields["totalEquity"])) == pytest.approx(sum(float(coin["usdValue"]) for coin in coins), rel=0.001)
    assert fields["accountMMRate"] != ""
    unknown = msgspec.structs.replace(wallet, maintenance_margin_rate=None)
    assert wallet_fields(unknown, ())["accountMMRate"] == ""


def test_debt_is_shown_as_borrowed(api: Api) -> None:
    wallet = api.exchange.wallet("book")
    owed = msgspec.structs.replace(wallet.coins[0], wallet=Decimal("-1.5"), borrowed=Decimal("1.5"))
    coins = wallet_fields(wallet, (owed,))["coin"]
    assert isinstance(coins, list)
    assert (coins[0]["borrowAmount"], coins[0]["walletBalance"]) == ("1.5", "-1.5")
    # Equity is balance - spotBorrow + profit: what is owed must not count twice.
    assert coins[0]["spotBorrow"] == "0"


def test_ledger_lines_sum_to_the_change(api: Api) -> None:
    trade(api, SPOT)
    listing = api.exchange.listing(SPOT)
    assert listing is not None
    for entry in api.exchange.ledger("book"):
        line = ledger_fields(entry, listing.instrument)
        assert Decimal(str(line["change"])) == Decimal(str(line["cashFlow"])) - Decimal(str(line["fee"]))
        assert (line["funding"], line["type"]) == ("", "TRADE")
        paid = msgspec.structs.replace(entry, kind=LedgerKind.FUNDING, funding=Decimal(-2))
        line = ledger_fields(paid, listing.instrument)
        assert (line["funding"], line["type"]) == ("2", "SETTLEMENT")


def test_every_cause_of_a_change_has_a_word() -> None:
    assert set(LEDGER_TYPE) == set(LedgerKind)


def test_isolated_and_portfolio_margin_show_what_the_venue_shows(api: Api) -> None:
    name = InstrumentId("bybit:linear:BTCPERP")
    position, listing = api.exchange.position("book", name), api.exchange.listing(name)
    assert position is not None
    assert listing is not None
    shown = position_fields(position, listing.instrument)
    assert shown["positionIM"] == shown["positionIMByMp"] != ""
    alone = msgspec.structs.replace(
        position,
        margin_mode=MarginMode.ISOLATED,
        position_margin=Decimal("4500.5"),
        is_auto_add=True,
        liquidation_price=97_123.456,
    )
    fields = position_fields(alone, listing.instrument)
    assert (fields["positionBalance"], fields["autoAddMargin"], fields["liqPrice"]) == ("4500.5", 1, "97123.4")
    portfolio = msgspec.structs.replace(position, margin_mode=MarginMode.PORTFOLIO, liquidation_price=None)
    whole = position_fields(portfolio, listing.instrument)
    empty = ("leverage", "liqPrice", "positionIM", "positionIMByMp", "positionMM", "positionMMByMp")
    assert {name: whole[name] for name in empty} == dict.fromkeys(empty, "")
    assert (whole["riskId"], whole["riskLimitValue"]) == (0, "0")


def test_a_coin_has_no_margins_of_its_own_in_portfolio_margin(api: Api) -> None:
    wallet = api.exchange.wallet("book")
    portfolio = msgspec.structs.replace(wallet, margin_mode=MarginMode.PORTFOLIO)
    empty = ("totalOrderIM", "totalPositionIM", "totalPositionMM")
    for shown, is_empty in ((wallet, False), (portfolio, True)):
        coins = wallet_fields(shown, shown.coins)["coin"]
        assert isinstance(coins, list)
        assert all((coin[name] == "") is is_empty for coin in coins for name in empty)


def test_a_position_in_trouble_is_marked(api: Api) -> None:
    position, *_ = api.exchange.positions("book")
    listing = api.exchange.listing(position.instrument)
    assert listing is not None
    marked = msgspec.structs.replace(position, status=PositionStatus.ADL, adl_rank=4)
    fields = position_fields(marked, listing.instrument)
    assert (fields["positionStatus"], fields["adlRankIndicator"]) == ("Adl", 4)
    assert set(POSITION_STATUS) == set(PositionStatus)
