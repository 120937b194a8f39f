"""Deribit, read: account summaries, positions, what options are marked at, and what instruments are.

Owns which questions make one reading. Sizes of positions are in USD for inverse contracts and in coins for linear ones
and options; both stand as contracts of size one. How options are asked for is `deribit_marks.py`'s. Sources:
private/get_account_summaries, private/get_positions, public/get_instrument, public/get_index_price; margin reference
sections 3, 5 and 6.1.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.health import AccountHealth, Holding
from hedgebot.domain.instrument import STABLECOINS, Instrument, InstrumentKind, OptionType, instrument_id
from hedgebot.domain.reports import WatchedPosition
from hedgebot.venues.health import deribit as dialect
from hedgebot.venues.reading import FrameProblem, Raw, as_object, number, text
from hedgebot.venues.watched.deribit_marks import with_marks
from hedgebot.venues.watched.deribit_parameters import CROSS, ParameterReader
from hedgebot.venues.watched.pockets import Pocket, Reading, known_or_why, known_price, profit_settle

ONE = Decimal(1)
_CROSS = "cross"
_IN_USD = frozenset({"BTC", "ETH"})
"""Coins whose index is in USD (index names of the public documentation); that of every other coin is in USDC."""


class DeribitReader:
    """One account. What an instrument is, is asked once."""

    def __init__(self, client: Any, now_ns: Callable[[], int]) -> None:  # noqa: ANN401  # ccxt is untyped
        self._client = client
        self._now_ns = now_ns
        self._known: dict[str, Instrument] = {}
        self._parameters = ParameterReader(client, now_ns)

    async def read(self) -> Reading:
        """Ask for everything. Raises the client's errors and FrameProblem."""
        at_ns = self._now_ns()
        answer = as_object(await self._client.privateGetGetAccountSummaries({}), "the summaries")
        accounts = dialect.read(answer)
        if not accounts:
            msg = "the account summaries have no summary"
            raise FrameProblem(msg)
        positions, problem = await known_or_why(self._positions)
        return await self._reading(accounts, positions, problem, at_ns)

    async def _positions(self) -> tuple[WatchedPosition, ...]:
        held = dialect.read_positions(await self._client.privateGetGetPositions({"currency": "any"}))
        found = [await self.position(one) for one in held]
        return await with_marks(self._client, found)

    async def _reading(
        self,
        accounts: tuple[AccountHealth, ...],
        positions: tuple[WatchedPosition, ...] | None,
        problem: str,
        at_ns: int,
    ) -> Reading:
        whole, each = [one for one in accounts if one.unit == "USD"], [one for one in accounts if one.unit != "USD"]
        pockets = tuple(Pocket(one) for one in whole) or tuple(Pocket(one, settles=one.unit) for one in each)
        owned = dialect.owned(accounts)
        prices = dialect.prices(accounts) if whole else {}
        settles = {one.rules.settle for one in positions or ()}
        quotes = {one.rules.quote for one in positions or ()}
        # The formulas of options are in parts of the index, also where nothing of the coin is owned.
        quotes |= {one.rules.underlying for one in positions or () if one.rules.kind.is_option}
        for coin in sorted({*(coin for coin, qty in owned.items() if qty), *settles, *quotes} - prices.keys()):
            if price := await known_price(partial(self.price_usd, coin)):
                prices[coin] = price
        mode = dialect.margin_mode(accounts)
        units = [one.health.unit for one in pockets if one.health.maintenance] if mode == "portfolio" else []
        # A currency by itself has parameters in its coin, a whole account those that count in USD.
        told = [await self._parameters.read(CROSS if one == "USD" else one) for one in units]
        known = {unit: one for unit, one in zip(units, told, strict=True) if one}
        return Reading(pockets, positions, problem, prices, owned, at_ns, mode, known)

    async def price_usd(self, coin: str) -> float:
        """USD per coin, by the venue's index; raises the client's error where it has none."""
        if coin in STABLECOINS:
            return 1.0
        quote = "usd" if coin in _IN_USD else "usdc"
        wanted = {"index_name": f"{coin.lower()}_{quote}"}
        answer = as_object(await self._client.publicGetGetIndexPrice(wanted), "index")
        return float(number(as_object(answer.get("result"), "result"), "index_price"))

    async def position(self, held: Holding) -> WatchedPosition:
        """A position with its instrument. Raises FrameProblem where the venue tells no mark."""
        rules = await self.instrument(held.instrument)
        if not held.mark:
            msg = f"the position in {held.instrument} has no mark price"
            raise FrameProblem(msg)
        is_inverse = rules.kind.is_inverse
        profit = (
            0.0
            if rules.kind.is_option
            else profit_settle(held.contracts, 1.0, held.entry, held.mark, is_inverse=is_inverse)
        )
        return WatchedPosition(
            rules=rules,
            contracts=held.contracts,
            mark=held.mark,
            profit_settle=profit,
            leverage=held.leverage,
            maintenance_settle=held.maintenance,
        )

    async def instrument(self, name: str) -> Instrument:
        """What an instrument is, from the venue or from what it said before."""
        if name not in self._known:
            answer = as_object(await self._client.publicGetGetInstrument({"instrument_name": name}), "the instrument")
            self._known[name] = instrument_of(as_object(answer.get("result"), "result"))
        return self._known[name]


def instrument_of(row: Raw) -> Instrument:
    """An instrument in our words; FrameProblem for a kind that is none of ours."""
    name, kind = text(row, "instrument_name"), text(row, "kind")
    is_inverse = row.get("instrument_type") == "reversed"
    ours = _kind(kind, is_inverse=is_inverse, is_perp=row.get("settlement_period") == "perpetual", name=name)
    category = kind if kind in {"option", "spot"} else "inverse" if is_inverse else "linear"
    option = _option(row) if kind == "option" else {}
    is_dated = ours not in (InstrumentKind.INVERSE_PERP, InstrumentKind.LINEAR_PERP, InstrumentKind.SPOT)
    least = number(row, "min_trade_amount")
    return Instrument(
        id=instrument_id("deribit", category, name),
        venue="deribit",
        category=category,
        symbol=name,
        kind=ours,
        underlying=text(row, "base_currency"),
        quote=text(row, "quote_currency"),
        settle=text(row, "settlement_currency") if kind != "spot" else text(row, "quote_currency"),
        contract_size=ONE,
        tick_size=number(row, "tick_size"),
        lot_size=least,
        qty_min=least,
        expiry_ns=int(number(row, "expiration_timestamp")) * NS_PER_MS if is_dated else None,
        **option,
    )


def _kind(kind: str, *, is_inverse: bool, is_perp: bool, name: str) -> InstrumentKind:
    match kind:
        case "option":
            return InstrumentKind.COIN_OPTION if is_inverse else InstrumentKind.LINEAR_OPTION
        case "spot":
            return InstrumentKind.SPOT
        case "future" if is_perp:
            return InstrumentKind.INVERSE_PERP if is_inverse else InstrumentKind.LINEAR_PERP
        case "future":
            return InstrumentKind.INVERSE_FUTURE if is_inverse else InstrumentKind.LINEAR_FUTURE
        case _:
            msg = f"{name} is a {kind}: no option, future, perpetual or spot"
            raise FrameProblem(msg)


def _option(row: Raw) -> Mapping[str, Any]:
    is_call = row.get("option_type") == "call"
    return {"strike": number(row, "strike"), "option_type": OptionType.CALL if is_call else OptionType.PUT}
