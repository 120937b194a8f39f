"""The oracle's eye for what orders were decided on: market data and margin as the venue delivered them (I4, I5, I13).

Reads the journal alone and imports nothing of the engine. For each order it asks what the newest news had been: a book
that is none, is old or disagrees with mark and index; a margin report beyond the floor of its regime, or none.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.kill import KILL_STRATEGY
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.reports import WalletReport
from hedgebot.domain.settings import EngineSettings, UnderlyingSettings
from hedgebot.lab.holdbook import HoldBook
from hedgebot.lab.journaljudge import moves_position

NORMAL = "normal"
EVENT_NOTED_NS = 1_000_000_000
Found = tuple[str, int, str]
"""Invariant, moment, sentence."""


def judge_data(entries: Sequence[ev.Stamped | cmd.Issued], settings: EngineSettings) -> Iterator[Found]:
    """Every order that was decided on data that should not have been trusted."""
    seen = _Seen(settings)
    for entry in entries:
        if isinstance(entry, ev.Stamped):
            seen.take(entry.event, entry.at_ns)
        elif isinstance(entry.command, cmd.RecordRegime):
            seen.regime(entry.command)
        elif moves_position(entry.command):
            seen.adjust(entry.command)
        elif isinstance(entry.command, cmd.SubmitOrder):
            client_id, intent = entry.command.client_id, entry.command.approved.intent
            for invariant, problem in seen.problems(intent, entry.at_ns):
                yield invariant, entry.at_ns, f"order {client_id} was decided although {problem}"


def floor_use(settings: EngineSettings, at_ns: int, *, raised: bool) -> float:
    """The margin use at which the buffer is at its floor; `raised` is the journal's word for a wild market or an event.

    Events are known ahead: the journal's word is not needed, but for the moment until the timer has looked.
    """
    event = any(one.start_ns + EVENT_NOTED_NS <= at_ns < one.end_ns for one in settings.margin_events)
    return settings.limits.floor_use(raised=event or raised)


class _Seen:
    """The newest news of everything that a decision rests on."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._underlyings = {one.underlying: one for one in settings.underlyings}
        self._hedges = {hedge for one in settings.underlyings for hedge in one.hedge_instruments}
        self._venues = {one.name: one.venue for one in settings.accounts}
        self._books: dict[InstrumentId, tuple[ev.BookTop, int]] = {}
        self._marks: dict[InstrumentId, tuple[ev.Ticker, int]] = {}
        self._indices: dict[InstrumentId, tuple[ev.Ticker, int]] = {}
        self._raised: dict[str, bool] = {}
        self._wallets: dict[str, tuple[WalletReport, int]] = {}
        self._offset_ms: dict[str, float] = {}
        self._held = HoldBook()
        self._all_is_contracts = not settings.holdings

    def take(self, event: ev.Event, at_ns: int) -> None:
        """Remember one event; a repeat with an old stamp is no news."""
        self._held.take(event)
        match event:
            case ev.BookTop(instrument=name) if name in self._hedges:
                known = self._books.get(name)
                if known is None or event.venue_at_ns > known[0].venue_at_ns:
                    self._books[name] = (event, at_ns)
            case ev.Ticker(instrument=name) if name in self._hedges and _is_price(event.mark):
                newest = self._marks.get(name)
                if newest is None or event.venue_at_ns > newest[0].venue_at_ns:
                    self._marks[name] = (event, at_ns)
                    if _is_price(event.index):
                        self._indices[name] = (event, at_ns)
            case ev.WalletUpdated(report=report):
                self._wallet(report, at_ns)
            case ev.SnapshotTaken(wallet=report) if report is not None:
                self._wallet(report, at_ns)
            case ev.ClockMeasured():
                self._offset_ms[event.account] = event.offset_ms
            case ev.RunStarted():
                # A new process knows nothing of the market yet.
                self._books.clear()
                self._marks.clear()
                self._indices.clear()
            case _:
                pass

    def regime(self, told: cmd.RecordRegime) -> None:
        """Remember whether an account's buffer has its higher floor."""
        self._raised[told.account] = told.after != NORMAL

    def adjust(self, command: cmd.RecordAdjustment) -> None:
        """A position was set to the venue's number."""
        self._held.adjust(command)

    def _wallet(self, report: WalletReport, at_ns: int) -> None:
        known = self._wallets.get(report.account)
        if known is None or report.venue_at_ns > known[0].venue_at_ns:
            self._wallets[report.account] = (report, at_ns)

    def problems(self, intent: OrderIntent, at_ns: int) -> Iterator[tuple[str, str]]:
        """What an order of this moment should not have been decided on."""
        settings = self._underlyings[intent.underlying]
        yield from (("I5", one) for one in self._data_problems(intent, at_ns) if one)
        yield from (("I5", one) for one in self._price_problems(intent, settings, at_ns) if one)
        yield from (("I4", one) for one in self._size_problems(intent, settings) if one)
        if not intent.reduce_only and (problem := self._margin_problem(intent.account, at_ns)):
            yield "I13", problem

    def _data_problems(self, intent: OrderIntent, at_ns: int) -> Iterator[str]:
        book, mark = self._books.get(intent.instrument), self._marks.get(intent.instrument)
        if book is None or mark is None:
            yield f"there was no {'mark' if book else 'book'} of {intent.instrument}"
            return
        yield _book_problem(book[0])
        limits = self._limits
        for name, (event, heard_ns), limit_ms in (
            ("book", book, limits.book_age_ms_max),
            ("mark", mark, limits.mark_age_ms_max),
        ):
            age_ms = self._age_ms(event.venue_at_ns, heard_ns, intent.account, at_ns)
            if name == "mark" and self._only_shrinks(intent):
                continue  # what it is held to counts for what is opened; how far it may be from the last one, below
            yield f"its {name} was {age_ms:.0f} ms old, at most {limit_ms} ms" if age_ms >= limit_ms + 1 else ""
        if _book_problem(book[0]):
            return
        middle = float((book[0].bid or 0) + (book[0].ask or 0)) / 2  # both are prices here
        index, index_ns = self._indices.get(intent.instrument, (None, 0))
        if index is not None and self._age_ms(index.venue_at_ns, index_ns, intent.account, at_ns) > limit_ms + 1:
            yield "" if self._only_shrinks(intent) else "its index was lost"
            index = None
        for name, reference in (("mark", mark[0].mark), ("index", index.index if index else None)):
            if reference is not None and _is_price(reference):
                gap_bps = abs(middle / float(reference) - 1.0) * 1e4
                limit = limits.book_mark_gap_bps_max
                yield f"its book was {gap_bps:.0f} bps from the {name}" if gap_bps > limit + 1e-6 else ""

    def _price_problems(self, intent: OrderIntent, settings: UnderlyingSettings, at_ns: int) -> Iterator[str]:
        """Options and dollars are valued at the main hedge's price: an order elsewhere needs it, or lowers risk at any.

        What lowers it is asked where contracts are all there is: coins and holdings have no place in the journal's sum.
        """
        main, limit_ms = settings.hedge_instrument, self._limits.book_age_ms_max
        if intent.instrument == main or not self._held.depends_on_price(settings):
            return
        book = self._books.get(main)
        age_ms = self._age_ms(book[0].venue_at_ns, book[1], intent.account, at_ns) if book else float("inf")
        if age_ms < limit_ms + 1:
            return
        old = f"the book of {main} was {age_ms:.0f} ms old, at most {limit_ms} ms"
        if not intent.reduce_only:
            yield old
        elif self._is_all_contracts(settings) and (why := self._held.unproven(intent, settings)):
            yield f"{old}, and {why}"

    def _only_shrinks(self, intent: OrderIntent) -> bool:
        """Whether an order may go without a mark: it only shrinks a position, and a hedge lowers the delta with it."""
        if not intent.reduce_only or intent.strategy == KILL_STRATEGY:
            return intent.reduce_only
        settings = self._underlyings[intent.underlying]
        # What is worth dollars or a share of a coin has its value from the book, which is fresh here.
        if self._held.depends_on_price(settings) or not self._is_all_contracts(settings):
            return True
        return not self._held.unproven(intent, settings)

    def _is_all_contracts(self, settings: UnderlyingSettings) -> bool:
        names = (settings.underlying, *settings.tokens)
        coins = (report.balances.get(one) for report, _ in self._wallets.values() for one in names)
        return self._all_is_contracts and not any(coins)

    def _age_ms(self, venue_at_ns: int, heard_ns: int, account: str, at_ns: int) -> float:
        """The larger of how long ago it was heard and how long ago the venue says it was so."""
        offset_ns = round(self._offset_ms.get(account, 0.0) * NS_PER_MS)
        return max(at_ns - heard_ns, at_ns + offset_ns - venue_at_ns) / NS_PER_MS

    def _size_problems(self, intent: OrderIntent, settings: UnderlyingSettings) -> Iterator[str]:
        coins, notional = abs(intent.delta_effect_coin), intent.notional_usd
        yield f"it is for {coins:g} coins" if coins > settings.order_qty_coin_max * 1.000001 else ""
        yield f"it is for {notional:.0f} USD" if notional > settings.order_notional_usd_max * 1.000001 else ""
        book = self._books.get(intent.instrument)
        if book is None or _book_problem(book[0]):
            return
        middle = float((book[0].bid or 0) + (book[0].ask or 0)) / 2
        beyond_bps = (float(intent.limit_price) / middle - 1.0) * intent.side.sign * 1e4
        yield f"its limit is {beyond_bps:.2f} bps beyond the book" if beyond_bps > settings.collar_bps + 1e-6 else ""

    def _margin_problem(self, account: str, at_ns: int) -> str:
        known = self._wallets.get(account)
        if known is None:
            return "nothing was known of the margin"
        report, heard_ns = known
        age_ms = (at_ns - heard_ns) // NS_PER_MS
        if age_ms > self._limits.margin_age_ms_max:
            return f"the margin was {age_ms} ms old"
        equity, needed = report.equity_usd, report.maintenance_margin_usd
        if equity is None or needed is None or (equity <= 0 and needed > 0):
            return "the margin was not known, or nothing was left of it"
        use = float(needed / equity) if needed else 0.0
        floor = floor_use(self._settings, at_ns, raised=self._raised.get(account, False))
        return f"the margin use was {use:.0%}, the floor {floor:.0%}" if use >= floor else ""


def _is_price(value: Decimal | None) -> bool:
    return value is not None and value.is_finite() and value > 0


def _book_problem(book: ev.BookTop) -> str:
    if book.bid is None or book.ask is None:
        return "the book had an empty side"
    if not (_is_price(book.bid) and _is_price(book.ask)):
        return f"the book quoted {book.bid} / {book.ask}"
    return "the book was crossed" if book.bid >= book.ask else ""
