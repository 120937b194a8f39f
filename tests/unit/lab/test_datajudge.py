"""What orders were decided on: each kind of bad news is found, and a sound run has none of it."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.settings import HedgeLeg, MarginEvent
from hedgebot.lab.datajudge import judge_data
from tests.support.playbook import BTC_INVERSE, instrument
from tests.unit.lab.bench import PERP, SETTINGS, Bench

Entry = ev.Stamped | cmd.Issued


def journal() -> list[Entry]:
    bench = Bench()
    bench.host.start()
    bench.run(40)
    assert bench.host.journal.orders()
    return list(bench.host.journal.entries)


ENTRIES = journal()
CALL = instrument(InstrumentId("bybit:option:BTC-C"), InstrumentKind.LINEAR_OPTION)
INVERSE = instrument(BTC_INVERSE, InstrumentKind.INVERSE_PERP)


def changed(kind: type[ev.Event], change: Callable[[ev.Event], ev.Event | None]) -> list[Entry]:
    """The journal with other news of one kind; None leaves one out."""
    found: list[Entry] = []
    for one in ENTRIES:
        if isinstance(one, ev.Stamped) and isinstance(one.event, kind):
            event = change(one.event)
            if event is not None:
                found.append(msgspec.structs.replace(one, event=event))
        else:
            found.append(one)
    return found


def said(entries: list[Entry]) -> set[tuple[str, str]]:
    return {(name, sentence.split(" although ")[1]) for name, _, sentence in judge_data(entries, SETTINGS)}


def with_fields(**fields: object) -> Callable[[ev.Event], ev.Event]:
    def change(event: ev.Event) -> ev.Event:
        hedge = getattr(event, "instrument", PERP) == PERP
        return msgspec.structs.replace(event, **fields) if hedge else event

    return change


def test_a_sound_run_is_decided_on_sound_data() -> None:
    assert said(ENTRIES) == set()


@pytest.mark.parametrize(
    ("kind", "fields", "invariant", "sentence"),
    [
        (ev.BookTop, {"bid": None}, "I5", "the book had an empty side"),
        (ev.BookTop, {"bid": Decimal("NaN")}, "I5", "the book quoted NaN"),
        (ev.BookTop, {"ask": Decimal(0)}, "I5", "/ 0"),
        (ev.BookTop, {"bid": Decimal(10**6)}, "I5", "the book was crossed"),
        (ev.Ticker, {"mark": Decimal(70_000)}, "I5", "bps from the mark"),
        (ev.Ticker, {"index": Decimal(70_000)}, "I5", "bps from the index"),
        (ev.Ticker, {"mark": None}, "I5", "there was no mark"),
    ],
)
def test_bad_market_news_are_found(
    kind: type[ev.Event], fields: dict[str, object], invariant: str, sentence: str
) -> None:
    found = said(changed(kind, with_fields(**fields)))
    assert any(name == invariant and sentence in problem for name, problem in found), found


def test_an_order_without_the_index_that_was_known_is_found() -> None:
    tickers = [0]

    def lost(event: ev.Event) -> ev.Event:
        assert isinstance(event, ev.Ticker)
        tickers[0] += event.instrument == PERP
        return event if tickers[0] < 4 else with_fields(index=None)(event)

    assert ("I5", "its index was lost") in said(changed(ev.Ticker, lost))


def test_old_news_are_found_by_their_stamp_too() -> None:
    def older(event: ev.Event) -> ev.Event:
        assert isinstance(event, ev.BookTop)
        return msgspec.structs.replace(event, venue_at_ns=event.venue_at_ns - 20 * 10**9)

    assert any("book was 2" in problem for _, problem in said(changed(ev.BookTop, older)))


def thin(equity: str | None, needed: str) -> list[Entry]:
    """The journal with other margins in every report."""

    def change(event: ev.Event) -> ev.Event:
        report = event.report if isinstance(event, ev.WalletUpdated) else getattr(event, "wallet", None)
        if report is None:
            return event
        worth = None if equity is None else Decimal(equity)
        report = msgspec.structs.replace(report, equity_usd=worth, maintenance_margin_usd=Decimal(needed))
        name = "report" if isinstance(event, ev.WalletUpdated) else "wallet"
        return msgspec.structs.replace(event, **{name: report})

    return [
        msgspec.structs.replace(one, event=change(one.event)) if isinstance(one, ev.Stamped) else one for one in ENTRIES
    ]


@pytest.mark.parametrize(
    ("equity", "needed", "sentence"),
    [("100", "85", "margin use was 85%"), ("0", "5", "nothing was left"), (None, "5", "not known")],
)
def test_orders_below_the_margin_floor_are_found(equity: str | None, needed: str, sentence: str) -> None:
    entries = thin(equity, needed)
    assert any(name == "I13" and sentence in problem for name, problem in said(entries))


def test_the_floor_is_that_of_the_regime() -> None:
    """A use of 60 % is below the normal floor, and beyond the one of a wild market or an event."""
    entries = thin("100", "60")
    assert said(entries) == set()
    orders = [one for one in entries if isinstance(one, cmd.Issued) and isinstance(one.command, cmd.SubmitOrder)]
    told = {
        after: cmd.RecordRegime(account="main", before="normal", after=after, floor_use=0.5, why="")
        for after in ("high_vol", "normal")
    }
    first = entries.index(orders[0])
    wild = [*entries[:first], msgspec.structs.replace(orders[0], command=told["high_vol"]), *entries[first:]]
    assert ("I13", "the margin use was 60%, the floor 50%") in said(wild)
    calm = [*wild[: first + 1], msgspec.structs.replace(orders[0], command=told["normal"]), *entries[first:]]
    assert said(calm) == set()
    window = MarginEvent(name="FOMC", start_ns=0, end_ns=orders[-1].at_ns + 1)
    during = msgspec.structs.replace(SETTINGS, margin_events=(window,))
    assert {name for name, _, _ in judge_data(entries, during)} == {"I13"}
    over = msgspec.structs.replace(window, end_ns=orders[0].at_ns)
    assert list(judge_data(entries, msgspec.structs.replace(SETTINGS, margin_events=(over,)))) == []


def test_orders_beyond_their_caps_are_found() -> None:
    found: list[Entry] = []
    for one in ENTRIES:
        command = one.command if isinstance(one, cmd.Issued) else None
        if isinstance(one, cmd.Issued) and isinstance(command, cmd.SubmitOrder):
            intent = command.approved.intent
            wild = msgspec.structs.replace(
                intent, limit_price=intent.limit_price * (1 + intent.side.sign), delta_effect_coin=5.0, notional_usd=1e7
            )
            approved = msgspec.structs.replace(command.approved, intent=wild)
            found.append(msgspec.structs.replace(one, command=msgspec.structs.replace(command, approved=approved)))
        else:
            found.append(one)
    problems = {problem for name, problem in said(found) if name == "I4"}
    assert any("coins" in one for one in problems)
    assert any("USD" in one for one in problems)
    assert any("beyond the book" in one for one in problems)


def test_an_order_elsewhere_needs_the_main_market_while_options_are_held() -> None:
    """The bench's hedge stands for the second one here: the main one is another, of which nothing was ever heard."""
    main = InstrumentId("bybit:linear:BTCUSDT-MAIN")
    one = msgspec.structs.replace(
        SETTINGS.underlyings[0], hedge_instrument=main, other_hedges=(HedgeLeg(instrument=PERP),)
    )
    made = msgspec.structs.replace(SETTINGS, underlyings=(one,))

    def found(entries: list[Entry]) -> list[str]:
        return [sentence for name, _, sentence in judge_data(entries, made) if name == "I5"]

    assert found(ENTRIES) == []
    first = ENTRIES[0]
    held = cmd.RecordAdjustment(
        account="main", subject="bybit:option:BTC-C", before="0", after="-2", evidence="opening position"
    )
    option = cmd.Issued(seq=first.seq, index=1, at_ns=first.at_ns, command=held)
    told = found([option, *ENTRIES])
    sent = [row.command for row in ENTRIES if isinstance(row, cmd.Issued) and isinstance(row.command, cmd.SubmitOrder)]
    assert {one.approved.intent.reduce_only for one in sent} == {True, False}
    assert len(told) == len(sent)
    assert all(f"the book of {main} was inf ms old" in sentence for sentence in told)
    gone = msgspec.structs.replace(option, command=msgspec.structs.replace(held, after="0"))
    assert found([option, gone, *ENTRIES]) == []


