"""Cash that the bookings explain, by account and settlement coin, against the venue's wallet at each clean snapshot.

Owns the engine's book of coins that are no exposure (those are the ledger's) and that something is booked in: fees,
funding, quote legs, premiums, deliveries, profit, our own top-ups. A coin is opened at a clean snapshot and opened
anew, journaled, where a booking cannot be known: a close of a position whose entry price is not, a position that was
adjusted, an execution that came late, a rollback. Costs of held contracts are kept here from the venue's own entry
prices on: the ledger's averages are ours, and what the venue realises is not. The journal's audit keeps a second book
that shares nothing with this one.

A difference is a hint that somebody moved money, not a doubt about a position: hedging goes on, the gate refuses what
adds risk (`cash_rule.py`), and an operator's unkill takes over what was told. Nothing else ends it but the money: not
time, and not a coin that is opened anew, which stays off by the amount that was told.
"""

from decimal import Decimal

from hedgebot.core import ledger, market, tokens
from hedgebot.core.cash_state import CashDifference, CoinCash, HeldCost
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.step import Step
from hedgebot.core.treasury_state import SETTLE_NS, Move
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_HOUR
from hedgebot.domain.events import ExecutionKind, FillReceived, FundingPaid, SnapshotTaken
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind
from hedgebot.domain.reports import PositionReport, WalletReport

ROUNDING, BOOKING_ROUNDING = Decimal("0.001"), Decimal("1e-6")
"""Coins that a venue's own digits may come to, once and for each booking: far above any venue's last digit."""

INTEREST_PER_DAY = Decimal("0.0005")
"""Interest on debts and deposits is in no execution: 18 % a year of the balance. Charged by the hour, so that the first
hour is allowed at once; once a day what came is taken over, journaled, and the allowance begins anew."""

ENTRY_STEP = Decimal("1e-8")
"""Venues tell average entry prices with at most this many decimals."""

READINGS_APART_NS = 5_000_000_000
"""Two readings count as two when so much lies between them: an execution may be late in the venue's own lists."""

READINGS_EQUAL, READINGS_GROWING = 2, 3
"""So many in a row tell a difference: of one amount; or of amounts that never shrink, as where money goes on leaving.

An execution that we hear of late is off by its own amount until it is booked, the next one by another: what was missing
comes back in between. Money that leaves adds up."""

TOLD_ANEW_RATIO = 2
"""One that goes on growing is told anew when it has doubled: an alert for each reading would hide the others."""

LATE_NS = 60_000_000_000
"""Executions become visible so late at most."""

SESSION_COINS = frozenset({"USDC"})
"""Contracts settled in these pay their profit each eight hours, in no execution (Bybit, "USDC Session Settlement",
docs/v5/asset/settlement): while one is held the coin is not compared."""


def book_fill(state: EngineState, fill: FillReceived, at_ns: int) -> set[str]:
    """Book a new execution in the ledger and its cash here; returns what the ledger returns."""
    rules = ledger.instrument_of(state, fill.instrument)
    signed = fill.qty_contracts * fill.side.sign
    words = f"{fill.kind} {fill.trade_id} in {fill.instrument}"
    booked = _Booking(state, fill.account, words, at_ns, fill.venue_at_ns)
    booked.add(fill.fee_coin, -fill.fee)
    if rules.kind is InstrumentKind.SPOT:
        booked.add(rules.underlying, signed * rules.contract_size)
        booked.add(rules.quote, -rules.notional_quote(signed, fill.price))
    elif rules.kind.is_option:
        booked.add(rules.settle, -rules.value_settle(signed, fill.price))
    else:
        booked.trade(rules, signed, fill.price)
    if fill.kind is ExecutionKind.ROLLBACK:
        # The venue puts back what it realised then, which no average price here knows.
        booked.lose(rules.settle, f"{words} put back what the venue had realised")
    return ledger.book_fill(state, fill, at_ns)


def book_funding(state: EngineState, payment: FundingPaid, at_ns: int) -> set[str]:
    """Book a new funding payment in the ledger and its cash here; returns what the ledger returns."""
    words = f"funding {payment.trade_id} of {payment.instrument}"
    _Booking(state, payment.account, words, at_ns, payment.venue_at_ns).add(payment.coin, -payment.cost)
    return ledger.book_funding(state, payment, at_ns)


