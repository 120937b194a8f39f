"""Deliberately broken builds: each is caught by the fault world, and the wrong-way ones are halted within two fills.

Each test says which check caught its build; `pytest -rP tests/simulation/test_mutants.py` shows the list.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgebot.core import decide, difference, gate, ledger, order_table, policy, shaping
from hedgebot.core.drift import Drift
from hedgebot.core.state import AccountState, AlertState, Latch, Mismatch
from hedgebot.core.step import Step
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.reports import OrderReport, WalletReport
from hedgebot.domain.settings import EngineSettings, MarginEvent
from hedgebot.exchange.faults import PushFault, PushFaultKind, RequestFault, RequestFaultKind
from hedgebot.exchange.scenario import Scenario
from hedgebot.journal import redaction
from hedgebot.journal.redaction import TEXTS, Redactor
from hedgebot.lab import simvenue
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.memory import MemoryJournal
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.outcome import Outcome
from hedgebot.lab.simvenue import SimVenue
from hedgebot.lab.stage import Mishap, Stage, client_trade
from hedgebot.lab.worldspec import SCENARIO, START_NS
from strategies.delta_neutral import STRATEGY

Patch = pytest.MonkeyPatch


def played(name: str, seed: int = 1, minutes: float = 5.0) -> tuple[FaultWorld, Outcome]:
    world = FaultWorld(seed, minutes, STRATEGY.build, [BY_ID[name]])
    return world, world.run()


def caught(build: str, outcome: Outcome) -> set[str]:
    """The checks that caught a build, printed with what they said."""
    by = {one.invariant for one in outcome.violations} | ({"back in the band"} if outcome.stuck else set())
    print(f"{build}: caught by {', '.join(sorted(by)) or 'nothing'}", *outcome.violations[:3], sep="\n  ")
    return by


def fills_when_halted(build: str, world: FaultWorld) -> int:
    """How many orders of ours had filled when the effectiveness breaker halted the book at run time, latched."""
    halts = [
        one
        for one in world.host.journal.entries
        if isinstance(one, cmd.Issued)
        and isinstance(one.command, cmd.RecordMode)
        and one.command.after is cmd.Mode.HALTED
    ]
    assert halts, "nothing halted it"
    first = halts[0]
    assert isinstance(first.command, cmd.RecordMode)
    assert first.command.latched
    assert "did not hedge" in first.command.reason, first.command.reason
    moment, begins = first.at_ns, {order.at_ns for order in world.host.journal.orders()}
    fills = {row.order.order_id for row in world.oracle.own_executions if row.at_ns <= moment}
    assert sum(one <= moment for one in begins) <= 2
    print(f"{build}: halted at run time after {len(fills)} orders' fills: {first.command.reason}")
    return len(fills)


def test_the_builds_without_a_fault_pass() -> None:
    for name in ("N01", "N02", "N05", "N09", "O05", "P01"):
        assert played(name)[1].passed, name


def test_m10_a_flipped_sign_is_halted_within_two_fills(monkeypatch: Patch) -> None:
    wanted = policy.wanted_trade_coin
    monkeypatch.setattr(decide, "wanted_trade_coin", lambda delta, proposal: -wanted(delta, proposal))
    world, outcome = played("P06")
    assert 1 <= fills_when_halted("hedge sign flipped", world) <= 2
    assert caught("hedge sign flipped", outcome) & {"I4", "back in the band"}


def test_m10_a_contract_a_hundred_times_as_large_is_halted_within_two_fills(monkeypatch: Patch) -> None:
    shape = shaping.shape

    def large(*args: Any) -> Any:
        shaped = shape(*args)
        if isinstance(shaped, shaping.NoLot):
            return shaped
        return msgspec.structs.replace(shaped, qty_contracts=shaped.qty_contracts * 100)

    monkeypatch.setattr(decide, "shape", large)
    world, outcome = played("P06")
    assert 1 <= fills_when_halted("contract multiplier x100", world) <= 2
    assert caught("contract multiplier x100", outcome) & {"I4", "back in the band"}


def test_a_retry_after_a_timeout_is_caught(monkeypatch: Patch) -> None:
    """On a venue whose client ids are not unique the second copy is a second order."""
    submit = SimVenue._submit

    def twice(self: SimVenue, command: cmd.SubmitOrder) -> None:
        unknown = self._unknown

        def again(client_id: str, code: str, message: str) -> None:
            self._unknown = unknown  # type: ignore[method-assign]
            submit(self, command)

        self._unknown = again  # type: ignore[method-assign]
        submit(self, command)

    monkeypatch.setattr(SimVenue, "_submit", twice)
    monkeypatch.setattr(simvenue, "ORDER_TIMEOUT_NS", 500_000_000)
    scenario = msgspec.structs.replace(SCENARIO, venue_rules="deribit")
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [BY_ID["N05"]], scenario=scenario).run()
    assert caught("retry on timeout", outcome) & {"I1"}


def test_ids_that_repeat_at_the_venue_do_not_matter_to_a_sound_build() -> None:
    scenario = msgspec.structs.replace(SCENARIO, venue_rules="deribit")
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [BY_ID["N05"]], scenario=scenario).run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3])
    assert outcome.hedges > 5


def test_unknown_taken_for_rejected_is_caught(monkeypatch: Patch) -> None:
    def rejected(step: Step, event: ev.OrderOutcomeUnknown) -> None:
        order_table.on_rejected(
            step, ev.OrderRejected(account=event.account, client_id=event.client_id, code=event.code, message="")
        )

    monkeypatch.setattr(order_table, "on_unknown", rejected)
    monkeypatch.setattr(simvenue, "ORDER_TIMEOUT_NS", 100_000_000)
    assert caught("UNKNOWN taken for rejected", FaultWorld(1, 5.0, STRATEGY.build, [SILENT]).run()) & {"I1"}


def test_late_news_do_not_matter_to_a_sound_build() -> None:
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [SILENT]).run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3])


def _late_news(stage: Stage) -> None:
    stage.link.add(RequestFault(kind=RequestFaultKind.ACK_LOST, request="place", count=None, seconds=60.0))
    for topic in ("execution", "order"):
        stage.link.add(PushFault(kind=PushFaultKind.DELAY, topic=topic, delay_ms=3_000.0, seconds=60.0))


SILENT = Mishap(id="N05", title="answers are lost and news are late", begin=_late_news, seconds=60.0)


def test_fills_that_count_twice_are_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(ledger, "is_new_execution", lambda *_: True)
    assert caught("fill dedupe off", played("N09")[1]) & {"I6", "back in the band"}


def test_events_dropped_on_an_error_are_caught(monkeypatch: Patch) -> None:
    """An execution that the build cannot digest is dropped whenever it comes: nothing brings it back."""
    _drop_every_third_fill(monkeypatch, *ev.Source)
    assert caught("events dropped on an error", played("N01")[1]) & {"I6", "back in the band"}


def test_executions_that_the_stream_alone_drops_cannot_matter(monkeypatch: Patch) -> None:
    """No mutant, but the proof why it is none: what the stream lost is read again with the next question (rule O7)."""
    dropped = _drop_every_third_fill(monkeypatch, ev.Source.STREAM)
    world, outcome = played("N01")
    assert len(dropped) >= 3
    assert outcome.passed
    booked = [
        one.event.trade_id
        for one in world.host.journal.entries
        if isinstance(one, ev.Stamped) and isinstance(one.event, ev.FillReceived)
    ]
    assert dropped <= set(booked)


def _drop_every_third_fill(monkeypatch: Patch, *sources: ev.Source) -> set[str]:
    """Every third execution, whenever it comes from one of these sources; returns the ids of those it dropped."""
    put = SimVenue._put
    order: dict[str, int] = {}
    dropped: set[str] = set()

    def lossy(self: SimVenue, fact: ev.Event) -> None:
        if isinstance(fact, ev.FillReceived):
            number = order.setdefault(fact.trade_id, len(order) + 1)
            if number % 3 == 0 and fact.source in sources:
                dropped.add(fact.trade_id)
                return
        put(self, fact)

    monkeypatch.setattr(SimVenue, "_put", lossy)
    return dropped


def _late(journal_write: Callable[..., None]) -> Callable[..., None]:
    def write(self: MemoryJournal, entries: Sequence[Any], *, durable: bool) -> None:
        journal_write(self, entries, durable=False)

    return write


def test_a_journal_that_does_not_wait_for_the_disk_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(MemoryJournal, "write", _late(MemoryJournal.write))
    assert caught("no WAL sync", played("P06")[1]) & {"I3"}


def test_an_order_sent_before_its_journal_row_is_caught(monkeypatch: Patch) -> None:
    from hedgebot.lab import host

    carry_out = host._Process._carry_out

    def hasty(self: Any, out: Any) -> None:
        self._dispatch([one for one in out.gated if isinstance(one, cmd.SubmitOrder)])
        rest = tuple(one for one in out.gated if not isinstance(one, cmd.SubmitOrder))
        carry_out(self, msgspec.structs.replace(out, gated=rest))

    monkeypatch.setattr(host._Process, "_carry_out", hasty)
    monkeypatch.setattr("hedgebot.lab.faultworld.LINK", msgspec.structs.replace(_fast_link()))
    assert caught("journal after send", played("P06")[1]) & {"I3"}


def _fast_link() -> Any:
    from hedgebot.exchange.latency import Latencies, Latency
    from hedgebot.exchange.link_types import LinkSpec

    return LinkSpec(latencies=Latencies(request=Latency.fixed(0.01), private=Latency.fixed(1), public=Latency.fixed(1)))


def test_a_gate_without_freshness_is_caught(monkeypatch: Patch) -> None:
    """Fills go on while the market stands still: without the rule they are hedged on a dead book."""
    kept = tuple(rule for rule in gate.RULES if rule.__name__ not in {"book_fresh", "mark_fresh"})
    monkeypatch.setattr(gate, "RULES", kept)
    outcomes = [played("N02", seed)[1] for seed in (1, 2, 3)]
    assert caught("freshness gate off", max(outcomes, key=lambda one: len(one.violations))) & {"I5"}


def test_a_kill_that_is_not_latched_is_caught(monkeypatch: Patch) -> None:
    def soft(self: Step, latch: Latch) -> None:
        self.set_mode(cmd.Mode.RECOVERING, latch.reason)

    monkeypatch.setattr(Step, "hold", soft)
    assert caught("kill not latched", played("O05")[1]) & {"I7"}


def test_a_reconnect_without_backfill_is_caught(monkeypatch: Patch) -> None:
    put_all = SimVenue._put_all

    def forgetful(self: SimVenue, facts: Iterable[ev.Event]) -> None:
        put_all(self, [one for one in facts if not isinstance(one, ev.FillReceived)])

    monkeypatch.setattr(SimVenue, "_put_all", forgetful)
    outcomes = [played("N01", seed)[1] for seed in (1, 2, 3, 4)]
    worst = max(outcomes, key=lambda one: (len(one.violations), bool(one.stuck)))
    assert caught("reconnect without backfill", worst) & {"I6", "back in the band"}


def test_a_gate_that_lets_orders_out_blind_is_caught(monkeypatch: Patch) -> None:
    """With the lines cut each second, and nobody who waits for the venue's answer after a cut."""
    kept = tuple(rule for rule in gate.RULES if rule.__name__ != "_account")
    monkeypatch.setattr(gate, "RULES", kept)
    outcomes = [played("N12", seed)[1] for seed in (1, 2)]
    assert caught("orders while blind", max(outcomes, key=lambda one: len(one.violations))) & {"I15"}


