"""A backtest: one book's own turn over a market of history or of a seed, on virtual time, and what it came to.

Owns the run: how long, how often it looks, what it takes from the journal (the book at each decision). The engine, the
turn and the exchange are those of every other run; the journal's entries are passed on and not kept, so that memory
does not grow with history.
"""

import math
from collections.abc import Callable, Iterable, Mapping

import msgspec
import numpy as np

from hedgebot.core.drift import Figures, predicted, realised
from hedgebot.core.engine import LoadStrategy
from hedgebot.core.policy import edges
from hedgebot.core.state import UnderlyingState
from hedgebot.core.tracking import unpredicted
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_S
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import EngineSettings
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.pegtape import RecordedPeg
from hedgebot.exchange.playback import RecordedPath
from hedgebot.exchange.pricepath import PricePath
from hedgebot.exchange.recordfile import utc
from hedgebot.exchange.scenario import Scenario
from hedgebot.lab.budgets import known_now
from hedgebot.lab.madeby import MadeBy
from hedgebot.lab.memory import PassingJournal
from hedgebot.lab.observe import NO_BAND, Columns, Costs, InForce, Measures, Observer, Profit, measures
from hedgebot.lab.pace import Pace
from hedgebot.lab.simbook import SimBook
from hedgebot.lab.sweep import Seen

START_NS = 1_790_000_000_000_000_000
"""When the market of a seed begins; a recording is played at its own moments."""

WARM_UP_S = 120.0
WARM_UP_STEPS = 8
LOOKS_MAX = 20_000

Told = Callable[[float], None]
"""Hears how much of the run is done, 0 to 1."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run. The market moves and is shown once in a step of the scenario, to which paths were loaded."""

    scenario: Scenario
    settings: EngineSettings
    days: float
    paths: Mapping[str, PricePath] = {}
    pegs: Iterable[RecordedPeg] = ()
    label: str = ""

    @property
    def step_s(self) -> float:
        """Seconds between looks."""
        return self.scenario.step_ms / 1_000.0

    @property
    def recorded_ns(self) -> int | None:
        """The moment (UTC) at which its recording begins; None where none is played."""
        return next((one.origin_ns for one in self.paths.values() if isinstance(one, RecordedPath)), None)

    @property
    def start_ns(self) -> int:
        """When virtual time begins: hours of the day, ends and expiries are those of what was recorded."""
        return START_NS if self.recorded_ns is None else self.recorded_ns

    @property
    def looks_ns(self) -> int:
        """When the first look is taken: the book is hedged by then."""
        return self.start_ns + warm_up_ns(self.step_s)

    @property
    def end_ns(self) -> float:
        """When the days are over; no look is taken later."""
        return self.looks_ns + self.days * NS_PER_DAY


