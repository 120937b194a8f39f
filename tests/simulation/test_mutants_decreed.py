"""Broken builds that only what the venue decrees and the steps of a clock catch, each by its own judge."""

from typing import Any

import msgspec
import pytest

from hedgebot.core import forced, gate, specs
from hedgebot.core.step import Step
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.host import Host
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.simcare import SimCare
from hedgebot.lab.simvenue import SimVenue
from strategies.delta_neutral import STRATEGY

Patch = pytest.MonkeyPatch


def unmet(name: str, seed: int = 1) -> str:
    """What the mishap's own judge says of a build, printed."""
    outcome = FaultWorld(seed, 5.0, STRATEGY.build, [BY_ID[name]]).run()
    said = "; ".join(outcome.unmet)
    print(f"{name}: caught by {said or 'nothing'}")
    return said


def test_the_builds_without_a_fault_pass() -> None:
    for name in ("V06l", "V06a", "V08m", "V08o", "V10r", "V14r", "C01"):
        assert not unmet(name), name


@pytest.mark.parametrize(
    ("kind", "name"), [(ev.ExecutionKind.LIQUIDATION, "V06l"), (ev.ExecutionKind.ROLLBACK, "V14r")]
)
def test_what_the_venue_does_by_itself_taken_for_a_trade_is_caught(
    monkeypatch: Patch, kind: ev.ExecutionKind, name: str
) -> None:
    put = SimVenue._put

    def plain(self: SimVenue, fact: ev.Event) -> None:
        if isinstance(fact, ev.FillReceived) and fact.kind is kind:
            fact = msgspec.structs.replace(fact, kind=ev.ExecutionKind.TRADE)
        put(self, fact)

    monkeypatch.setattr(SimVenue, "_put", plain)
    assert "was booked as a trade" in unmet(name)


@pytest.mark.parametrize(("name", "said"), [("V06l", "went in again"), ("V06a", "after the hedge was closed")])
def test_a_hedge_that_goes_in_again_after_a_liquidation_is_caught(monkeypatch: Patch, name: str, said: str) -> None:
    monkeypatch.setattr(forced, "must_wait", lambda *_: False)
    monkeypatch.setattr(forced, "since_ms", lambda *_: None)
    assert said in unmet(name)


def test_orders_into_a_maintenance_are_caught(monkeypatch: Patch) -> None:
    kept = tuple(rule for rule in gate.RULES if rule.__name__ != "_account")
    monkeypatch.setattr(gate, "RULES", kept)
    assert "after the begin" in unmet("V08m")


def test_refusals_that_nobody_hears_of_are_caught(monkeypatch: Patch) -> None:
    alert = Step.alert

    def silent(self: Step, raised: AlertKind, subject: str, summary: str) -> None:
        if raised is not AlertKind.ORDER_REJECTED:
            alert(self, raised, subject, summary)

    monkeypatch.setattr(Step, "alert", silent)
    assert "no alert of them" in unmet("V08o")


def test_a_build_that_keeps_the_old_rules_is_caught(monkeypatch: Patch) -> None:
    take = specs.take

    def first_only(step: Step, event: ev.InstrumentsLoaded) -> None:
        known = step.state.instruments
        kept = tuple(known.get(one.id, one) for one in event.instruments)
        take(step, msgspec.structs.replace(event, instruments=kept))

    monkeypatch.setattr(specs, "take", first_only)
    assert "V10r: order" in unmet("V10r")


def test_a_clock_that_follows_the_wall_is_caught(monkeypatch: Patch) -> None:
    """The clock that decides must be steady: here it is the wall's, which steps."""
    now_ns = Host.now_ns
    worlds: list[FaultWorld] = []
    begin = FaultWorld.run

    def run(self: FaultWorld) -> Any:
        worlds.append(self)
        return begin(self)

    def stepped(self: Host) -> int:
        moved_ms = worlds[-1].link.client_ms() - worlds[-1].timeline.now_ns // 1_000_000
        return now_ns(self) + moved_ms * 1_000_000

    monkeypatch.setattr(FaultWorld, "run", run)
    monkeypatch.setattr(Host, "now_ns", stepped)
    assert "C01" in unmet("C01")


def test_requests_that_are_signed_with_an_old_measurement_are_caught(monkeypatch: Patch) -> None:
    ask = SimCare.ask_the_time

    def keeps(self: SimCare) -> None:
        if self._seat.link.client_ms() == self._seat.exchange.now_ns // 1_000_000:
            ask(self)

    monkeypatch.setattr(SimCare, "ask_the_time", keeps)
    assert "C01" in unmet("C01")


def test_a_build_that_goes_on_after_a_rollback_is_caught(monkeypatch: Patch) -> None:
    halt = Step.halt

    def goes_on(self: Step, reason: str, cause: str, **more: Any) -> None:
        if not cause.startswith("rollback:"):
            halt(self, reason, cause, **more)

    monkeypatch.setattr(Step, "halt", goes_on)
    assert "V14r: the book was not halted" in unmet("V14r")


def test_a_retry_is_caught_in_a_world_whose_ids_are_labels(monkeypatch: Patch) -> None:
    """By the first venue's rules the second copy is refused; where a client id is a label it is a second order."""
    submit = SimVenue._submit

    def twice(self: SimVenue, command: Any) -> None:
        submit(self, command)
        submit(self, command)

    monkeypatch.setattr(SimVenue, "_submit", twice)
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [BY_ID["N06"]], rules="deribit").run()
    assert "I1" in {one.invariant for one in outcome.violations}
