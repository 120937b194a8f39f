"""Alerts by the journal alone: each event that calls for one is found without it, late ones, twins and sirens too."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import ClientId
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.kill import FROM_FILE, KillScope
from hedgebot.domain.reports import WalletReport
from hedgebot.domain.settings import EngineSettings, HedgeLeg, HedgeRole
from hedgebot.lab.alertjudge import RAISES_PER_MINUTE_MAX, judge_alerts
from hedgebot.lab.oracle import Oracle
from tests.unit.lab.bench import PERP, SETTINGS, START_NS, Bench, S

Entry = ev.Stamped | cmd.Issued
K = AlertKind
OTHER = InstrumentId("bybit:linear:BTCPERP")


def at(seconds: float, event: ev.Event, *, seq: int = 1) -> ev.Stamped:
    return ev.Stamped(seq=seq, at_ns=START_NS + round(seconds * S), event=event)


def told(seconds: float, kind: AlertKind, subject: str, *, seq: int = 1, over: bool = False) -> cmd.Issued:
    command: cmd.Command = cmd.RaiseAlert(kind=kind, subject=subject, summary="x")
    if over:
        command = cmd.ResolveAlert(kind=kind, subject=subject)
    return cmd.Issued(seq=seq, index=1, at_ns=START_NS + round(seconds * S), command=command)


def found(*entries: Entry, settings: EngineSettings = SETTINGS) -> list[str]:
    return [sentence for _, _, sentence in judge_alerts(entries, settings)]


def fill(kind: ev.ExecutionKind = ev.ExecutionKind.TRADE, *, ours: bool = False, on: InstrumentId = PERP) -> ev.Event:
    return ev.FillReceived(
        account="main",
        instrument=on,
        trade_id="t1",
        order_id="o1",
        client_id=ClientId(install=7, epoch=1, strategy=0, intent=1).encode() if ours else None,
        side=Side.BUY,
        qty_contracts=Decimal(1),
        price=Decimal(90_000),
        fee=Decimal(0),
        fee_coin="USDT",
        kind=kind,
        source=ev.Source.STREAM,
        venue_at_ns=START_NS,
    )


def wallet(needed: int, *, venue_at_ns: int = START_NS) -> WalletReport:
    return WalletReport(
        account="main",
        balances={},
        equity_usd=Decimal(100),
        initial_margin_usd=None,
        maintenance_margin_usd=Decimal(needed),
        venue_at_ns=venue_at_ns,
    )


def ending(in_s: float | None, name: InstrumentId = PERP) -> ev.Event:
    """The rules of a hedge, with an end or without."""
    rules = next(one.instrument for one in Bench().exchange.listings() if one.instrument.id == PERP)
    ends = msgspec.structs.replace(rules, id=name, expiry_ns=None if in_s is None else START_NS + round(in_s * S))
    return ev.InstrumentsLoaded(venue="bybit", instruments=(ends,))


DOWN = ev.StreamChanged(account="main", stream=ev.Stream.PRIVATE, up=False, reason="cut")
QUIET = at(6.0, ev.TimerFired())
CALLS: list[tuple[ev.Event, AlertKind, str]] = [
    (DOWN, K.PRIVATE_STREAM_SILENT, "main"),
    (ev.AuthenticationFailed(account="main", code="1", message="no"), K.API_KEY_INVALID, "main"),
    (ev.TaskFailed(task="feed", error="bug", restarting=True), K.TASK_FAILED, "feed"),
    (ev.OperatorKilled(operator="ann", reason="drill"), K.KILL_ACTIVE, "book"),
    (
        ev.FrameQuarantined(account="main", stream=ev.Stream.PUBLIC, topic="market", problem="no", sample="{"),
        K.SUSPECT_DATA,
        "main|market",
    ),
    (ev.VenuePaused(account="main", seconds=1.0, reason="ban"), K.RATE_LIMIT_BAN, "main"),
    (ev.InboxOverflowed(kind="fills", dropped=1), K.INBOX_OVERFLOW, "fills"),
    (ev.ClockMeasured(account="main", offset_ms=-501.0, round_trip_ms=1.0), K.CLOCK_SKEW, "main"),
    (fill(ev.ExecutionKind.ADL), K.ADL_OR_LIQUIDATION, f"main|{PERP}"),
    (fill(ev.ExecutionKind.LIQUIDATION), K.ADL_OR_LIQUIDATION, f"main|{PERP}"),
    (fill(), K.FOREIGN_ACTIVITY, "main"),
    (fill(ev.ExecutionKind.OTHER), K.FOREIGN_ACTIVITY, "main"),
    (fill(ev.ExecutionKind.ROLLBACK), K.RECON_BREAK, f"rollback:main|{PERP}"),
    (fill(ev.ExecutionKind.ROLLBACK, on=OTHER), K.RECON_BREAK, f"rollback:main|{OTHER}"),
    (ev.WalletUpdated(report=wallet(51), source=ev.Source.STREAM), K.MARGIN_BUFFER_LOW, "main"),
    (ending(86_000.0), K.INSTRUMENT_SETTLING, PERP),
]


@pytest.mark.parametrize(("event", "kind", "subject"), CALLS)
def test_an_event_without_its_alert_is_found(event: ev.Event, kind: AlertKind, subject: str) -> None:
    assert len(found(at(0.0, event), QUIET)) == 1
    assert found(at(0.0, event), QUIET)[0].startswith(f"no alert {kind}")
    assert len(found(at(0.0, event), told(5.1, kind, subject))) == 1, "too late"
    assert found(at(0.0, event), told(5.0, kind, subject), QUIET) == []
    assert found(told(0.0, kind, subject), at(1.0, event), QUIET) == [], "it is up already"
    assert found(told(0.0, kind, subject), told(0.5, kind, subject, over=True), at(0.9, event), QUIET)
    assert len(found(at(0.0, event), told(1.0, K.DISK_LOW, subject), QUIET)) == 1, "another alert is not its own"


@pytest.mark.parametrize(
    "event",
    [
        ev.StreamChanged(account="main", stream=ev.Stream.PUBLIC, up=False, reason="cut"),
        ev.StreamChanged(account="main", stream=ev.Stream.PRIVATE, up=True, reason="connected"),
        ev.ClockMeasured(account="main", offset_ms=499.0, round_trip_ms=1.0),
        fill(ours=True),
        fill(on=OTHER),
        fill(ev.ExecutionKind.OTHER, on=OTHER),
        fill(ev.ExecutionKind.DELIVERY),
        ev.WalletUpdated(report=wallet(50), source=ev.Source.STREAM),
        ending(86_500.0),
    ],
)
def test_what_calls_for_none_owes_none(event: ev.Event) -> None:
    assert found(at(0.0, event), QUIET) == []


def test_another_account_pays_no_debt_and_an_old_report_makes_none() -> None:
    assert len(found(at(0.0, DOWN), told(1.0, K.PRIVATE_STREAM_SILENT, "other"), QUIET)) == 1
    newer = at(0.0, ev.WalletUpdated(report=wallet(10, venue_at_ns=START_NS + 9), source=ev.Source.STREAM))
    assert (
        found(newer, at(1.0, ev.WalletUpdated(report=wallet(60), source=ev.Source.STREAM)), at(7.0, ev.TimerFired()))
        == []
    )


def test_a_margin_that_is_thin_for_a_moment_owes_nothing() -> None:
    thin = at(0.0, ev.WalletUpdated(report=wallet(60), source=ev.Source.STREAM))
    better = ev.WalletUpdated(report=wallet(10, venue_at_ns=START_NS + 9), source=ev.Source.STREAM)
    assert found(thin, at(0.1, better), QUIET) == []
    assert len(found(thin, QUIET)) == 1


def test_a_book_that_says_nothing_new_is_owed_an_alert_five_seconds_after_its_limit() -> None:
    """Age by content: a repeat with an old stamp is no news. Limit 5 s, and five more."""

    def top(venue_at_ns: int) -> ev.Event:
        return ev.BookTop(instrument=PERP, bid=None, bid_qty=None, ask=None, ask_qty=None, venue_at_ns=venue_at_ns)

    started = at(0.0, ev.RunStarted(run_id="1", epoch=1, settings=SETTINGS, version="1"))
    entries: list[Entry] = [started, at(1.0, top(7))]
    entries += [at(1.0 + number, event) for number in range(1, 13) for event in (top(7), ev.TimerFired())]
    assert found(*entries[:-4]) == []
    (sentence,) = found(*entries)
    assert "no alert StaleMarketData of BTC within 5 s" in sentence
    assert found(*entries[:9], told(5.5, K.STALE_MARKET_DATA, "BTC"), *entries[9:]) == []
    fresh = [started, *(at(0.5 * nr, one) for nr in range(40) for one in (top(nr + 1), ev.TimerFired()))]
    assert found(*fresh) == []


STARTED = ev.RunStarted(run_id="1", epoch=1, settings=SETTINGS, version="1")


def with_alternative(role: HedgeRole) -> EngineSettings:
    legs = (HedgeLeg(instrument=OTHER, role=role),)
    return msgspec.structs.replace(
        SETTINGS, underlyings=(msgspec.structs.replace(SETTINGS.underlyings[0], other_hedges=legs),)
    )


def silent_other(*first: Entry) -> list[Entry]:
    """The main market goes on, the other one says nothing for a quarter of a minute and ends within a day."""
    entries: list[Entry] = [at(0.0, STARTED), at(0.0, ending(80_000.0, OTHER)), *first]
    for number in range(1, 16):
        price = Decimal(90_000)
        top = ev.BookTop(instrument=PERP, bid=price, bid_qty=price, ask=price, ask_qty=price, venue_at_ns=number)
        entries += [at(float(number), top), at(float(number), ev.TimerFired())]
    return entries


def test_an_end_that_was_taken_back_before_anybody_looked_is_not_owed() -> None:
    timers = [at(float(number), ev.TimerFired()) for number in range(1, 9)]
    told = "InstrumentSettling"
    assert told in kinds_of(found(at(0.0, STARTED), at(0.0, ending(80_000.0)), *timers))
    assert told not in kinds_of(found(at(0.0, STARTED), at(0.0, ending(80_000.0)), at(0.1, ending(None)), *timers))


def kinds_of(sentences: list[str]) -> set[str]:
    return {one.removeprefix("no alert ").split(" ")[0] for one in sentences}


def moved(seconds: float, after: str) -> cmd.Issued:
    command = cmd.RecordAdjustment(account="main", subject=OTHER, before="0", after=after, evidence="opening position")
    return cmd.Issued(seq=1, index=1, at_ns=START_NS + round(seconds * S), command=command)


def test_an_alternative_owes_alerts_only_while_it_holds_a_hedge() -> None:
    """As the engine's watch has it: one that is neither held nor chosen only stands by."""
    settings = with_alternative(HedgeRole.ALTERNATIVE)
    bought = at(0.5, fill(ours=True, on=OTHER))
    assert found(*silent_other(), settings=settings) == []
    assert found(*silent_other(moved(0.2, "2"), moved(0.5, "0")), settings=settings) == []
    assert found(*silent_other(bought, moved(0.6, "0")), settings=settings) == []
    for held in (silent_other(bought), silent_other(moved(0.5, "-2"))):
        assert kinds_of(found(*held, settings=settings)) == {"InstrumentSettling", "StaleMarketData"}
    always = found(*silent_other(), settings=with_alternative(HedgeRole.BUY))
    assert kinds_of(always) == {"InstrumentSettling", "StaleMarketData"}


