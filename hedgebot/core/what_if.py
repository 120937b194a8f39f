"""What an order would do to a book's margin on any model: before, after, and what the margin gate would say.

Owns the order's place in a book of legs. Margins are `hedgebot.margin`'s, the verdict `margin_gate.py`'s: the same
rules judge here that judge an order of the daemon. Sends nothing and changes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from hedgebot.core import margin_gate
from hedgebot.core.margin_gate import MarginEffect
from hedgebot.core.margin_model import Standing
from hedgebot.domain.errors import DataError
from hedgebot.domain.health import use_of
from hedgebot.domain.riskbook import NO_MARGIN_REPORTED, AccountPoint, OptionLeg, RiskBook
from hedgebot.domain.settings import LimitSettings, MarginMode
from hedgebot.domain.whatif import Numbers, OrderKind, Verdict, WantedOrder, WhatIf
from hedgebot.margin.distance import excess_after, nearest_of
from hedgebot.margin.positions import CoinBook, Line, books_of, option_legs
from hedgebot.margin.venue_models import Need, NotCoveredError, VenueModel
from hedgebot.pricing.black76 import NS_PER_YEAR

NEW = "the order"
HALVINGS = 30


class Account(NamedTuple):
    """The legs that an order would join, by underlying, with the equity behind them in USD (None: unknown).

    `floor_raised`: the buffer has the higher floor of a wild market or an event. `shock_usd`: what the collateral shock
    takes of the equity that the floor is held against; None: unknown.
    """

    name: str
    books: Mapping[str, CoinBook]
    equity: float | None
    floor_raised: bool
    shock_usd: float | None = 0.0


def account_of(book: RiskBook, venue: str) -> Account:
    """The book's account at a venue; where it has none there, the whole book as if it stood there."""
    names = [one.account for one in book.accounts if one.venue == venue] if venue else []
    if not names:
        raised = any(one.floor_raised for one in book.accounts)
        return Account("the whole book", books_of(book), book.equity_usd, raised, _shock_usd(book.accounts))
    mine = [one for one in book.accounts if one.account in names]
    known = [one.equity_usd for one in mine if one.equity_usd is not None]
    equity = sum(known) if len(known) == len(mine) else None
    raised = any(one.floor_raised for one in mine)
    books = books_of(book, lambda leg: leg.account in names)
    return Account(", ".join(names), books, equity, raised, _shock_usd(mine))


def _shock_usd(accounts: Iterable[AccountPoint]) -> float | None:
    found = [one.floor_shock_usd for one in accounts]
    known = [one for one in found if one is not None]
    return sum(known) if len(known) == len(found) else None


def what_if(book: RiskBook, order: WantedOrder, model: VenueModel, limits: LimitSettings) -> WhatIf:
    """The order on one model; DataError where the book does not know its underlying."""
    account = account_of(book, order.venue)
    point = {one.underlying: one for one in book.underlyings}.get(order.underlying)
    if point is None:
        known = ", ".join(one.underlying for one in book.underlyings) or "none"
        msg = f"{order.underlying} is not among the underlyings of the book: {known}"
        raise DataError(msg)
    coins = order.coins(point.price_usd)
    hedges = _hedges(book, order, coins)
    answer = WhatIf(
        venue=model.venue,
        mode=model.mode.value,
        source="model",
        account=account.name,
        order=order.words,
        model=model.id,
        hedges=hedges,
    )
    if model.mode is MarginMode.ISOLATED:
        account = account._replace(equity=None)  # no buffer is common to isolated positions
    judge = _Judge(book, order, model, limits, account, point.cost_bps)
    try:
        before = judge.numbers(0.0)
        after = judge.numbers(coins)
        verdict, words, fitting = _with_venue(book, order, model, judge.verdict(coins, hedges=hedges))
    except NotCoveredError as error:
        return msgspec.structs.replace(answer, problem=str(error))
    return msgspec.structs.replace(
        answer, before=before, after=after, verdict=verdict, explanation=words, fits=f"{abs(fitting):.6g}"
    )