def book_move(state: EngineState, move: Move, at_ns: int) -> None:
    """Book a move of ours that has arrived; its moment is ours, and the venue's clock may be somewhat ahead."""
    _Booking(state, move.account, f"move {move.number}", at_ns, at_ns + SETTLE_NS).add(move.coin, move.qty)


def forget_position(step: Step, account: AccountState, instrument: InstrumentId) -> None:
    """A position was adjusted: what its executions paid is not known, so its coin is opened anew."""
    coin, state = step.state.instruments[instrument].settle, step.state
    _Booking(state, account.name, "", step.at_ns, 0).lose(coin, f"{instrument} was adjusted")


def compare(step: Step, account: AccountState, event: SnapshotTaken) -> None:
    """Hold each coin against the wallet of a clean snapshot: opened, equal, or a difference that two readings tell."""
    state, wallet = step.state, event.wallet
    if wallet is None or state.treasury.moving(account.name) is not None:
        return
    if market.is_ahead(state, account.venue, wallet.venue_at_ns, step.at_ns):
        return  # taken for read then, no other would be newer until then
    for coin in [one for one in account.cash if tokens.worth(state, one)]:
        _end_difference(step, account, coin)
        del account.cash[coin]
    for coin in _settlement_coins(state, account):
        account.cash.setdefault(coin, CoinCash())
    read_ns = wallet.venue_at_ns or event.asked_at_ns
    for coin, book in account.cash.items():
        book.debt = max(book.debt, wallet.debts.get(coin, ZERO))
        if book.booked_ns >= event.asked_at_ns or book.booked_venue_ns >= read_ns or read_ns <= book.read_ns:
            continue
        venue_value = wallet.balances.get(coin, ZERO)
        if not book.opened_ns:
            _open(step, account, coin, event, wallet)
        elif abs(venue_value - book.qty) <= _allowed(book, step.at_ns):
            _agree(step, account, coin, venue_value)
            book.read_ns = read_ns
        elif read_ns - book.read_ns >= READINGS_APART_NS:
            _note_difference(step, account, coin, venue_value)
            book.read_ns = read_ns


def allowance(book: CoinCash, at_ns: int) -> Decimal:
    """Coins by which a wallet may be off without anything missing: roundings, and interest since it was equal.

    Interest is charged on what is owed with the losses of open contracts, which a wallet's balance does not show.
    """
    days = Decimal(max(at_ns - book.equal_ns, 0) + NS_PER_HOUR) / NS_PER_DAY
    roundings = ROUNDING + BOOKING_ROUNDING * book.bookings + book.entry_rounding
    return roundings + max(abs(book.qty), book.debt) * INTEREST_PER_DAY * days


def _allowed(book: CoinCash, at_ns: int) -> Decimal:
    """Allowance now, and where a difference stands no more than at its first sighting: it would grow over it."""
    seen, most = book.difference, allowance(book, at_ns)
    return most if seen is None or seen.allowed is None else min(most, seen.allowed)


def told(account: AccountState) -> dict[str, CashDifference]:
    """Differences that were told and not yet ended, by their subject."""
    found = {subject(coin): one.difference for coin, one in account.cash.items()}
    return {name: one for name, one in found.items() if one is not None and one.told}


def subject(coin: str) -> str:
    """What a coin's cash is called in adjustments and reviews."""
    return f"{coin} cash"


def accept(step: Step, account: AccountState, operator: str) -> None:
    """An operator takes over what was told: each such difference becomes a journaled adjustment.

    What has gone since and was not told is no part of it: it is a difference of its own at the next readings. So a
    stream of them never stands against an unkill. What has come back meanwhile is not taken either.
    """
    for coin, book in account.cash.items():
        seen = book.difference
        if seen is None or not seen.told:
            continue
        taken = min(seen.owed, seen.gap, key=abs) if seen.owed * seen.gap > 0 else ZERO
        # The difference, not the venue's old number: what was booked since is in the book already.
        _set(step, account, coin, book.qty + taken, f"accepted by {operator} at unkill")
        _end_difference(step, account, coin)