def test_an_order_elsewhere_that_shrinks_is_held_against_bounds_of_its_own() -> None:
    """Of the rule in the gate nothing is taken: neither its word for a proof, nor that dollars count as options do."""
    main = InstrumentId("bybit:linear:BTCUSDT-MAIN")
    one = msgspec.structs.replace(
        SETTINGS.underlyings[0], hedge_instrument=main, other_hedges=(HedgeLeg(instrument=PERP),)
    )
    made = msgspec.structs.replace(SETTINGS, underlyings=(one,))
    first = next(row for row in ENTRIES if isinstance(row, cmd.Issued) and isinstance(row.command, cmd.SubmitOrder))
    assert isinstance(first.command, cmd.SubmitOrder)
    approved = first.command.approved
    shrinking = msgspec.structs.replace(
        approved.intent, reduce_only=True, side=Side.SELL, qty_contracts=Decimal(1), delta_effect_coin=-1.0
    )
    order = msgspec.structs.replace(
        first,
        command=msgspec.structs.replace(first.command, approved=msgspec.structs.replace(approved, intent=shrinking)),
    )
    before = [row for row in ENTRIES[: ENTRIES.index(first)] if not _is_fill(row)]

    def told(**held: str) -> list[str]:
        names = {"perp": PERP, "option": CALL.id, "dollars": INVERSE.id}
        sets = [
            cmd.RecordAdjustment(account="main", subject=names[name], before="0", after=after, evidence="opening")
            for name, after in held.items()
        ]
        rows = [cmd.Issued(seq=first.seq, index=1, at_ns=first.at_ns, command=each) for each in sets]
        rules = ev.Stamped(
            seq=first.seq, at_ns=first.at_ns, event=ev.InstrumentsLoaded(venue="bybit", instruments=(CALL, INVERSE))
        )
        entries = [*before, rules, *rows, order]
        return [sentence for name, _, sentence in judge_data(entries, made) if name == "I5" and "anywhere" in sentence]

    assert told(perp="3") == []
    assert told(perp="3", option="-2") == []
    assert "the delta was anywhere from" in told(perp="1", option="-2")[0]
    assert "the delta was anywhere from -inf" in told(perp="3", dollars="-100")[0]


def _is_fill(row: Entry) -> bool:
    return isinstance(row, ev.Stamped) and isinstance(row.event, ev.FillReceived)
