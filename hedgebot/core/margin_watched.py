"""Accounts that are only watched: their margin as one report tells it, and the alert while it cannot be read.

Owns the book that a margin model reads of them: everything from one report, no ledger stands behind it. What an unknown
one stops is `watched_rule.py`'s. Must not know venues.
"""

from decimal import Decimal

from hedgebot.core.margin_legs import STABLECOINS, Contract, MarginBook
from hedgebot.core.state import AccountState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.reports import WalletReport, WatchedMargin, WatchedPosition
from hedgebot.domain.venue_events import WatchFailed

FAILURES_TOLD = 2
"""One answer that does not come is no news; the next one is seconds away."""


def read_book(account: AccountState, at_ns: int) -> MarginBook | str:
    """What the newest report says is held, or what of it is unknown."""
    wallet = account.wallet
    if wallet is None or wallet.watched is None:
        return f"nothing was read of {account.name} yet"
    positions = wallet.watched.positions
    if positions is None:
        return f"the positions of {account.name} are unknown: {wallet.watched.problem or 'its venue tells none'}"
    prices = dict.fromkeys(STABLECOINS, 1.0) | wallet.prices_usd
    contracts = _contracts(positions)
    if isinstance(contracts, str):
        return contracts
    for one in contracts.values():
        if one.rules.kind.is_option:
            return f"{one.rules.id} is an option: the venue tells no volatility with it, its own number stands alone"
        if unpriced := {one.rules.settle, one.rules.quote} - prices.keys():
            return f"the price of {min(unpriced)} is unknown"
        # The venue prices coins that are owned: where the underlying is none of them its contract's mark says it.
        prices.setdefault(one.rules.underlying, one.mark * prices[one.rules.quote])
    return MarginBook(
        contracts=contracts,
        buys={},
        sells={},
        grids={},
        coins={coin: float(qty) for coin, qty in wallet.balances.items()},
        prices=prices,
        realised_usd=0.0,
        at_ns=at_ns,
    )


def _contracts(positions: tuple[WatchedPosition, ...]) -> dict[InstrumentId, Contract] | str:
    """One for each instrument. A sentence where one is held both ways: venues margin that each in a way of its own."""
    found: dict[InstrumentId, Contract] = {}
    for one in positions:
        known = found.get(one.rules.id)
        if known is None:
            found[one.rules.id] = _contract(one)
        elif known.contracts * one.contracts < 0.0:
            return f"{one.rules.id} is held long and short at once: the venue's own number stands alone"
        else:
            both = known.contracts + one.contracts
            found[one.rules.id] = known._replace(contracts=both, profit=known.profit + one.profit_settle)
    return found


def _contract(one: WatchedPosition) -> Contract:
    return Contract(one.rules, one.contracts, one.mark, one.profit_settle, one.leverage)


def needs_margin(watched: WatchedMargin) -> bool:
    """Whether a maintenance margin of zero cannot be: something is held that needs some, or nobody knows what is."""
    return watched.positions is None or any(one.needs_margin for one in watched.positions)


def is_empty(report: WalletReport) -> bool:
    """Whether a report without margins says nothing: empty or zero is unknown while something is held."""
    return report.watched is not None and not report.maintenance_margin_usd and needs_margin(report.watched)


def equity_usd(account: AccountState) -> Decimal | None:
    """What the whole account holds, over all of its pockets."""
    wallet = account.wallet
    if wallet is None:
        return None
    return wallet.equity_usd if wallet.watched is None else wallet.watched.equity_usd


def stated_use(account: AccountState) -> float | None:
    """The venue's own ratio as maintenance margin / equity, where it tells one."""
    wallet = account.wallet
    return None if wallet is None or wallet.watched is None else wallet.watched.stated_use


def note_failed(step: Step, event: WatchFailed) -> None:
    """An account could not be read: told from the second time in a row on."""
    account = step.state.accounts.get(event.account)
    if account is None or event.failures < FAILURES_TOLD:
        return
    words = f"the margin of {account.name} cannot be read: {event.problem}"
    step.alert(AlertKind.VENUE_UNREACHABLE, account.name, words)


def note_read(step: Step, account: AccountState) -> None:
    """It was read: what stood against reading it is over."""
    step.resolve(AlertKind.VENUE_UNREACHABLE, account.name)
    step.resolve(AlertKind.API_KEY_INVALID, account.name)


def describe(account: AccountState) -> str:
    """What a watched account's margins are of, in a few words; empty for one whose margins are one."""
    watched = account.wallet.watched if account.wallet else None
    if watched is None or watched.pockets <= 1:
        return ""
    equity = "unknown" if watched.equity_usd is None else f"{watched.equity_usd:,.0f} USD"
    return f"its worst pocket, {watched.pocket}, of {watched.pockets} that share no margin; all hold {equity}"
