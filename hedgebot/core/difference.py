"""A snapshot's positions and coins against the ledger's: adopted, taken over where they are roundings, else told.

Owns the comparison and its evidence. A difference must be repeated by a second snapshot with no fill in between, and an
operator's unkill takes the venue's number over. A position that shrank in a stressed market is suspected to have been
closed by force, until somebody says what it was. When to ask, and what else a snapshot says, is `reconcile.py`'s.
"""

from decimal import Decimal

from hedgebot.core import cash, forced, ledger, tokens
from hedgebot.core.state import AccountState, EngineState, Mismatch, settings_of
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.events import SnapshotTaken
from hedgebot.domain.instrument import InstrumentId


def compare(step: Step, account: AccountState, event: SnapshotTaken) -> bool:
    """Compare positions and coins; True when each comparison was conclusive (no fill since the venue was asked)."""
    conclusive = True
    prices = {one.instrument: one.entry_price or ZERO for one in event.positions}
    for subject, venue_value in _venue_values(step.state, account, event).items():
        ours = _ledger_value(step.state, account, subject)
        seen = Mismatch(
            venue_value=venue_value,
            ledger_value=ours,
            venue_price=prices.get(InstrumentId(subject), ZERO),
            first_seen_ns=step.at_ns,
            count=1,
        )
        if ours == venue_value:
            account.mismatches.pop(subject, None)
            if tokens.worth(step.state, subject) and _moved_at_ns(step.state, account, subject) < event.asked_at_ns:
                ledger.know_coin(step.state, account.name, subject)
        elif _moved_at_ns(step.state, account, subject) >= event.asked_at_ns:
            conclusive = False
        elif not account.adopted or _is_new_coin(step.state, account, subject):
            _adjust(step, account, subject, seen, f"opening position, snapshot {event.request}")
        elif tokens.worth(step.state, subject) and _rounds_off(step, account, subject, venue_value - ours):
            account.mismatches.pop(subject, None)
            _adjust(step, account, subject, seen, f"less than one lot, snapshot {event.request}")
        else:
            _note_difference(step, account, subject, ours, seen)
    return conclusive


def accept_differences(step: Step, account: AccountState, operator: str) -> None:
    """An operator takes the venue's numbers over: each difference becomes a journaled adjustment."""
    for subject, difference in list(account.mismatches.items()):
        # The difference, not the venue's old number: fills that came since are in the ledger already.
        since = _ledger_value(step.state, account, subject) - difference.ledger_value
        difference.venue_value += since
        _adjust(step, account, subject, difference, f"accepted by {operator} at unkill{difference.suspicion}")
    account.mismatches.clear()
    cash.accept(step, account, operator)
    account.rounded.clear()
    for key in account.unseen:
        step.adjust(account.name, key, "not in the journal", "known", f"accepted by {operator} at unkill")
    for key in account.missing:
        step.adjust(account.name, key, "in the journal", "never listed", f"accepted by {operator} at unkill")
    account.unseen.clear()
    account.missing.clear()
    account.break_since_ns = 0


def _rounds_off(step: Step, account: AccountState, coin: str, difference: Decimal) -> bool:
    """Add a difference to the coin's roundings of the day; False, and nothing added, where it is more than those.

    Venues round fees, profit and interest to their own digits. One is less than a lot, which can never be hedged, and
    with those of the day before it still less than one.
    """
    day, lot = step.at_ns // NS_PER_DAY, _lot_coin(step.state, coin)
    if account.rounded_day != day:
        account.rounded_day, account.rounded = day, {}
    total = account.rounded.get(coin, ZERO) + difference
    if max(abs(difference), abs(total)) >= lot:
        return False
    account.rounded[coin] = total
    return True


def _is_new_coin(state: EngineState, account: AccountState, subject: str) -> bool:
    """Whether a coin that is exposure was never compared before: what is there was there all along."""
    coin = state.coins.get(ledger.coin_key(account.name, subject))
    return tokens.worth(state, subject) is not None and (coin is None or not coin.compared)


def _lot_coin(state: EngineState, coin: str) -> Decimal:
    """Smallest hedge of what a coin counts for, in that coin; zero when it is not known."""
    found = tokens.worth(state, coin)
    settings = settings_of(state, found.underlying) if found else None
    rules = state.instruments.get(settings.hedge_instrument) if settings else None
    if found is None or not found.ratio or rules is None or rules.kind.is_inverse:
        return ZERO
    return rules.lot_size * rules.contract_size / found.ratio


def _note_difference(step: Step, account: AccountState, subject: str, ours: Decimal, seen: Mismatch) -> None:
    known = account.mismatches.get(subject)
    if known is not None:
        seen.first_seen_ns = known.first_seen_ns
        seen.count = known.count + 1 if known.venue_value == seen.venue_value else 1
    account.mismatches[subject] = seen
    account.reconciled = False
    seen.suspicion = known.suspicion if known is not None else ""
    if abs(seen.venue_value) < abs(ours) and not tokens.worth(step.state, subject):
        seen.suspicion = forced.suspicion(step.state, account) or seen.suspicion
    if seen.suspicion and seen.count > 1:
        forced.suspect(step, account, InstrumentId(subject))
    words = f"{subject} on {account.name}: the venue says {seen.venue_value}, the ledger {ours}"
    step.alert(AlertKind.RECON_BREAK, account.name, f"{words}; no execution explains it{seen.suspicion}")


def _venue_values(state: EngineState, account: AccountState, event: SnapshotTaken) -> dict[str, Decimal]:
    """What the venue says of every position and coin that either side knows; not listed there is zero there."""
    venue_values: dict[str, Decimal] = {
        one.instrument: ZERO for one in state.positions.values() if one.account == account.name
    }
    venue_values |= dict.fromkeys(account.mismatches, ZERO)
    venue_values |= {one.instrument: one.contracts for one in event.positions if one.instrument in state.instruments}
    if event.wallet is not None:
        venue_values |= {coin: event.wallet.balances.get(coin, ZERO) for coin in tokens.names(state.settings)}
    return venue_values


def _moved_at_ns(state: EngineState, account: AccountState, subject: str) -> int:
    coin = state.coins.get(ledger.coin_key(account.name, subject))
    if coin is not None:
        return coin.moved_at_ns
    position = state.positions.get(ledger.position_key(account.name, InstrumentId(subject)))
    return position.moved_at_ns if position else 0


def _ledger_value(state: EngineState, account: AccountState, subject: str) -> Decimal:
    if tokens.worth(state, subject):
        coin = state.coins.get(ledger.coin_key(account.name, subject))
        return coin.qty if coin else ZERO
    return ledger.position_contracts(state, account.name, InstrumentId(subject))


def _adjust(step: Step, account: AccountState, subject: str, seen: Mismatch, evidence: str) -> None:
    before, after = _ledger_value(step.state, account, subject), seen.venue_value
    if tokens.worth(step.state, subject):
        ledger.set_coin(step.state, account.name, subject, after, step.at_ns)
    else:
        ledger.set_position(step.state, account.name, InstrumentId(subject), after, seen.venue_price, step.at_ns)
        cash.forget_position(step, account, InstrumentId(subject))
    step.adjust(account.name, subject, before, after, evidence)
