from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.events import ExecutionKind, Source
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.faults import Altered
from hedgebot.exchange.types import Execution, Origin
from hedgebot.lab.translate import (
    execution_fact,
    market_facts,
    order_report,
    position_report,
    private_fact,
    spoilt,
    wallet_report,
)
from tests.unit.lab.bench import PERP, START_NS, Bench


def test_markets_are_told_as_an_adapter_would() -> None:
    bench = Bench(flow=False)
    top, ticker = market_facts(bench.exchange, PERP)
    assert isinstance(top, ev.BookTop)
    assert isinstance(ticker, ev.Ticker)
    assert top.bid is not None
    assert top.ask is not None
    assert top.bid < top.ask
    assert ticker.mark == pytest.approx(Decimal(90_000), rel=Decimal("0.01"))
    assert ticker.funding_interval_hours == 8.0
    option = next(one.instrument.id for one in bench.exchange.listings() if one.instrument.kind.is_option)
    (quote,) = market_facts(bench.exchange, option)
    assert isinstance(quote, ev.OptionQuote)
    assert quote.iv == pytest.approx(0.5, abs=0.3)
    with pytest.raises(KeyError):
        market_facts(bench.exchange, InstrumentId("bybit:linear:NONE"))


def test_what_an_account_did_is_told_exactly() -> None:
    bench = Bench()
    bench.host.start()
    bench.run(60)
    rows = bench.exchange.executions("main")
    facts = [execution_fact(row, "book", Source.QUERY) for row in rows]
    fills = [one for one in facts if isinstance(one, ev.FillReceived)]
    assert len(fills) == len(rows) > 0
    assert {one.kind for one in fills} == {ExecutionKind.TRADE}
    assert {one.account for one in fills} == {"book"}
    assert isinstance(rows[0], Execution)
    stepped = msgspec.structs.replace(rows[0], order=msgspec.structs.replace(rows[0].order, origin=Origin.LIQUIDATION))
    step = execution_fact(stepped, "book", Source.QUERY)
    assert isinstance(step, ev.FillReceived)
    assert step.kind is ExecutionKind.LIQUIDATION, "a step down a ladder is a trade in the market, and no trade of ours"
    back = msgspec.structs.replace(rows[0], order=msgspec.structs.replace(rows[0].order, origin=Origin.ADMIN))
    taken = execution_fact(back, "book", Source.QUERY)
    assert isinstance(taken, ev.FillReceived)
    assert taken.kind is ExecutionKind.ROLLBACK, "as the venue's profile reads what an administrator made"
    signed = sum(one.qty_contracts * one.side.sign for one in fills if one.instrument == PERP)
    assert signed == bench.perp_contracts()
    (position,) = [one for one in bench.exchange.positions("main") if one.instrument == PERP]
    assert position_report(position, "book").contracts == signed
    order = bench.exchange.order_history("main")[-1]
    assert order_report(order, "book").filled_contracts == order.filled_contracts
    wallet = wallet_report(bench.exchange.wallet("main"), "book")
    assert wallet.balances["USDT"] == next(
        one.wallet for one in bench.exchange.wallet("main").coins if one.coin == "USDT"
    )
    assert wallet.equity_usd is not None
    assert wallet.venue_at_ns > START_NS
    assert wallet.debts == {}


def test_what_is_owed_counts_the_losses_of_open_contracts() -> None:
    wallet = Bench(flow=False).exchange.wallet("main")
    (usdt,) = [one for one in wallet.coins if one.coin == "USDT"]
    owing = msgspec.structs.replace(usdt, wallet=Decimal(-500), equity=Decimal(-120_500), borrowed=Decimal(120_000))
    report = wallet_report(msgspec.structs.replace(wallet, coins=(owing,)), "book")
    assert report.debts == {"USDT": Decimal(120_500)}


def test_wrong_figures_touch_the_named_fields_only() -> None:
    bench = Bench(flow=False)
    top, ticker = market_facts(bench.exchange, PERP)
    wrong = spoilt(ticker, Altered(fields=("mark", "index", "bid"), factor=0.84))
    assert isinstance(ticker, ev.Ticker)
    assert isinstance(wrong, ev.Ticker)
    assert ticker.mark is not None
    assert wrong.mark == ticker.mark * Decimal("0.84")
    assert wrong.last == ticker.last
    gone = spoilt(top, Altered(fields=("bid",), missing=True))
    assert isinstance(gone, ev.BookTop)
    assert gone.bid is None
    assert gone.ask is not None


def test_news_of_others_are_none_of_ours() -> None:
    bench = Bench()
    seen: list[ev.Event | None] = []
    bench.exchange.listen(lambda notice: seen.append(private_fact(bench.exchange, notice, "somebody", "book")))
    bench.host.start()
    bench.run(20)
    assert seen
    assert set(seen) == {None}
