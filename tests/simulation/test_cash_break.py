"""Cash goes from an account behind the daemon's back, or comes: told within two snapshots, and hedging goes on."""

from decimal import Decimal

import pytest

from hedgebot.domain.alerts import AlertKind
from hedgebot.exchange.transfers import Transfer, Wallet
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.stage import Mishap, Stage, both, client_trade
from strategies.delta_neutral import STRATEGY

SNAPSHOTS_S = 35.0
"""Two of the fifteen seconds between snapshots, and their answers."""


def taken(stage: Stage) -> None:
    """Somebody moves USDT out of the trading wallet."""
    made = stage.exchange.transfers.move(stage.holder, "by hand", "USDT", Decimal(5_000), Wallet.UNIFIED, Wallet.FUND)
    assert isinstance(made, Transfer), made


@pytest.mark.parametrize("seed", [11, 12])
def test_cash_that_goes_is_told_within_two_snapshots_and_hedging_goes_on(seed: int) -> None:
    mishap = Mishap(
        id="CASH",
        title="somebody takes cash from the account",
        begin=both(taken, lambda stage: stage.later(40.0, lambda: client_trade("0.3")(stage))),
        seconds=120.0,
        alerts=(AlertKind.RECON_BREAK,),
        alert_s=SNAPSHOTS_S,
        alone=True,
    )
    world = FaultWorld(seed, 5.0, STRATEGY.build, [mishap])
    outcome = world.run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3], outcome.unmet)
    assert outcome.played
    subjects = [one.subject for one in world.host.engine.state.alerts.values() if one.kind is AlertKind.RECON_BREAK]
    assert outcome.hedges > 0
    assert subjects in ([], ["main|USDT cash"])


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_what_random_bookings_explain_is_what_the_wallet_holds(seed: int) -> None:
    world = FaultWorld(seed, 5.0, STRATEGY.build, [])
    assert world.run().passed
    book = world.host.engine.state.accounts["main"].cash["USDT"]
    (usdt,) = [one for one in world.exchange.wallet(world.holder).coins if one.coin == "USDT"]
    assert book.opened_ns
    assert abs(usdt.wallet - book.qty) < Decimal("1e-8")
    assert book.last != "nothing"