def _with_venue(
    book: RiskBook, order: WantedOrder, model: VenueModel, found: tuple[Verdict, str, float]
) -> tuple[Verdict, str, float]:
    """The verdict with what the venue itself says of the account in that mode: without its number no gate lets pass."""
    mine = [one for one in book.accounts if one.venue == order.venue and one.margin_mode == model.mode]
    silent = [one.account for one in mine if book.believed(one).maintenance_margin_usd is None]
    if found[0] not in {Verdict.PASS, Verdict.CUT} or not silent or order.kind is OrderKind.SPOT:
        return found
    names = ", ".join(silent)
    if any(one.maintenance_margin_usd is not None for one in mine if one.account in silent):
        words = f"{names}: {NO_MARGIN_REPORTED}; a running gate refuses what needs margin until it is reported"
        return Verdict.UNKNOWN, words, 0.0
    alone = f"by the model alone: the venue's own margin of {names} is not in the book, and a running gate waits for it"
    return found[0], "; ".join(one for one in (found[1], alone) if one), found[2]


def _hedges(book: RiskBook, order: WantedOrder, coins: float) -> bool:
    """Whether the order leaves less absolute delta of its underlying in the whole book."""
    held = books_of(book)[order.underlying]
    # The delta of a leg: an inverse contract counts with its unrealised coins.
    linear = sum(one.coins for one in book.linear if one.underlying == order.underlying)
    before = linear + held.delta_coins - sum(one.coins for one in held.lines)
    after = before + joined(held, order, coins, book.at_ns).delta_coins - held.delta_coins
    if order.kind is OrderKind.SPOT:
        after = before + coins
    return abs(after) < abs(before)


def joined(held: CoinBook, order: WantedOrder, coins: float, at_ns: int) -> CoinBook:
    """The book of one underlying with the order filled: netted with a position of the same kind, or beside it."""
    if not coins:
        return held
    if order.kind is OrderKind.SPOT:
        return held._replace(owned_coins=held.owned_coins + coins)
    if order.kind is OrderKind.OPTION:
        return _with_option(held, order, coins, at_ns)
    years = None if order.expiry_ns is None else max(order.expiry_ns - at_ns, 0) / NS_PER_YEAR
    lines = list(held.lines)
    for number, line in enumerate(lines):
        same = (line.years is None) == (order.kind is OrderKind.PERP)
        if same and not line.is_inverse and (not years or line.years is None or abs(line.years - years) < 1e-3):
            lines[number] = line._replace(coins=line.coins + coins)
            break
    else:
        if order.kind is OrderKind.FUTURE and not years:
            msg = f"the book holds no {order.underlying} future: say its expiry, as in: future 2027-03-26"
            raise DataError(msg)
        lines.append(Line(NEW, coins, held.index_usd, years=years if order.kind is OrderKind.FUTURE else None))
    return held._replace(lines=tuple(lines))


def _with_option(held: CoinBook, order: WantedOrder, coins: float, at_ns: int) -> CoinBook:
    if order.strike is None or order.expiry_ns is None or order.is_call is None or order.vol is None:
        msg = "an option needs a right, a strike, an expiry and a volatility: sell 1 BTC call 120000 2027-03-26 iv 55"
        raise DataError(msg)
    leg = OptionLeg(
        account="",
        underlying=order.underlying,
        instrument=NEW,
        coins=coins,
        forward=held.index_usd,
        strike=order.strike,
        expiry_ns=order.expiry_ns,
        vol=order.vol,
        is_call=order.is_call,
    )
    more, old = option_legs([leg], at_ns), held.options
    names = ("qty", "forward", "strike", "years", "days", "vol", "is_call", "base")
    both = {name: np.concatenate((getattr(old, name), getattr(more, name))) for name in names}
    return held._replace(options=type(old)(**both), option_names=(*held.option_names, NEW))


