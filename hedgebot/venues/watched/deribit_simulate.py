"""Deribit's own what-if: private/simulate_portfolio with one position more. Owns names, units and the answer.

The trap is the unit: futures are simulated in USD, options in coins (margin reference section 4). At most one call a
second. Before and after the order are both of this call, which calculates by portfolio margin: in standard margin the
account's summary is of another model, and a rise could look like a fall beside it. Places nothing.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ccxt

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.errors import VenueError
from hedgebot.domain.health import AccountHealth
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.reports import WatchedPosition
from hedgebot.domain.whatif import OrderKind, VenueNumbers, WantedOrder, WatchedNumbers
from hedgebot.venues.health import deribit as dialect
from hedgebot.venues.reading import FrameProblem, Raw, as_object, number
from hedgebot.venues.watched.deribit import DeribitReader
from hedgebot.venues.watched.deribit_marks import marked
from hedgebot.venues.watched.sizes import contracts_of
from hedgebot.venues.watched.turns import Turns

CALL_S = 1.0


class DeribitSimulator:
    """Asks for one account."""

    def __init__(self, client: Any, reader: DeribitReader) -> None:  # noqa: ANN401  # ccxt is untyped
        self._client = client
        self._reader = reader
        self._turns = Turns(CALL_S)

    async def ask(self, order: WantedOrder) -> WatchedNumbers:
        """The account's margins before and after; raises the client's errors, FrameProblem and VenueError."""
        rules = await self._instrument(order)
        ticker = await self._client.publicGetTicker({"instrument_name": rules.symbol})
        row = as_object(as_object(ticker, "the ticker").get("result"), "result")
        mark, index = number(row, "mark_price"), number(row, "index_price")
        contracts = contracts_of(order, rules, index if rules.kind.is_option else mark)
        size = simulated_size(rules, contracts, mark) * order.side.sign
        before = await self._simulate(rules, {})
        after = await self._simulate(rules, {"simulated_positions": json.dumps({rules.symbol: float(size)})})
        position = WatchedPosition(rules=rules, contracts=float(contracts) * order.side.sign, mark=float(mark))
        if rules.kind.is_option:
            position = marked(position, row)
        signed = VenueNumbers(
            initial_before=before.initial_use,
            initial_after=after.initial_use,
            maintenance_before=before.use,
            maintenance_after=after.use,
        )
        return WatchedNumbers(position=position, theirs=signed)

    async def _simulate(self, rules: Instrument, added: dict[str, str]) -> AccountHealth:
        """The pocket that the order's margin is taken from, with what is added to the real positions."""
        await self._turns.take()
        wish = {"currency": rules.settle, "add_positions": "true"} | added
        return account_of(as_object(await self._client.privateGetSimulatePortfolio(wish), "the answer"))

    async def _instrument(self, order: WantedOrder) -> Instrument:
        """What the words mean here: the inverse contract first, then the linear one."""
        first, *others = names_of(order)
        try:
            return await self._reader.instrument(first)
        except ccxt.ExchangeError:
            if not others:
                raise
        return await self._reader.instrument(others[0])


def names_of(order: WantedOrder) -> tuple[str, ...]:
    """The instrument's name, and another where a coin has only linear contracts. VenueError for what has no margin."""
    coin = order.underlying
    if order.kind is OrderKind.PERP:
        return f"{coin}-PERPETUAL", f"{coin}_USDC-PERPETUAL"
    if order.kind is OrderKind.SPOT:
        msg = "a spot order is no position: the venue simulates futures and options"
        raise VenueError(msg)
    if not order.expiry_ns:
        msg = f"say the day of the {order.kind}, such as: buy 1 {coin} future 2027-03-26"
        raise VenueError(msg)
    day = datetime.fromtimestamp(order.expiry_ns / NS_PER_S, UTC)
    dated = f"{coin}-{day.day}{day.strftime('%b%y').upper()}"
    if order.kind is OrderKind.FUTURE:
        return (dated,)
    return (f"{dated}-{order.strike:g}-{'C' if order.is_call else 'P'}",)


def simulated_size(rules: Instrument, contracts: Decimal, mark: Decimal) -> Decimal:
    """A position's size in the unit of the call: USD for futures and perpetuals, coins for options."""
    if rules.kind.is_option:
        return contracts
    return abs(rules.notional_quote(contracts, mark))


def account_of(answer: Raw) -> AccountHealth:
    """The account of a simulation: whole in USD where collateral is crossed, else the currency's own pocket."""
    row = dict(as_object(answer.get("result"), "result"))
    if row.get("cross_collateral_enabled") is True:
        row.setdefault("margin_model", "cross")
    accounts = dialect.read({"result": {"summaries": [row]}, "usOut": answer.get("usOut", 0)})
    if not accounts:
        msg = "the simulation names no margin"
        raise FrameProblem(msg)
    return accounts[0]