class Hedges(msgspec.Struct, frozen=True, kw_only=True):
    """One underlying's hedging: realised figures, costs, the columns they come from.

    `lot_coin` is the smallest step of its hedge at the last price.
    `predicted` is what the engine promised of its bands meanwhile, `engine` what it itself saw come of it; `seen` is
    what it knew at each look. `unpredicted` says what makes the promise unreliable; empty where nothing does.
    """

    underlying: str
    measures: Measures
    predicted: Figures
    engine: Figures
    costs: Costs
    columns: Columns
    lot_coin: float = 0.0
    unpredicted: str = ""
    seen: Seen | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to. `alerts` are kinds with how often each was raised; `refusals` rules with how often.

    `recorded_ns` is the moment (UTC) at which a recording was begun; None where none was played; `gaps` are
    holes of what was recorded in the days that were run, `gaps_s` their seconds in all. `spreads_bps` is the mean
    spread of each book whose quotes were recorded ("BTC perp"), over those days.
    """

    label: str
    scenario: str
    config_hash: str
    days: float
    step_s: float
    equity_first_usd: float
    equity_last_usd: float
    profit: Profit
    hedges: tuple[Hedges, ...]
    alerts: Mapping[str, int]
    refusals: Mapping[str, int]
    events: int
    mode: str
    recorded_ns: int | None = None
    gaps: int = 0
    gaps_s: float = 0.0
    spreads_bps: Mapping[str, float] = {}


class _Ear:
    """Takes from the journal what the exchange's side cannot tell."""

    def __init__(self) -> None:
        self.observer: Observer | None = None
        self.alerts: dict[str, int] = {}
        self.refusals: dict[str, int] = {}
        self.known: dict[str, list[tuple[float, float, float, float]]] = {}
        self.events = 0

    def __call__(self, entry: ev.Stamped | cmd.Issued) -> None:
        """One entry of the journal."""
        if isinstance(entry, ev.Stamped):
            self.events += 1
            return
        match entry.command:
            case cmd.RaiseAlert(kind=kind):
                self.alerts[kind.value] = self.alerts.get(kind.value, 0) + 1
            case cmd.RecordRefusal(refused=refused):
                self.refusals[refused.check.rule] = self.refusals.get(refused.check.rule, 0) + 1
            case cmd.RecordDecision():
                self._on_decision(entry.command)
            case _:
                pass

    def note_known(self, book: SimBook) -> None:
        """What the engine knows at a look."""
        state = book.host.engine.state
        for one in state.settings.underlyings:
            known = known_now(state.underlyings[one.underlying], one, book.timeline.now_ns)
            self.known.setdefault(one.underlying, []).append(known)

    def _on_decision(self, decision: cmd.RecordDecision) -> None:
        bid, ask = decision.evidence.get("bid"), decision.evidence.get("ask")
        if decision.client_id and self.observer is not None and bid is not None and ask is not None:
            self.observer.note_order(decision.client_id, float(bid), float(ask))


def warm_up_ns(step_s: float) -> int:
    """How long a book has to be hedged before the figures begin, where looks are so far apart.

    Looks fall into the middle of steps: at their very moment the client has traded and nobody could have hedged.
    """
    step_ns = round(step_s * NS_PER_S)
    least_ns = max(round(WARM_UP_S * NS_PER_S), WARM_UP_STEPS * step_ns)
    return least_ns - least_ns % step_ns + step_ns // 2


def run_backtest(wish: Wish, load_strategy: LoadStrategy, told: Told = lambda _share: None) -> Result:
    """Run it to its end. ConfigError when the book cannot run there, or never becomes active."""
    ear, pace = _Ear(), Pace.of_seconds(wish.step_s)
    exchange = Exchange(wish.scenario, wish.start_ns, wish.paths, wish.pegs)
    book = SimBook(exchange, _unhalted(wish), load_strategy, pace=pace, journal=PassingJournal(ear))
    holders = [one.name for one in wish.settings.accounts]
    ours = MadeBy(exchange, holders, wish.settings.install)
    # The client waits until the book is hedged: what came before is no part of the figures.
    book.exchange.set_client_flow(enabled=False)
    book.host.start()
    book.timeline.advance(wish.looks_ns)
    mode = book.host.engine.state.mode
    if mode is not cmd.Mode.ACTIVE:
        raise ConfigError(f"the book did not become active: {book.host.engine.state.mode_reason}")
    _check_bands(wish, book)
    book.exchange.set_client_flow(enabled=True)
    names = [one.underlying for one in wish.settings.underlyings]
    observer = ear.observer = Observer(book.exchange, holders, names, ours)
    _watch(wish, book, observer, ear, told)
    return _result(wish, book, observer, ear)


def _unhalted(wish: Wish) -> EngineSettings:
    """The settings, in which being blind for as long as the recording is silent halts nothing.

    The market went on; a halt would stand to the end of the run, for nobody is there who could lift it.
    """
    quiet_s = max((one.quiet_s for one in wish.paths.values() if isinstance(one, RecordedPath)), default=0.0)
    if not quiet_s:
        return wish.settings
    limits = wish.settings.limits
    longer_ms = round(quiet_s * 1_000) + limits.blind_ms_halt
    return msgspec.structs.replace(wish.settings, limits=msgspec.structs.replace(limits, blind_ms_halt=longer_ms))


def _bands(book: SimBook) -> dict[str, InForce]:
    """The bands that the engine keeps now."""
    return {name: _band(one) for name, one in book.host.engine.state.underlyings.items()}


def _band(one: UnderlyingState) -> InForce:
    centre_coin = one.centre_coin
    if not (centre_coin or one.trigger_coin or one.inside_coin):
        return NO_BAND
    return InForce(centre_coin - edges(one, -1.0)[0], centre_coin + edges(one, 1.0)[0], centre_coin)


