"""Accounts that are only watched: their margin as one report tells it, and the alert while it cannot be read.

Owns the book that a margin model reads of them: everything from one report, no ledger stands behind it. What an unknown
one stops is `watched_rule.py`'s. Must not know venues.
"""

from decimal import Decimal

import msgspec

from hedgebot.core.margin_legs import Contract, MarginBook, unpriced
from hedgebot.core.margin_options import options_of
from hedgebot.core.state import AccountState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import STABLECOINS, InstrumentId
from hedgebot.domain.reports import WalletReport, WatchedMargin, WatchedPosition
from hedgebot.domain.settings import MarginMode
from hedgebot.domain.venue_events import WatchFailed

FAILURES_TOLD = 2
"""One answer that does not come is no news; the next one is seconds away."""


def read_book(account: AccountState, mode: MarginMode, added: WatchedPosition | None = None) -> MarginBook | str:
    """What the newest report says is held, with a position more where one is asked for, or what of it is unknown.

    It is the report's own moment that counts, so that what is read once is the same until the next report.
    """
    wallet = account.wallet
    if wallet is None or wallet.watched is None:
        return f"nothing was read of {account.name} yet"
    if problem := mode_problem(account, mode):
        return problem
    positions = wallet.watched.positions
    if positions is None:
        return f"the positions of {account.name} are unknown: {wallet.watched.problem or 'its venue tells none'}"
    held = _one_each(positions)
    if isinstance(held, str):
        return held
    if added is not None:
        known = held.get(added.rules.id)
        held[added.rules.id] = added if known is None else _sized(known, known.contracts + added.contracts)
    return _book(account, wallet, wallet.watched, [one for one in held.values() if one.contracts])


def _book(
    account: AccountState, wallet: WalletReport, watched: WatchedMargin, held: list[WatchedPosition]
) -> MarginBook | str:
    prices = dict.fromkeys(STABLECOINS, 1.0) | wallet.prices_usd
    contracts = {one.rules.id: _contract(one) for one in held if not one.rules.kind.is_option}
    for one in contracts.values():
        if problem := unpriced(one.rules, prices):
            return problem
        # The venue prices coins that are owned: where the underlying is none of them its contract's mark says it.
        prices.setdefault(one.rules.underlying, one.mark * prices[one.rules.quote])
    options = options_of((one for one in held if one.rules.kind.is_option), prices, account.wallet_at_ns)
    if isinstance(options, str):
        return options
    return MarginBook(
        contracts=contracts,
        buys={},
        sells={},
        grids={},
        coins={coin: float(qty) for coin, qty in wallet.balances.items()},
        prices=prices,
        realised_usd=0.0,
        at_ns=account.wallet_at_ns,
        options=options,
        in_coin="" if watched.unit in STABLECOINS else watched.unit,
    )


def mode_problem(account: AccountState, mode: MarginMode) -> str:
    """Why our model cannot be of this account: its venue says another mode than the configuration; empty otherwise."""
    watched = account.wallet.watched if account.wallet else None
    if watched is None or watched.margin_mode in ("", mode.value):
        return ""
    theirs = f'its venue says {watched.margin_mode} ({watched.pocket}); set margin_mode = "{watched.margin_mode}"'
    return f"{account.name} is configured with margin_mode {mode.value} and {theirs}"


def _one_each(positions: tuple[WatchedPosition, ...]) -> dict[InstrumentId, WatchedPosition] | str:
    """One for each instrument. A sentence where one is held both ways: venues margin that each in a way of its own."""
    found: dict[InstrumentId, WatchedPosition] = {}
    for one in positions:
        known = found.get(one.rules.id)
        if known is None:
            found[one.rules.id] = one
        elif known.contracts * one.contracts < 0.0:
            return f"{one.rules.id} is held long and short at once: the venue's own number stands alone"
        else:
            found[one.rules.id] = _sized(
                known,
                known.contracts + one.contracts,
                profit_settle=known.profit_settle + one.profit_settle,
                maintenance_settle=_sum(known.maintenance_settle, one.maintenance_settle),
            )
    return found


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _sized(one: WatchedPosition, contracts: float, **changes: float | None) -> WatchedPosition:
    return msgspec.structs.replace(one, contracts=contracts, **changes)


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