class _Booking:
    """One event's bookings on one account."""

    __slots__ = ("_account", "_at_ns", "_state", "_venue_ns", "_words")

    def __init__(self, state: EngineState, account: str, words: str, at_ns: int, venue_ns: int) -> None:
        self._state, self._account = state, state.accounts.get(account)
        self._words, self._at_ns, self._venue_ns = words, at_ns, venue_ns

    def add(self, coin: str, change: Decimal) -> None:
        """Add to a coin. One that is booked for the first time is opened after it, with what the wallet says then."""
        if change and (book := self._book(coin)) is not None:
            self._note(coin, book, change)

    def trade(self, rules: Instrument, signed: Decimal, price: Decimal) -> None:
        """Add what a contract's trade realises. Profit at an average price rests on the order of the trades."""
        book = self._book(rules.settle)
        if book is None:
            return
        held = book.held.setdefault(rules.id, HeldCost())
        late, held.traded_ns = self._venue_ns < held.traded_ns, max(held.traded_ns, self._venue_ns)
        profit = _trade(rules, held, signed, price)
        self._note(rules.settle, book, profit or ZERO)
        if profit is None:
            self.lose(rules.settle, f"the entry price of {rules.id} was not known")
        elif late:
            self.lose(rules.settle, f"{self._words} came after a later one, its profit is not known")
        elif _is_by_session(rules):
            self.lose(rules.settle, f"{rules.id} is settled by the session")

    def _note(self, coin: str, book: CoinCash, change: Decimal) -> None:
        book.qty += change
        book.bookings += 1
        book.booked_ns, book.booked_venue_ns = self._at_ns, max(book.booked_venue_ns, self._venue_ns)
        book.last = f"{self._words}: {change}"
        if book.opened_ns and self._venue_ns <= book.opened_ns:
            self.lose(coin, f"{self._words} is from before the opening and came after it")

    def lose(self, coin: str, why: str) -> None:
        """What the coin should be is not known any more: it is opened anew at the next clean snapshot."""
        book = self._book(coin)
        if book is not None:
            book.opened_ns, book.booked_ns = 0, self._at_ns
            # One that was never opened still waits for its first opening, whatever came before that.
            book.why = why if book.equal_ns else book.why

    def _book(self, coin: str) -> CoinCash | None:
        if self._account is None or tokens.worth(self._state, coin):
            return None
        return self._account.cash.setdefault(coin, CoinCash())


def _settlement_coins(state: EngineState, account: AccountState) -> list[str]:
    """What the hedge instruments of an account and what it holds are paid in, less what is exposure."""
    paid_in = (*sorted(state.settings.hedges_on(account.name)), *ledger.held_on(state, account.name))
    rules = [state.instruments.get(one) for one in paid_in]
    coins = dict.fromkeys(one.settle for one in rules if one is not None)
    return [one for one in coins if not tokens.worth(state, one)]


def _is_by_session(rules: Instrument) -> bool:
    kinds = (InstrumentKind.LINEAR_PERP, InstrumentKind.LINEAR_FUTURE)
    return rules.settle in SESSION_COINS and rules.kind in kinds


def _trade(rules: Instrument, held: HeldCost, signed: Decimal, price: Decimal) -> Decimal | None:
    """Take a trade into a position and say what it realises; None where what is closed has no known cost."""
    value, before = _cost(rules, signed, price), held.contracts
    held.contracts += signed
    if before * signed >= 0:
        known = ZERO if not before else held.cost
        held.cost = None if known is None else known + value
        return ZERO
    part = signed if abs(signed) <= abs(before) else -before
    closing = value * part / signed
    share = None if held.cost is None else held.cost * -part / before
    if part != signed:
        held.cost = value - closing
    elif share is not None and held.cost is not None:
        held.cost -= share
    return None if share is None else -closing - share


def _cost(rules: Instrument, contracts: Decimal, price: Decimal) -> Decimal:
    """What contracts cost: profit is the cost at the exit less that at the entry; less the dearer where inverse."""
    value = rules.value_settle(contracts, price)
    return -value if rules.kind.is_inverse else value


def _held_cost(rules: Instrument, report: PositionReport) -> HeldCost:
    price = report.entry_price
    cost = _cost(rules, report.contracts, price) if price is not None and price > 0 else None
    return HeldCost(contracts=report.contracts, cost=cost)