def test_a_ledger_that_takes_the_venues_word_is_caught(monkeypatch: Patch) -> None:
    """An empty list of positions becomes the ledger's: nobody asks twice, nobody is told."""

    def repaired(step: Step, account: AccountState, subject: str, _ours: object, seen: Mismatch) -> None:
        difference._adjust(step, account, subject, seen, "the venue says so")

    monkeypatch.setattr(difference, "_note_difference", repaired)
    assert caught("silent repair", played("V14")[1]) & {"I6"}


@pytest.mark.parametrize(
    ("kind", "mishap"),
    [
        (AlertKind.ADL_OR_LIQUIDATION, "V06"),
        (AlertKind.FOREIGN_ACTIVITY, "O03"),
        (AlertKind.PRIVATE_STREAM_SILENT, "N01"),
        (AlertKind.STALE_MARKET_DATA, "N02"),
        (AlertKind.API_KEY_INVALID, "O06"),
        (AlertKind.MARGIN_BUFFER_LOW, "V13"),
        (AlertKind.INSTRUMENT_SETTLING, "V10a"),
    ],
)
def test_a_build_that_keeps_an_alert_to_itself_is_caught(monkeypatch: Patch, kind: AlertKind, mishap: str) -> None:
    """By the journal, whatever else is wrong at the time, and not by the mishap's own criterion alone."""
    alert = Step.alert

    def silent(self: Step, raised: AlertKind, subject: str, summary: str) -> None:
        if raised is not kind:
            alert(self, raised, subject, summary)

    monkeypatch.setattr(Step, "alert", silent)
    outcome = played(mishap)[1]
    assert caught(f"no alert {kind}", outcome) & {"I9"}
    assert all(f"no alert {kind}" in one.sentence for one in outcome.violations if one.invariant == "I9")


