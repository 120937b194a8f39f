"""A second book of an account's cash: opening wallet + executions + funding = wallet now, for every coin. Pure.

Owns arithmetic that shares nothing with the engine's ledger, so that an error there shows as a difference here. Every
coin is followed, stablecoins as well. A position keeps the sum that it cost; what is closed takes its share of that sum
out, and the difference to the closing value is the profit. Shares, and what a trade of an inverse contract is worth in
coins, are rounded to ten decimals, half to even, once: a ledger must round somewhere, and unified accounts do it there.
Must not know where executions come from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.events import FillReceived, FundingPaid
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind
from hedgebot.domain.reports import PositionReport

SHARE_STEP = Decimal("1e-10")
# Venues show average entry prices with at most this many decimals; one that uses all of them was rounded.
ENTRY_STEP = Decimal("1e-8")

Execution = FillReceived | FundingPaid


class CoinCash(msgspec.Struct, frozen=True, kw_only=True):
    """One coin: `opening` + `spot` + `premiums` + `profit` - `fees` - `funding` + `moved` = `closing`, exactly.

    `moved` is what came in from (or left for) another wallet of the same user by a move of ours.
    `rounding` is how far `closing` may be off because the opening positions' entry prices were told rounded.
    """

    coin: str
    opening: Decimal
    spot: Decimal
    premiums: Decimal
    profit: Decimal
    fees: Decimal
    funding: Decimal
    rounding: Decimal
    moved: Decimal = ZERO

    @property
    def closing(self) -> Decimal:
        """What the wallet must hold."""
        return self.opening + self.spot + self.premiums + self.profit - self.fees - self.funding + self.moved


@dataclass(slots=True)
class _Holding:
    """A derivative position; `cost` is the signed sum, in the settlement coin, at which it was entered."""

    contracts: Decimal = ZERO
    cost: Decimal = ZERO
    entry_rounding: Decimal = ZERO


@dataclass(slots=True)
class _Flows:
    opening: Decimal = ZERO
    spot: Decimal = ZERO
    premiums: Decimal = ZERO
    profit: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    rounding: Decimal = ZERO
    moved: Decimal = ZERO


@dataclass(slots=True)
class CashBook:
    """One account's cash and what its positions cost. `instruments` may grow while the book is kept."""

    instruments: Mapping[InstrumentId, Instrument]
    _coins: dict[str, _Flows] = field(default_factory=dict)
    _held: dict[InstrumentId, _Holding] = field(default_factory=dict)

    def open(self, balances: Mapping[str, Decimal], positions: Iterable[PositionReport]) -> list[str]:
        """Start from a wallet and the positions held beside it; sentences for positions whose cost is not known."""
        problems = []
        for coin, amount in balances.items():
            self._flows(coin).opening += amount
        for one in positions:
            rules = self.instruments.get(one.instrument)
            if rules is None:
                problems.append(f"the trading rules of {one.instrument} are not known: its cash cannot be checked")
                continue
            holding = self._holding(one.instrument)
            holding.contracts = one.contracts
            if rules.kind.is_option:  # its premium was paid when it was bought: what it cost plays no part later
                continue
            if one.entry_price is None or one.entry_price <= 0:
                problems.append(f"the entry price of {one.instrument} is not known: its profit cannot be checked")
                continue
            holding.cost = _value(rules, one.contracts, one.entry_price)
            holding.entry_rounding = _entry_rounding(rules, one)
        return problems

    def take(self, execution: Execution) -> str | None:
        """Book one execution, once: telling repeats apart is the caller's. A sentence where it cannot be booked."""
        if isinstance(execution, FundingPaid):
            self._flows(execution.coin).funding += execution.cost
            return None
        rules = self.instruments.get(execution.instrument)
        if rules is None:
            return f"execution {execution.trade_id} is on {execution.instrument}, whose trading rules are not known"
        signed = execution.qty_contracts * execution.side.sign
        self._flows(execution.fee_coin).fees += execution.fee
        if rules.kind is InstrumentKind.SPOT:
            self._flows(rules.underlying).spot += signed * rules.contract_size
            self._flows(rules.quote).spot -= rules.notional_quote(signed, execution.price)
        elif rules.kind.is_option:
            self._flows(rules.settle).premiums -= signed * rules.contract_size * execution.price
            self._holding(rules.id).contracts += signed
        else:
            self._trade(rules, signed, execution.price)
        return None

    def move(self, coin: str, qty: Decimal) -> None:
        """Book coins that came from another wallet of the same user; negative for those that left."""
        self._flows(coin).moved += qty

    def coins(self) -> tuple[CoinCash, ...]:
        """Every coin that was ever held or moved, by name."""
        return tuple(
            CoinCash(
                coin=coin,
                opening=one.opening,
                spot=one.spot,
                premiums=one.premiums,
                profit=one.profit,
                fees=one.fees,
                funding=one.funding,
                rounding=one.rounding,
                moved=one.moved,
            )
            for coin, one in sorted(self._coins.items())
        )

    def positions(self) -> dict[InstrumentId, Decimal]:
        """Contracts held, signed, without flat ones."""
        return {name: one.contracts for name, one in self._held.items() if one.contracts}

    def _trade(self, rules: Instrument, signed: Decimal, price: Decimal) -> None:
        """Close against what is held, then open with the rest: one trade may do both."""
        holding = self._holding(rules.id)
        before = holding.contracts
        value = _value(rules, signed, price)
        if before * signed < 0:
            closed = signed if abs(signed) <= abs(before) else -before
            share = holding.cost if closed == -before else _rounded(holding.cost * -closed / before)
            # A trade has one value: what turns a position round splits it and rounds nothing anew.
            closing = value if closed == signed else _value(rules, closed, price)
            flows = self._flows(rules.settle)
            flows.profit += _rounded(-closing - share)
            # Whatever is closed when, all of it together is not further off than the cost was at the opening.
            flows.rounding += holding.entry_rounding
            holding.entry_rounding = ZERO
            holding.cost -= share
            value -= closing
        holding.contracts = before + signed
        holding.cost += value

    def _holding(self, instrument: InstrumentId) -> _Holding:
        return self._held.setdefault(instrument, _Holding())

    def _flows(self, coin: str) -> _Flows:
        return self._coins.setdefault(coin, _Flows())


def _value(rules: Instrument, contracts: Decimal, price: Decimal) -> Decimal:
    """What `contracts` cost at `price` in the settlement coin, so that profit = value at exit - value at entry.

    An inverse contract is worth -size / price coins more than nothing: its profit is size * (1/entry - 1/exit).
    """
    nominal = contracts * rules.contract_size
    return _rounded(-nominal / price) if rules.kind.is_inverse else nominal * price


def _entry_rounding(rules: Instrument, report: PositionReport) -> Decimal:
    """How far the cost may be off; zero for a price on its tick, which an average is only by chance.

    Coins are on a step of their own: an entry price told more finely than that leaves no doubt about them.
    """
    price = report.entry_price
    if price is None or price % rules.tick_size == 0:
        return ZERO
    nominal = abs(report.contracts * rules.contract_size)
    return _rounded(nominal / price - nominal / (price + ENTRY_STEP)) if rules.kind.is_inverse else nominal * ENTRY_STEP


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(SHARE_STEP)