def test_what_a_dead_process_owed_the_next_one_has_its_time_for() -> None:
    thin = at(0.0, ev.WalletUpdated(report=wallet(95), source=ev.Source.STREAM))
    again = at(8.0, STARTED, seq=2)
    paid = told(12.9, K.MARGIN_BUFFER_LOW, "main", seq=3)
    assert found(thin, again, paid, at(20.0, ev.TimerFired())) == []
    (sentence,) = found(thin, again, at(20.0, ev.TimerFired()))
    assert "MarginBufferLow of main" in sentence
    assert found(at(0.0, DOWN), again, at(12.0, ev.TimerFired())) == [], "its streams died with it"


def test_each_kill_and_each_forced_close_has_an_alert_of_its_own() -> None:
    """One that is up already pays for no other."""
    venue = ev.OperatorKilled(operator="ann", reason="drill", scope=KillScope.VENUE, name="bybit")
    book_up, other_up = told(0.0, K.KILL_ACTIVE, "book"), told(0.0, K.ADL_OR_LIQUIDATION, f"main|{OTHER}")
    (sentence,) = found(book_up, at(1.0, venue), QUIET, at(7.0, ev.TimerFired()))
    assert "KillActive of venue:bybit" in sentence
    assert found(book_up, at(1.0, venue), told(1.0, K.KILL_ACTIVE, "venue:bybit"), at(7.0, ev.TimerFired())) == []
    assert len(found(other_up, at(1.0, fill(ev.ExecutionKind.ADL)), at(7.0, ev.TimerFired()))) == 1