def test_a_build_that_repeats_its_alerts_is_caught(monkeypatch: Patch) -> None:
    def loud(self: Step, kind: AlertKind, subject: str, summary: str) -> None:
        self.state.alerts[f"{kind}|{subject}"] = AlertState(
            kind=kind, subject=subject, summary=summary, since_ns=self.at_ns
        )
        self.emit(cmd.RaiseAlert(kind=kind, subject=subject, summary=summary))

    monkeypatch.setattr(Step, "alert", loud)
    outcome = played("N02")[1]
    assert "was raised while it was up" in outcome.violations[0].sentence
    assert caught("alerts repeated", outcome) == {"I9"}


def _in_an_event(settings: EngineSettings) -> EngineSettings:
    """The buffer's floor is half of the equity for the whole run."""
    event = MarginEvent(name="fomc", start_ns=START_NS, end_ns=START_NS + 86_400 * 10**9)
    return msgspec.structs.replace(settings, margin_events=(event,))


THIN = Mishap(
    id="V13",
    title="a thin account before an event",
    begin=client_trade("0.3"),
    scenario=BY_ID["V13"].scenario,
    settings=_in_an_event,
    alone=True,
)


def _thinner(scenario: Scenario) -> Scenario:
    """So little beside the book that its buffer is at the floor of an event from the start."""
    assert THIN.scenario is not None
    account = msgspec.structs.replace(
        THIN.scenario(scenario).accounts[0], coins={"USDT": Decimal(13_000), "USDC": Decimal(18_000)}
    )
    return msgspec.structs.replace(scenario, accounts=(account,))