def _open(step: Step, account: AccountState, coin: str, event: SnapshotTaken, wallet: WalletReport) -> None:
    """Start from the wallet; not while contracts pay by the session.

    A difference that waits for an operator stays as large as it was told, and the comparison goes on beside it: a book
    that waited with it would see no other money leave. One that was not told ends, what it was is not known any more.
    """
    book, instruments = account.cash[coin], step.state.instruments
    settled = [one for one in event.positions if one.contracts and instruments[one.instrument].settle == coin]
    if any(_is_by_session(instruments[one.instrument]) for one in settled):
        return
    evidence = f"{book.why}, snapshot {event.request}"
    venue_value, seen = wallet.balances.get(coin, ZERO), book.difference
    if seen is None or not seen.told:
        book.difference = None
        _set(step, account, coin, venue_value, evidence)
    else:
        owed = seen.owed
        seen.venue_value, seen.ours, seen.count, seen.told_gap = venue_value, venue_value - owed, READINGS_EQUAL, owed
        stays = f"the {owed:+f} that were told stay {'missing' if owed < 0 else 'unexplained'}"
        _set(step, account, coin, seen.ours, f"{evidence}; {stays}")
    book.opened_ns = book.read_ns = wallet.venue_at_ns or event.asked_at_ns
    book.entry_rounding = sum((_entry_rounding(instruments[one.instrument], one) for one in settled), ZERO)
    contracts = [one for one in settled if not instruments[one.instrument].kind.is_option]
    book.held = {one.instrument: _held_cost(instruments[one.instrument], one) for one in contracts}


def _entry_rounding(rules: Instrument, report: PositionReport) -> Decimal:
    """How far a profit may be off because its entry price was told rounded; an option's premium was paid before."""
    return ZERO if rules.kind.is_option else abs(report.contracts) * rules.contract_size * ENTRY_STEP


def _agree(step: Step, account: AccountState, coin: str, venue_value: Decimal) -> None:
    book = account.cash[coin]
    _end_difference(step, account, coin)
    # What is flat is kept for as long as an execution may come late.
    aged_ns = book.read_ns - LATE_NS
    book.held = {name: one for name, one in book.held.items() if one.contracts or one.traded_ns > aged_ns}
    if book.equal_ns // NS_PER_DAY != step.at_ns // NS_PER_DAY:
        _set(step, account, coin, venue_value, "roundings and interest of a day")


def _note_difference(step: Step, account: AccountState, coin: str, venue_value: Decimal) -> None:
    book = account.cash[coin]
    known = book.difference
    first = known.allowed if known is not None else None
    allowed = allowance(book, step.at_ns) if first is None else first
    seen = CashDifference(venue_value=venue_value, ours=book.qty, allowed=allowed)
    book.difference, gap = seen, seen.gap
    equal = False
    if known is not None:
        seen.told, seen.told_gap = known.told, known.owed if known.told else ZERO
        equal = abs(gap - known.gap) <= ROUNDING
        # What goes on from the amount that was told is counted anew: one reading more tells nothing.
        waits = known.told and abs(known.gap - known.owed) <= allowed
        grows = not waits and gap * known.gap > 0 and abs(gap) >= abs(known.gap) - allowed
        seen.count = known.count + 1 if equal or grows else 1
    if seen.count < (READINGS_EQUAL if equal else READINGS_GROWING):
        return
    if seen.told and not _is_news(seen, allowed, equal=equal):
        return
    seen.told, seen.told_gap = True, gap
    key = _key(account, coin)
    # One that is another amount than was told is told anew.
    step.resolve(AlertKind.RECON_BREAK, key)
    words = f"{coin} on {account.name}: the venue says {venue_value}, the bookings explain {book.qty} ({gap:+f})"
    step.alert(AlertKind.RECON_BREAK, key, f"{words}; booked last: {book.last}; orders that add risk are refused")


def _is_news(seen: CashDifference, allowed: Decimal, *, equal: bool) -> bool:
    """Whether a difference is another than was told: it stands at another amount, has turned, or goes on growing."""
    if equal:
        # An hour's interest beside it would not be told alone either.
        return abs(seen.gap - seen.told_gap) > allowed
    return seen.gap * seen.told_gap < 0 or abs(seen.gap) >= TOLD_ANEW_RATIO * abs(seen.told_gap)


def _end_difference(step: Step, account: AccountState, coin: str) -> None:
    account.cash[coin].difference = None
    step.resolve(AlertKind.RECON_BREAK, _key(account, coin))


def _set(step: Step, account: AccountState, coin: str, qty: Decimal, evidence: str) -> None:
    book = account.cash[coin]
    if qty != book.qty or not book.equal_ns:
        before = book.qty if book.equal_ns else "unknown"
        step.adjust(account.name, subject(coin), before, qty, f"{evidence}; booked last: {book.last}")
    book.qty, book.equal_ns, book.bookings = qty, step.at_ns, 0
    book.debt = account.wallet.debts.get(coin, ZERO) if account.wallet is not None else ZERO


def _key(account: AccountState, coin: str) -> str:
    return f"{account.name}|{subject(coin)}"
