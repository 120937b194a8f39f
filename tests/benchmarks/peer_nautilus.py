"""NautilusTrader over the replay benchmark's quotes, in an interpreter of its own: `PYTHON peer_nautilus.py FILE.npz`.

The same policy as ours: delta of an inverse position and its hedge at the middle, a band, a market order back to the
inside target, floored to the lot. Prints one JSON line: version, CPU seconds of the engine's run (ticks are made
before), the orders. Imports nothing of the project: that interpreter does not have it.
"""

import importlib
import json
import math
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

LOT = Decimal("0.001")


def main(columns: Path) -> None:
    """Run once over the columns: `at_ns`, `bid`, `ask` (ticks of 0.1), `terms` (USD of the inverse, hedge, band)."""
    found = np.load(columns)
    usd, hedge, band, target_ratio = (float(one) for one in found["terms"])
    engine, instrument, strategy = build(usd, hedge, band, target_ratio)
    engine.add_data(ticks(instrument, found["at_ns"], found["bid"], found["ask"]))
    start = time.process_time()
    engine.run()
    cpu_s = time.process_time() - start
    version = importlib.import_module("nautilus_trader").__version__
    sys.stdout.write(json.dumps({"version": version, "cpu_s": cpu_s, "orders": strategy.sent}) + "\n")


def ticks(instrument: Any, at_ns: Any, bid: Any, ask: Any) -> list[Any]:
    """The quotes as the engine's own objects."""
    data = importlib.import_module("nautilus_trader.model.data")
    objects = importlib.import_module("nautilus_trader.model.objects")
    size = objects.Quantity(100, 3)
    rows = zip(at_ns.tolist(), bid.tolist(), ask.tolist(), strict=True)
    return [
        data.QuoteTick(
            instrument.id, objects.Price(one / 10, 1), objects.Price(other / 10, 1), size, size, moment, moment
        )
        for moment, one, other in rows
    ]


def build(usd: float, hedge: float, band: float, target_ratio: float) -> tuple[Any, Any, Any]:
    """Engine, instrument and strategy."""
    backtest = importlib.import_module("nautilus_trader.backtest.engine")
    config = importlib.import_module("nautilus_trader.config")
    enums = importlib.import_module("nautilus_trader.model.enums")
    objects = importlib.import_module("nautilus_trader.model.objects")
    usdt = importlib.import_module("nautilus_trader.model.currencies").USDT
    identifiers = importlib.import_module("nautilus_trader.model.identifiers")
    engine = backtest.BacktestEngine(
        backtest.BacktestEngineConfig(logging=config.LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    engine.add_venue(
        venue=identifiers.Venue("SIM"),
        oms_type=enums.OmsType.NETTING,
        account_type=enums.AccountType.MARGIN,
        base_currency=None,
        starting_balances=[objects.Money(1_000_000, usdt)],
    )
    instrument = perpetual()
    engine.add_instrument(instrument)
    strategy = hedger(instrument, usd, hedge, band, target_ratio)
    engine.add_strategy(strategy)
    return engine, instrument, strategy


def perpetual() -> Any:
    """A linear perpetual with the benchmark's tick and lot."""
    model = importlib.import_module("nautilus_trader.model.instruments")
    objects = importlib.import_module("nautilus_trader.model.objects")
    currencies = importlib.import_module("nautilus_trader.model.currencies")
    identifiers = importlib.import_module("nautilus_trader.model.identifiers")
    symbol = identifiers.Symbol("BTCUSDT-PERP")
    return model.CryptoPerpetual(
        instrument_id=identifiers.InstrumentId(symbol, identifiers.Venue("SIM")),
        raw_symbol=symbol,
        base_currency=currencies.BTC,
        quote_currency=currencies.USDT,
        settlement_currency=currencies.USDT,
        is_inverse=False,
        price_precision=1,
        size_precision=3,
        price_increment=objects.Price.from_str("0.1"),
        size_increment=objects.Quantity.from_str("0.001"),
        margin_init=Decimal("0.02"),
        margin_maint=Decimal("0.005"),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.00055"),
        ts_event=0,
        ts_init=0,
    )


def hedger(instrument: Any, usd: float, opening: float, band: float, target_ratio: float) -> Any:
    """The band policy as a strategy."""
    trading = importlib.import_module("nautilus_trader.trading.strategy")
    enums = importlib.import_module("nautilus_trader.model.enums")
    inside = band * target_ratio

    class Hedger(trading.Strategy):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.hedge = Decimal(repr(opening))
            self.sent: list[tuple[int, str]] = []

        def on_start(self) -> None:
            self.subscribe_quote_ticks(instrument.id)

        def on_quote_tick(self, tick: Any) -> None:
            middle = (tick.bid_price.as_double() + tick.ask_price.as_double()) / 2
            delta = float(self.hedge) + usd / middle
            if abs(delta) <= band:
                return
            lots = math.floor(Decimal(repr(abs(delta) - inside)) / LOT)
            if not lots:
                return
            side = enums.OrderSide.SELL if delta > 0 else enums.OrderSide.BUY
            signed = LOT * lots * (-1 if delta > 0 else 1)
            self.sent.append((tick.ts_event, str(signed)))
            self.submit_order(self.order_factory.market(instrument.id, side, instrument.make_qty(LOT * lots)))

        def on_order_filled(self, event: Any) -> None:
            sign = 1 if event.order_side == enums.OrderSide.BUY else -1
            self.hedge += event.last_qty.as_decimal() * sign

    return Hedger()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
