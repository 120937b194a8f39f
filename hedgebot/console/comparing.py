"""The journal's amounts beside the exchange's own word: orders, positions, coins, cash, and what happened to others.

Owns what is compared and what is left out of it. The judgement and its words are `summary`'s.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from hedgebot.console.admin import Truth, TruthFunding
from hedgebot.core.state import EngineState
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.decimals import ZERO
from hedgebot.journal.audit import AccountAudit

# A payment that was settled just before the stop may not have arrived any more.
STOP_SLACK_NS = 250_000_000


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One amount on both sides; `exchange` is None when it was not asked."""

    what: str
    ours: Decimal
    exchange: Decimal | None
    rounding: Decimal = ZERO

    @property
    def equal(self) -> bool:
        """Whether both sides say the same, to the last digit (`rounding` is what the venue itself rounded away)."""
        return self.exchange is not None and abs(self.ours - self.exchange) <= self.rounding


def of_the_book(state: EngineState | None, truth: Truth | None) -> Truth | None:
    """The exchange's word on the book's accounts only: others trade there too."""
    if truth is None or state is None:
        return truth
    ours = {one.name for one in state.settings.accounts}
    return Truth(accounts={name: one for name, one in truth.accounts.items() if name in ours})


def liquidations_elsewhere(state: EngineState | None, truth: Truth | None) -> tuple[str, ...]:
    """What was taken from accounts that are not the book's, in words."""
    ours = {one.name for one in state.settings.accounts} if state is not None else set()
    return tuple(
        f"{name}: {one.qty_contracts} {one.instrument}"
        for name, account in (truth.accounts.items() if truth is not None else ())
        if name not in ours
        for one in account.executions
        if one.kind == "bust"
    )


def exchange_orders(truth: Truth | None) -> list[str] | None:
    """Client ids of all orders on the exchange's side that a hedgebot made; None when it was not asked."""
    if truth is None:
        return None
    ids = (order.client_id for account in truth.accounts.values() for order in account.orders)
    return [one for one in ids if one and decode_client_id(one) is not None]


def compare(state: EngineState | None, truth: Truth | None) -> tuple[tuple[Compared, ...], tuple[Compared, ...]]:
    """Positions and coins of the ledger beside those of the exchange; the ledger follows coins that are exposure."""
    if state is None:
        return (), ()
    positions = _sum((one.instrument, one.contracts) for one in state.positions.values())
    coins = _sum((one.coin, one.qty) for one in state.coins.values())
    if truth is None:
        return _beside(positions, None), _beside(coins, None)
    accounts = truth.accounts.values()
    there = _sum((one.instrument, one.contracts) for account in accounts for one in account.positions)
    held = _sum((one.coin, one.wallet) for account in accounts for one in account.wallet.coins if one.coin in coins)
    return _beside(positions, there), _beside(coins, held)


def late_funding(
    truth: Truth | None, audited: Iterable[AccountAudit], stopped_ns: int | None
) -> tuple[TruthFunding, ...]:
    """Funding that the exchange settled when the daemon had been told to stop, and that the journal does not know."""
    if truth is None or stopped_ns is None:
        return ()
    known = {one for account in audited for one in account.funding_ids}
    everything = (one for account in truth.accounts.values() for one in account.funding)
    return tuple(one for one in everything if one.exec_id not in known and one.at_ns > stopped_ns - STOP_SLACK_NS)


def compare_wallet(
    audited: Iterable[AccountAudit], truth: Truth | None, late: Iterable[TruthFunding]
) -> tuple[Compared, ...]:
    """Cash of every coin by the second book beside the exchange's wallet, as it was before the late funding."""
    books = [coin for account in audited for coin in account.now]
    ours, rounding = _sum((one.coin, one.closing) for one in books), _sum((one.coin, one.rounding) for one in books)
    held: dict[str, Decimal] | None = None
    if truth is not None:
        paid_late = ((one.coin, one.cost) for one in late)
        in_wallets = ((coin.coin, coin.wallet) for account in truth.accounts.values() for coin in account.wallet.coins)
        held = _sum((*in_wallets, *paid_late))
    rows = _beside(ours, held)
    return tuple(msgspec.structs.replace(one, rounding=rounding.get(one.what, ZERO)) for one in rows)


def _sum(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for name, amount in amounts:
        total[name] = total.get(name, Decimal(0)) + amount
    return total


def _beside(ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal] | None) -> tuple[Compared, ...]:
    names = sorted(ours.keys() | (theirs or {}).keys())
    rows = [
        Compared(
            what=name,
            ours=ours.get(name, Decimal(0)),
            exchange=None if theirs is None else theirs.get(name, Decimal(0)),
        )
        for name in names
    ]
    return tuple(one for one in rows if one.ours or one.exchange)