def test_a_kill_that_was_refused_and_a_file_that_stops_the_book_owe_none_for_what_they_name() -> None:
    venue = ev.OperatorKilled(operator="ann", reason="drill", scope=KillScope.VENUE, name="nowhere")
    answers = [
        cmd.RecordOperator(operator="ann", action="kill", accepted=one, explanation="x") for one in (False, True)
    ]
    refused, accepted = (cmd.Issued(seq=1, index=1, at_ns=START_NS, command=one) for one in answers)
    assert found(at(0.0, venue), refused, QUIET) == []
    assert len(found(at(0.0, venue), accepted, QUIET)) == 1
    by_file = at(0.0, msgspec.structs.replace(venue, operator=FROM_FILE))
    assert found(by_file, told(1.0, K.KILL_ACTIVE, "book"), QUIET) == []
    assert len(found(by_file, QUIET)) == 1


def test_an_end_that_comes_near_owes_its_alert_from_that_day_on() -> None:
    entries = [at(0.0, ending(86_420.0)), *(at(float(nr), ev.TimerFired()) for nr in range(30))]
    assert found(*entries[:-4]) == []
    assert len(found(*entries)) == 1
    withdrawn = at(19.0, ending(10**6))
    assert found(*entries[:20], withdrawn, *entries[20:]) == []


