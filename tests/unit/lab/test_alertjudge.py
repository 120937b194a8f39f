"""Alerts by the journal alone: each event that calls for one is found without it, late ones, twins and sirens too."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import ClientId
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.reports import WalletReport
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


def found(*entries: Entry) -> list[str]:
    return [sentence for _, _, sentence in judge_alerts(entries, SETTINGS)]


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


def ending(in_s: float) -> ev.Event:
    rules = next(one.instrument for one in Bench().exchange.listings() if one.instrument.id == PERP)
    ends = msgspec.structs.replace(rules, expiry_ns=START_NS + round(in_s * S))
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
    (fill(ev.ExecutionKind.ADL), K.ADL_OR_LIQUIDATION, PERP),
    (fill(ev.ExecutionKind.LIQUIDATION), K.ADL_OR_LIQUIDATION, PERP),
    (fill(), K.FOREIGN_ACTIVITY, "main"),
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