def test_hedges_of_a_sound_build_keep_a_thin_buffer() -> None:
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [THIN]).run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3])
    assert outcome.hedges > 5


def test_a_build_that_uses_the_buffer_up_is_caught_by_the_venues_own_figures(monkeypatch: Patch) -> None:
    """Every report of the margin that the book gets says a tenth of what is due: the journal is content with it."""
    wanted, put = policy.wanted_trade_coin, SimVenue._put
    monkeypatch.setattr(decide, "wanted_trade_coin", lambda delta, proposal: -wanted(delta, proposal))

    def rosy(self: SimVenue, fact: ev.Event) -> None:
        match fact:
            case ev.WalletUpdated(report=report):
                fact = msgspec.structs.replace(fact, report=_rosy(report))
            case ev.SnapshotTaken(wallet=report) if report is not None:
                fact = msgspec.structs.replace(fact, wallet=_rosy(report))
        put(self, fact)

    monkeypatch.setattr(SimVenue, "_put", rosy)
    thinner = msgspec.structs.replace(THIN, scenario=_thinner)
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [thinner], begins=[(THIN.id, 30.0)]).run()
    assert caught("margin used up", outcome) & {"I13"}
    told = [one.sentence for one in outcome.violations if one.invariant == "I13"]
    assert all("took the margin use at the venue from" in one for one in told)


def _rosy(report: WalletReport) -> WalletReport:
    due = report.maintenance_margin_usd
    return report if due is None else msgspec.structs.replace(report, maintenance_margin_usd=due / 10)


def test_a_build_without_redaction_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Redactor, "text", lambda _self, text: text)
    assert caught("redaction off", played("O06")[1]) == {"I10"}


@pytest.mark.parametrize(
    ("kind", "mishap"), [(ev.StreamChanged, "N12"), (ev.OrderRejected, "V10"), (OrderReport, "V05")]
)
def test_a_text_that_the_redaction_forgets_is_caught(
    monkeypatch: Patch, kind: type[ev.StreamChanged | ev.OrderRejected | OrderReport], mishap: str
) -> None:
    """As ten kinds of events once were, added later than the list of what is cleaned, and what stands inside events."""
    monkeypatch.setattr(redaction, "TEXTS", {one: names for one, names in TEXTS.items() if one is not kind})
    assert caught(f"{kind.__name__} not redacted", played(mishap)[1]) == {"I10"}


def test_an_engine_that_knows_what_no_journal_says_is_caught(monkeypatch: Patch) -> None:
    """A number from outside in the state: the same commands today, others tomorrow."""
    add_price, calls = Drift.add_price, itertools.count()

    def noisy(self: Drift, price: float, at_ns: int) -> None:
        add_price(self, price, at_ns)
        self.hedged_price = float(next(calls))

    monkeypatch.setattr(Drift, "add_price", noisy)
    assert caught("hidden input", played("P06")[1]) & {"I8"}
