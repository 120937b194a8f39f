"""OKX, read: balance, positions and what instruments are. Owns which questions make one reading.

In the modes with account-wide margin the account is one pocket in USD; in single-currency margin each coin is one, and
isolated positions stand by themselves in every mode. Sources: GET /api/v5/account/balance, account/positions,
public/instruments; margin reference sections 3, 5 and 6.4 (mgnRatio points down).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.health import AccountHealth, Holding
from hedgebot.domain.instrument import Instrument, InstrumentKind, OptionType, instrument_id
from hedgebot.domain.reports import WatchedPosition
from hedgebot.venues.health import okx as dialect
from hedgebot.venues.reading import FrameProblem, Raw, as_object, as_rows, float_or_none, number, text, text_or_none
from hedgebot.venues.watched.pockets import Pocket, Reading, known_or_why, profit_settle

ONE = Decimal(1)
_TYPES = {"SWAP": "SWAP", "FUTURES": "FUTURES", "OPTION": "OPTION"}


class OkxReader:
    """One account. What an instrument is, is asked once."""

    def __init__(self, client: Any, now_ns: Callable[[], int]) -> None:  # noqa: ANN401  # ccxt is untyped
        self._client = client
        self._now_ns = now_ns
        self._known: dict[str, Instrument] = {}

    async def read(self) -> Reading:
        """Ask for everything. Raises the client's errors and FrameProblem."""
        at_ns = self._now_ns()
        balance = await self._client.privateGetAccountBalance({})
        accounts = dialect.read(balance)
        if not accounts:
            msg = "the balance has no account"
            raise FrameProblem(msg)
        coins, prices = dialect.owned(balance)
        # Account-wide margin or not: where it is not, the venue leaves the account's own fields empty.
        shared = tuple(Pocket(one) for one in accounts if one.equity is not None)
        answer = await self._client.privateGetAccountPositions({})
        pockets = shared or _coin_by_coin(balance, answer)
        apart, told = _isolated(answer), _told_prices(answer)
        positions, problem = await known_or_why(lambda: self._positions(answer))
        return Reading((*pockets, *apart), positions, problem, told | prices, coins, at_ns)

    async def _positions(self, answer: object) -> tuple[WatchedPosition, ...]:
        """Positions that share margin; an isolated one is a pocket of its own, whose margins the venue tells."""
        held = [one for account in dialect.read(answer) or () for one in account.holdings if not one.isolated]
        types = {text(row, "instId"): text(row, "instType") for row in _rows(answer)}
        return tuple([await self.position(one, types[one.instrument]) for one in held if one.contracts])

    async def position(self, held: Holding, kind: str) -> WatchedPosition:
        """A position with its instrument. Raises FrameProblem where the venue tells no mark."""
        rules = await self.instrument(held.instrument, kind)
        if not held.mark:
            msg = f"the position in {held.instrument} has no mark price"
            raise FrameProblem(msg)
        profit = (
            0.0
            if rules.kind.is_option
            else profit_settle(
                held.contracts, float(rules.contract_size), held.entry, held.mark, is_inverse=rules.kind.is_inverse
            )
        )
        return WatchedPosition(
            rules=rules, contracts=held.contracts, mark=held.mark, profit_settle=profit, leverage=held.leverage
        )

    async def instrument(self, name: str, kind: str) -> Instrument:
        """What an instrument is, from the venue or from what it said before."""
        if kind not in _TYPES:
            msg = f"{name} is a {kind} position: it is borrowed against, and no contract"
            raise FrameProblem(msg)
        if name not in self._known:
            wanted = {"instType": kind, "instId": name}
            if kind == "OPTION":
                wanted["instFamily"] = "-".join(name.split("-")[:2])
            rows = _rows(await self._client.publicGetPublicInstruments(wanted))
            row = next((one for one in rows if one.get("instId") == name), None)
            if row is None:
                msg = f"the venue lists no instrument {name}"
                raise FrameProblem(msg)
            self._known[name] = instrument_of(row)
        return self._known[name]


def _rows(answer: object) -> tuple[Raw, ...]:
    return as_rows(as_object(answer, "the answer").get("data"), "data")


def _coin_by_coin(balance: object, positions: object) -> tuple[Pocket, ...]:
    """The coins of single-currency margin; where none is told, one without a crossed position needs none."""
    crossed = {text(row, "ccy") for row in _rows(positions) if row.get("mgnMode") == "cross" and _is_held(row)}
    each = dialect.currencies(balance)
    idle = {one.unit for one in each if one.unit not in crossed and one.maintenance is None and one.initial is None}
    zeros = [msgspec.structs.replace(one, initial=0.0, maintenance=0.0) if one.unit in idle else one for one in each]
    return tuple(Pocket(one, settles=one.unit) for one in zeros)


def _is_held(row: Raw) -> bool:
    """Whether a row is a position; one whose size is not told is taken for one."""
    return float_or_none(row, "pos") != 0.0


def _isolated(answer: object) -> tuple[Pocket, ...]:
    found: tuple[AccountHealth, ...] = dialect.read(answer) or ()
    return tuple(
        Pocket(one, alone=f"the position in {one.holdings[0].instrument} is isolated")
        for one in found
        if one.holdings and one.holdings[0].isolated and one.holdings[0].contracts
    )


def _told_prices(answer: object) -> dict[str, float]:
    """USD per margin coin as positions name it; a coin that nothing is owned of has no price in the balance."""
    named = {text(row, "ccy"): float_or_none(row, "usdPx") for row in _rows(answer)}
    return {coin: price for coin, price in named.items() if price}


def instrument_of(row: Raw) -> Instrument:
    """An instrument in our words; FrameProblem for a kind that is none of ours."""
    name, kind = text(row, "instId"), text(row, "instType")
    base, quote, *_ = name.split("-")
    is_inverse = row.get("ctType") == "inverse"
    ours = _kind(kind, is_inverse=is_inverse, name=name)
    size = number(row, "ctVal")
    multiplier = number(row, "ctMult") if text_or_none(row, "ctMult") else ONE
    expiry = text_or_none(row, "expTime")
    return Instrument(
        id=instrument_id("okx", kind.lower(), name),
        venue="okx",
        category=kind.lower(),
        symbol=name,
        kind=ours,
        underlying=base,
        quote=quote,
        settle=text(row, "settleCcy"),
        contract_size=size * multiplier,
        tick_size=number(row, "tickSz"),
        lot_size=number(row, "lotSz"),
        qty_min=number(row, "minSz"),
        expiry_ns=int(expiry) * NS_PER_MS if expiry and kind != "SWAP" else None,
        **_option(row, kind),
    )


def _kind(kind: str, *, is_inverse: bool, name: str) -> InstrumentKind:
    match kind:
        case "SWAP":
            return InstrumentKind.INVERSE_PERP if is_inverse else InstrumentKind.LINEAR_PERP
        case "FUTURES":
            return InstrumentKind.INVERSE_FUTURE if is_inverse else InstrumentKind.LINEAR_FUTURE
        case "OPTION":
            return InstrumentKind.COIN_OPTION
        case _:
            msg = f"{name} is a {kind}: no swap, future or option"
            raise FrameProblem(msg)


def _option(row: Raw, kind: str) -> Mapping[str, Any]:
    if kind != "OPTION":
        return {}
    is_call = row.get("optType") == "C"
    return {"strike": number(row, "stk"), "option_type": OptionType.CALL if is_call else OptionType.PUT}
