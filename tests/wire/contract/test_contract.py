"""C2: one contract test for each unified call of ccxt.pro and each product that it is for (`table.py`)."""

import asyncio
from decimal import Decimal

import ccxt.pro
import msgspec
import pytest

from hedgebot.domain.instrument import Side
from hedgebot.exchange.scenario import HoldingSpec
from hedgebot.exchange.trouble import OffBookTrade
from hedgebot.exchange.types import ExecKind
from tests.wire.contract import calls_account, calls_market, calls_orders, calls_streams
from tests.wire.contract.stage import BY_NAME, Stage, listed
from tests.wire.contract.table import ALL, CASES, FLAGS, NOT_FOR, OUT, SCOPE, WORLD_OF
from tests.wire.exchange_client import SCENARIO, lab

pytestmark = pytest.mark.wire
LISTED = {product.name for product in listed()}
EVERY = [(call, name) for call, names in SCOPE.items() for name in names if name in LISTED]
# Funding every minute, and a position in each perpetual when it falls due.
HELD = {"linear": "linear:BTCUSDT", "usdc": "linear:BTCPERP", "inverse": "inverse:BTCUSD"}
AMOUNTS = {"linear": "0.3", "usdc": "-0.5", "inverse": "-9000"}
FUNDED = msgspec.structs.replace(
    SCENARIO,
    funding_interval_s=60,
    step_ms=1_000,
    accounts=(
        msgspec.structs.replace(
            SCENARIO.accounts[0],
            positions=tuple(
                HoldingSpec(instrument=HELD[name], contracts=Decimal(AMOUNTS[name])) for name in HELD if name in LISTED
            ),
        ),
    ),
)
# Contracts that end within half a minute.
EXPIRING = msgspec.structs.replace(
    SCENARIO,
    underlyings=tuple(
        msgspec.structs.replace(one, option_expiries_s=(30.0,), future_expiries_s=(30.0,))
        for one in SCENARIO.underlyings
    ),
)
# Scenario, and how long ago it opened (s).
WORLDS = {"plain": (SCENARIO, 0), "funded": (FUNDED, 61), "expiring": (EXPIRING, 0)}
# docs/v5/enum.mdx, execType: written once more, so that a misreading in the exchange shows.
EXEC_TYPES = {
    ExecKind.ADL: "AdlTrade",
    ExecKind.BUST: "BustTrade",
    ExecKind.DELIVERY: "Delivery",
    ExecKind.SETTLE: "Settle",
    ExecKind.BLOCK_TRADE: "BlockTrade",
    ExecKind.MOVE_POSITION: "MovePosition",
    ExecKind.FUTURE_SPREAD: "FutureSpread",
    ExecKind.CORPORATE_ACTION: "CorporateAction",
}
MODULES = (calls_market, calls_orders, calls_account, calls_streams)


@pytest.mark.parametrize(("call", "product"), EVERY)
async def test_the_call_holds(call: str, product: str) -> None:
    world = WORLD_OF[call]
    scenario, age_s = WORLDS[world]
    async with lab(scenario, age_s=age_s, timeout_on_exit=1) as venue:
        await CASES[call](Stage(venue, BY_NAME[product], next_to_expire=world == "expiring"))
        assert venue.server.api.crashes == 0
        # Sockets of the client that the exchange still serves would be told of by its teardown: let them go first.
        await asyncio.sleep(0)


# A rollback is told as a trade, and struck by a trouble of its own.
@pytest.mark.parametrize("kind", [kind for kind in ExecKind if kind not in {ExecKind.TRADE, ExecKind.ROLLBACK}])
async def test_executions_of_every_type_are_asked_for_by_it(kind: ExecKind) -> None:
    async with lab(timeout_on_exit=1) as venue:
        stage = Stage(venue, BY_NAME["dated_inverse" if kind is ExecKind.SETTLE else "linear"])
        await stage.buy()
        qty = Decimal(str(stage.product.amount))
        venue.exchange.strike(
            OffBookTrade(kind=kind, account="book", instrument=stage.id, side=Side.SELL, contracts=qty)
        )
        rows = await stage.client.fetch_my_trades(stage.symbol, None, None, {"execType": EXEC_TYPES[kind]})
        stage.asked("execution/list", execType=EXEC_TYPES[kind])
        assert [(row["side"], Decimal(row["info"]["execQty"])) for row in rows] == [("sell", qty)]
        assert {row["info"]["execType"] for row in rows} == {EXEC_TYPES[kind]}
        # A plain call asks for trades only; without a type everything is listed.
        plain = await stage.client.fetch_my_trades(stage.symbol)
        assert {row["info"]["execType"] for row in plain} == {"Trade"}
        every = await stage.client.fetch_my_trades(stage.symbol, None, None, {"execType": ""})
        assert len(every) == len(plain) + len(rows)
        assert stage.held() == 0


def test_every_call_of_the_table_has_its_test() -> None:
    assert MODULES
    assert set(CASES) == set(SCOPE)


def test_no_call_that_ccxt_claims_is_forgotten() -> None:
    claimed = {name for name, value in ccxt.pro.bybit().has.items() if value} - FLAGS
    assert claimed - set(SCOPE) - set(OUT) == set(), "in `has`, but neither in SCOPE nor in OUT"
    assert set(SCOPE) - claimed <= {"fetchMarginMode"}, "in SCOPE, but ccxt claims no such call"
    assert set(OUT) <= claimed
    assert not set(SCOPE) & set(OUT)
    assert all(OUT.values())


def test_each_narrow_call_says_why() -> None:
    partial = {names for names in SCOPE.values() if names != ALL and len(names) > 1}
    reasons = {SCOPE[call] for call in NOT_FOR}
    # One reason serves all calls for the same products.
    assert partial <= reasons, [names for names in partial if names not in reasons]