def test_an_alert_that_is_raised_while_it_is_up_is_found_but_at_a_start() -> None:
    once = told(0.0, K.TASK_FAILED, "x")
    assert len(found(once, told(9.0, K.TASK_FAILED, "x", seq=2))) == 1
    assert found(once, told(3.0, K.TASK_FAILED, "x", over=True), told(9.0, K.TASK_FAILED, "x")) == []
    started = at(9.0, ev.RunStarted(run_id="2", epoch=2, settings=SETTINGS, version="1"), seq=2)
    assert found(once, started, told(9.0, K.TASK_FAILED, "x", seq=2)) == []


def test_a_siren_is_found() -> None:
    times = [nr * 59.0 / RAISES_PER_MINUTE_MAX for nr in range(RAISES_PER_MINUTE_MAX + 1)]
    entries = [told(one + end / 10, K.SUSPECT_DATA, "x", over=bool(end)) for one in times for end in (0, 1)]
    (sentence,) = found(*entries)
    assert sentence == "the alert SuspectData of x was raised 4 times in a minute"
    assert found(*entries[:-2]) == []


def test_the_oracle_judges_by_it_and_is_content_with_a_sound_run() -> None:
    bench = Bench()
    oracle = Oracle(bench.exchange, "main", bench.host.journal, SETTINGS)
    bench.host.start()
    bench.run(30)
    assert oracle.judge() == []
    bench.host.journal.write([at(31.0, fill()), at(40.0, ev.TimerFired())], durable=True)
    assert {one.invariant for one in oracle.judge()} == {"I9"}
