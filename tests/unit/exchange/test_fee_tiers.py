from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.exchange.fee_tiers import FeeTier, fee_rates
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import Execution, OrderRequest, OrderType


@pytest.mark.parametrize("kind", InstrumentKind)
def test_a_higher_level_never_pays_more(kind: InstrumentKind) -> None:
    rates = [fee_rates(tier, kind) for tier in FeeTier]
    assert all(before.taker >= after.taker and before.maker >= after.maker for before, after in pairwise(rates))
    assert all(one.maker <= one.taker for one in rates)


def test_regular_rates_are_the_venues() -> None:
    assert fee_rates(FeeTier.NO_VIP, InstrumentKind.INVERSE_PERP).taker == Decimal("0.00055")
    assert fee_rates(FeeTier.NO_VIP, InstrumentKind.SPOT).maker == Decimal("0.001")
    assert fee_rates(FeeTier.SUPREME, InstrumentKind.LINEAR_OPTION).maker == Decimal("0.00005")


def test_an_account_pays_by_its_level(scenario: Scenario, start_ns: int) -> None:
    accounts = (msgspec.structs.replace(scenario.accounts[0], fee_tier=FeeTier.VIP_5), scenario.accounts[1])
    exchange = Exchange(msgspec.structs.replace(scenario, accounts=accounts), start_ns)
    for account in ("main", "other"):
        for name in ("inverse:BTCUSD", "linear:BTCUSDT-25DEC26"):
            qty = Decimal(9_000) if name.startswith("inverse") else Decimal("0.1")
            exchange.place(
                OrderRequest(
                    account=account,
                    instrument=InstrumentId(f"bybit:{name}"),
                    side=Side.BUY,
                    type=OrderType.MARKET,
                    qty_contracts=qty,
                )
            )
        tier = FeeTier.VIP_5 if account == "main" else FeeTier.NO_VIP
        rows = [row for row in exchange.executions(account) if isinstance(row, Execution)]
        assert {row.fee_coin for row in rows} == {"BTC", "USDT"}
        for row in rows:
            assert row.fee_rate == fee_rates(tier, InstrumentKind.LINEAR_PERP).taker
            assert row.fee == pytest.approx(row.value * row.fee_rate, abs=Decimal("1e-8"))