def _check_bands(wish: Wish, book: SimBook) -> None:
    """ConfigError for strategies that keep no band where the market begins: a run without a hedge says nothing."""
    for name, one in book.host.engine.state.underlyings.items():
        asked = [each.name for each in wish.settings.strategies if each.enabled and name in each.underlyings]
        if asked and _band(one) is NO_BAND:
            raise ConfigError(
                f"the strategies {', '.join(asked)} keep no band of {name} at {utc(book.timeline.now_ns)}, where the "
                "market begins: name one that makes a band first, and an end_at that is later"
            )


def _watch(wish: Wish, book: SimBook, observer: Observer, ear: _Ear, told: Told) -> None:
    """Advance to the end, looking after every step; in long runs after every few, so that columns stay bounded."""
    whole_ns = round(wish.days * NS_PER_DAY)
    steps = max(1, math.ceil(whole_ns / (wish.step_s * NS_PER_S) / LOOKS_MAX))
    stride_ns = round(steps * wish.step_s * NS_PER_S)
    observer.look(_bands(book))
    ear.note_known(book)
    # Never beyond the end: prices of a recording stand still there.
    looks = max(1, whole_ns // stride_ns)
    for number in range(looks):
        book.timeline.advance(book.timeline.now_ns + stride_ns)
        observer.look(_bands(book))
        ear.note_known(book)
        told((number + 1) / looks)


def _holes(wish: Wish) -> list[float]:
    """Seconds of each gap of the recordings in the days that are run; nothing trades in them, prices are held."""
    found = []
    for path in wish.paths.values():
        if isinstance(path, RecordedPath):
            inside = [(max(since, path.origin_ns), min(until, wish.end_ns)) for since, until in path.gaps]
            found += [(until - since) / NS_PER_S for since, until in inside if until > since]
    return found


def _spreads(wish: Wish) -> dict[str, float]:
    """Mean spread of each book whose quotes were recorded, in the days that are run."""
    return {
        f"{name} {what}": quotes.mean_bps(path.origin_ns, wish.end_ns)
        for name, path in wish.paths.items()
        if isinstance(path, RecordedPath)
        for what, quotes in path.quotes.items()
    }


def _lot_coin(wish: Wish, book: SimBook, name: str) -> float:
    state = book.host.engine.state
    configured = next(one for one in wish.settings.underlyings if one.underlying == name)
    return state.instruments[configured.hedge_instrument].lot_coin(state.underlyings[name].price)


def _result(wish: Wish, book: SimBook, observer: Observer, ear: _Ear) -> Result:
    hedges, holes = [], _holes(wish)
    for name, track in observer.tracks.items():
        columns, underlying = track.columns(), book.host.engine.state.underlyings[name]
        promised = predicted(underlying.tracking.sums)
        hedges.append(
            Hedges(
                underlying=name,
                measures=measures(
                    columns,
                    volume_coin=observer.volume_coin[name],
                    orders=observer.orders[name],
                    trading_cost_usd=observer.costs[name].trading,
                ),
                predicted=promised,
                engine=realised(underlying.tracking.sums),
                costs=observer.costs[name],
                columns=columns,
                lot_coin=_lot_coin(wish, book, name),
                unpredicted=unpredicted(underlying, promised),
                seen=Seen(*(np.array(one) for one in zip(*ear.known[name], strict=True))),
            )
        )
    return Result(
        label=wish.label or wish.settings.config_hash,
        scenario=wish.scenario.name,
        config_hash=wish.settings.config_hash,
        days=wish.days,
        step_s=wish.step_s,
        equity_first_usd=observer.first_equity_usd,
        equity_last_usd=observer.equity_usd,
        profit=observer.profit,
        hedges=tuple(hedges),
        alerts=ear.alerts,
        refusals=ear.refusals,
        events=ear.events,
        gaps=len(holes),
        gaps_s=sum(holes),
        spreads_bps=_spreads(wish),
        recorded_ns=wish.recorded_ns,
        mode=book.host.engine.state.mode.value if book.host.running else f"ended: {book.host.ended}",
    )