class _Judge(NamedTuple):
    """One order on one model, at any part of its size (signed coins)."""

    book: RiskBook
    order: WantedOrder
    model: VenueModel
    limits: LimitSettings
    account: Account
    cost_bps: float

    def at(self, coins: float) -> dict[str, CoinBook]:
        found = dict(self.account.books)
        found[self.order.underlying] = joined(found[self.order.underlying], self.order, coins, self.book.at_ns)
        return found

    def equity_at(self, coins: float) -> float | None:
        """Equity after the order's cost in USD."""
        price = self.account.books[self.order.underlying].index_usd
        equity = self.account.equity
        return None if equity is None else equity - abs(coins) * price * self.cost_bps / 1e4

    def numbers(self, coins: float) -> Numbers:
        books = self.at(coins)
        need, equity = self.model.total(books), self.equity_at(coins)
        known = Numbers(initial=need.initial, maintenance=need.maintenance, equity=equity)
        if equity is None:
            return known
        found = nearest_of(self.model, books, equity)
        return Numbers(
            initial=need.initial,
            maintenance=need.maintenance,
            equity=equity,
            use=use_of(need.maintenance, equity),
            distance_move=None if found is None else found.move,
            distance_price=found.price if found is not None and found.underlying else None,
            distance_underlying="" if found is None else found.underlying,
        )

    def verdict(self, coins: float, *, hedges: bool) -> tuple[Verdict, str, float]:
        """What the gate says of it, why, and the part in coins that it would let through."""
        if self.order.kind is OrderKind.SPOT:
            return Verdict.PASS, "a spot order needs no derivative margin", coins
        effect = self.effect(coins)
        if isinstance(effect, str):
            return Verdict.UNKNOWN, f"{effect}: an order that adds risk would be refused", 0.0
        *_, problem = margin_gate.verdict(effect, self.account.name, hedges=hedges)
        if not problem and (not hedges or effect.fits):
            return Verdict.PASS, "", coins
        if not hedges:
            return Verdict.REFUSE, problem, 0.0
        fitting = self._largest(coins)
        problem = problem or f"{self.account.name} has not its initial margin"
        return (Verdict.CUT if fitting else Verdict.REFUSE), problem, fitting

    def _largest(self, coins: float) -> float:
        """The largest part that fits, in coins; what fits is all up to a largest one, as for `margin_gate.clip`."""
        low, high = 0.0, coins
        for _ in range(HALVINGS):
            middle = (low + high) / 2.0
            effect = self.effect(middle)
            if not isinstance(effect, str) and effect.fits:
                low = middle
            else:
                high = middle
        return low if abs(low) > abs(coins) * 1e-6 else 0.0

    def effect(self, coins: float) -> MarginEffect | str:
        """The order for the gate, or what of it is unknown."""
        before, after = (self.model.total(self.at(size)) for size in (0.0, coins))
        equity, equity_after = self.equity_at(0.0), self.equity_at(coins)
        if self.model.mode is MarginMode.ISOLATED:
            return "isolated positions have no buffer in common for the gate to judge"
        if equity is None or equity_after is None:
            return "the equity of the account is unknown"
        if before.initial is None or after.initial is None:
            return "the initial margin is unknown without a leverage (--leverage)"
        if self.account.shock_usd is None:
            return "what the collateral shock would cost is unknown, and the floor is held after it"
        limits, raised = self.limits, self.account.floor_raised
        return MarginEffect(
            _standing(before, equity),
            _standing(after, equity_after),
            limits.floor_use(raised=raised),
            limits.risk_use(raised=raised),
            self._left(0.0, equity),
            self._left(coins, equity_after),
            self.account.shock_usd,
        )

    def _left(self, coins: float, equity: float) -> float:
        """USD above the maintenance margin after the least move that must be borne, of all underlyings together."""
        books, ratio = self.at(coins), self.limits.liquidation_distance_min
        return min(excess_after(self.model, books, equity, tuple(books), sign * ratio) for sign in (-1.0, 1.0))


def _standing(need: Need, equity: float) -> Standing:
    return Standing(equity, need.initial or 0.0, need.maintenance, need.maintenance)
