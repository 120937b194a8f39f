"""Names and units of Deribit's what-if; whole calls are in tests/wire/test_watched.py."""

from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.errors import VenueError
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.whatif import OrderKind, WantedOrder
from hedgebot.venues.reading import FrameProblem
from hedgebot.venues.watched.deribit_simulate import account_of, names_of, simulated_size
from tests.support.playbook import BTC_CALL, BTC_PERP, instrument
from tests.support.watched import RULES

DAY_NS = 1_806_048_000 * 10**9  # 2027-03-26 08:00 UTC
EARLY_NS = 1_803_888_000 * 10**9  # 2027-03-01 08:00 UTC


def order(kind: OrderKind, **changes: Any) -> WantedOrder:
    return WantedOrder(side=Side.BUY, qty=Decimal(1), in_usd=False, underlying="ETH", kind=kind, **changes)


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        (order(OrderKind.PERP), ("ETH-PERPETUAL", "ETH_USDC-PERPETUAL")),
        (order(OrderKind.FUTURE, expiry_ns=DAY_NS), ("ETH-26MAR27",)),
        (order(OrderKind.FUTURE, expiry_ns=EARLY_NS), ("ETH-1MAR27",)),
        (order(OrderKind.OPTION, expiry_ns=DAY_NS, strike=4_000.0, is_call=True), ("ETH-26MAR27-4000-C",)),
        (order(OrderKind.OPTION, expiry_ns=DAY_NS, strike=1e5, is_call=False), ("ETH-26MAR27-100000-P",)),
    ],
)
def test_names(wish: WantedOrder, names: tuple[str, ...]) -> None:
    assert names_of(wish) == names


@pytest.mark.parametrize("kind", [OrderKind.SPOT, OrderKind.FUTURE])
def test_what_has_no_name_is_refused(kind: OrderKind) -> None:
    with pytest.raises(VenueError):
        names_of(order(kind))


def test_the_unit_is_usd_for_futures_and_coins_for_options() -> None:
    assert simulated_size(RULES, Decimal(200_000), Decimal(100_000)) == 200_000
    assert simulated_size(instrument(BTC_PERP), Decimal(2), Decimal(100_000)) == 200_000
    option = instrument(BTC_CALL, InstrumentKind.COIN_OPTION)
    assert simulated_size(option, Decimal("2.5"), Decimal("0.05")) == Decimal("2.5")


def test_the_pocket_that_is_judged() -> None:
    row = {"currency": "BTC", "margin_balance": "2", "initial_margin": "0.4", "maintenance_margin": "0.2"}
    assert account_of({"result": row}).use == pytest.approx(0.1)
    crossed = row | {"cross_collateral_enabled": True, "total_margin_balance_usd": "100"}
    crossed |= {"total_initial_margin_usd": "60", "total_maintenance_margin_usd": "50"}
    assert account_of({"result": crossed}).use == pytest.approx(0.5)
    with pytest.raises(FrameProblem):
        account_of({"result": None})
