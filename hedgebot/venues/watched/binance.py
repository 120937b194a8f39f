"""Binance, read: the USD-M account, or portfolio margin where the account is in it. Owns which questions it takes.

The ratio of portfolio margin points down (uniMMR = equity / maintenance margin). Positions in coin-margined contracts
and debts of portfolio margin are in the venue's number only: no model of ours is asked then. Sources:
GET /fapi/v2/account, /papi/v1/account, /papi/v1/um/account; margin reference sections 3, 5 and 6.2.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from hedgebot.domain.errors import VenueError
from hedgebot.domain.health import Holding
from hedgebot.domain.instrument import Instrument, InstrumentKind, instrument_id
from hedgebot.domain.reports import WatchedPosition
from hedgebot.domain.whatif import OrderKind, WantedOrder, WatchedNumbers
from hedgebot.venues.health import binance as dialect
from hedgebot.venues.reading import FrameProblem, as_object, as_rows, float_or_none, number
from hedgebot.venues.watched.pockets import Pocket, Reading, profit_settle

_QUOTES = ("USDT", "USDC")
_WHOLE = "the account is in portfolio margin, where coin-margined positions and debts need margin too"


class BinanceReader:
    """One account; `portfolio` says in which mode it is."""

    def __init__(self, client: Any, now_ns: Callable[[], int], *, portfolio: bool) -> None:  # noqa: ANN401
        self._client = client
        self._now_ns = now_ns
        self._portfolio = portfolio

    async def read(self) -> Reading:
        """Ask for everything. Raises the client's errors and FrameProblem."""
        at_ns = self._now_ns()
        if self._portfolio:
            accounts = dialect.read(await self._client.papiGetAccount({}))
        else:
            accounts = dialect.read(await self._client.fapiPrivateV2GetAccount({}))
        if not accounts:
            msg = "the answer names no margin"
            raise FrameProblem(msg)
        prices = dict.fromkeys(_QUOTES, 1.0)
        if self._portfolio:
            held_any = [
                await self._holds(one) for one in (self._client.papiGetUmAccount, self._client.papiGetCmAccount)
            ]
            positions = None if any(held_any) else ()
            return Reading((Pocket(accounts[0]),), positions, _WHOLE if any(held_any) else "", prices, {}, at_ns)
        account = accounts[0]
        held = [one for one in account.holdings if one.contracts]
        if any(one.isolated for one in held):
            why = "some positions are isolated, and the venue's sums count them in"
            return Reading((Pocket(account),), None, why, prices, {}, at_ns)
        contracts = tuple(position_of(one) for one in held)
        coins = {"USDT": account.equity} if account.equity is not None else {}
        return Reading((Pocket(account),), contracts, "", prices, coins, at_ns)

    async def ask(self, order: WantedOrder) -> WatchedNumbers:
        """What an order would be, at its mark; the venue has no what-if. Raises the client's errors and VenueError."""
        if order.kind is not OrderKind.PERP:
            msg = f"what is asked about here are perpetuals; a {order.kind} is not"
            raise VenueError(msg)
        symbol = f"{order.underlying}USDT"
        answer = await self._client.fapiPublicGetPremiumIndex({"symbol": symbol})
        mark = number(as_object(answer, "the answer"), "markPrice")
        coins = float(order.qty / mark if order.in_usd else order.qty) * order.side.sign
        held = Holding(instrument=symbol, contracts=coins, value=abs(coins) * float(mark))
        return WatchedNumbers(position=position_of(held), problem="the venue has no such call: our model alone answers")

    @staticmethod
    async def _holds(ask: Callable[[dict[str, Any]], Awaitable[Any]]) -> bool:
        """Whether one side of portfolio margin has any position."""
        rows = as_rows(as_object(await ask({}), "the account").get("positions"), "positions")
        return any(float_or_none(one, "positionAmt") for one in rows)


def position_of(held: Holding) -> WatchedPosition:
    """A USD-M position; FrameProblem where the venue tells no value. Sizes are coins, so that a contract is one."""
    quote = next((one for one in _QUOTES if held.instrument.endswith(one)), None)
    if quote is None or not held.value:
        msg = f"{held.instrument} has no value in a stablecoin"
        raise FrameProblem(msg)
    mark = held.value / abs(held.contracts)
    one = Decimal(1)
    rules = Instrument(
        id=instrument_id("binance", "linear", held.instrument),
        venue="binance",
        category="linear",
        symbol=held.instrument,
        kind=InstrumentKind.LINEAR_PERP,
        underlying=held.instrument.removesuffix(quote),
        quote=quote,
        settle="USDT",
        # Never traded here: what the venue rounds to is not asked for.
        contract_size=one,
        tick_size=one,
        lot_size=one,
        qty_min=one,
    )
    profit = profit_settle(held.contracts, 1.0, held.entry, mark, is_inverse=False)
    return WatchedPosition(
        rules=rules, contracts=held.contracts, mark=mark, profit_settle=profit, leverage=held.leverage
    )
