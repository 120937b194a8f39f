"""Hours of a book whose plan becomes known, and days on which a band moves by price and time alone: more scripts.

They are of the same kind as those of `quiet_days.py`, whose conversation they use.
"""

from decimal import Decimal

import msgspec

from hedgebot.core.engine import Engine
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.reports import WatchedMargin
from hedgebot.domain.settings import AccountRole, AccountSettings, EngineSettings, StrategySettings
from hedgebot.lab.pace import Pace
from tests.support.playbook import ACCOUNT, INSTRUMENTS, PRICE, Playbook, orders
from tests.support.quiet_days import Talk, begun, load
from tests.support.stories import answer


class Slow(Talk):
    """A book that is looked at three times a minute, with limits on age to match."""

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        return Pace.of_seconds(20).slowed(chosen)

    def hours(self, hours: float, step_s: int = 20) -> None:
        """Of rounds of a sign of life, a mark, a book and a timer; the clock is measured every four minutes."""
        for number in range(round(hours * 3_600 / step_s)):
            if number % 12 == 6:  # not on the hour, which is what scripts are about
                self.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0), after_ms=0)
            self.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=1)
            self.send(self.ticker(PRICE + number % 3 * 5), after_ms=1)
            self.send(self.book(PRICE + number % 3 * 5), after_ms=1)
            self.tick(after_ms=step_s * 1_000 - 3)
            if self.state.accounts[ACCOUNT].request_open:
                self.agree()


def plan_is_known() -> Playbook:
    """A hedge that cost too much, told as soon as an hour of its plan is known: by time alone."""
    longer = dict.fromkeys(("reconcile_interval_ms", "margin_age_ms_max", "funding_age_ms_max"), 40_000_000)
    play = Slow(strategies=(), **longer, bleed_usd_alert=20.0)
    play.ready()
    for order in orders(play.send(play.fill(Side.BUY, "0.2"))):
        intent = order.approved.intent
        dear = play.fill(intent.side, str(intent.qty_contracts), intent.instrument, client_id=order.client_id, fee="90")
        play.send(dear)
        play.send(ev.OrderUpdated(report=play.report(order, OrderStatus.FILLED, str(intent.qty_contracts))))
    play.hours(2.1)
    return play


def becomes_wild(*, stepped: bool = False) -> Playbook:
    """The price leaps, and a timer after the minute's step of the volatility the margin has a higher floor.

    With `stepped` a wallet comes just before the timer that makes that step.
    """
    play, leapt = Slow(reconcile_interval_ms=40_000_000, margin_age_ms_max=40_000_000), PRICE * Decimal("1.012")
    play.ready()
    play.hours(0.6)
    due_ns = play.state.underlyings["BTC"].drift.vol_due_ns
    while play.at_ns < due_ns - 260_000_000:
        play.quiet(0.25, leapt)
    if stepped:
        play.send(ev.WalletUpdated(report=play.wallet(), source=ev.Source.STREAM))
    play.quiet(70, leapt)
    return play


def rate_before_the_regime_is_told() -> Playbook:
    """Another funding rate comes between the timer that moves the volatility and the one that tells of the regime."""
    play, leapt = Slow(reconcile_interval_ms=40_000_000, margin_age_ms_max=40_000_000), PRICE * Decimal("1.012")
    play.ready()
    play.hours(0.6)
    drift = play.state.underlyings["BTC"].drift
    due_ns = drift.vol_due_ns
    while drift.vol_due_ns == due_ns:
        play.quiet(0.25, leapt if play.at_ns > due_ns - 1_000_000_000 else PRICE)
    play.send(play.ticker(PRICE, rate=0.00011))
    play.quiet(1, leapt)
    return play


# --- a wallet that the timer asked for


def compared(*, equity: str = "1000000", maintenance: str = "10000", **limits: float) -> Playbook:
    """Compared every three seconds; the third snapshot brings another wallet, of which a timer may have to tell."""
    play = begun(Talk(strategies=(), reconcile_interval_ms=3_000, **limits))
    for number in range(4):
        asked = play.state.accounts[ACCOUNT].request
        while play.state.accounts[ACCOUNT].request == asked:
            play.quiet(0.25)
        play.snapshot(wallet=play.wallet(equity=equity, maintenance=maintenance) if number > 1 else None)
    return play


def equity_is_lost() -> Playbook:
    return compared(equity="980000", daily_loss_usd_alert=10_000.0)


def reconciled_again() -> Playbook:
    """A snapshot answers after a timer that found the account not reconciled."""
    play = begun(Talk())
    play.quiet(1)
    play.connect()
    play.tick(after_ms=250)
    play.snapshot()
    play.quiet(1)
    return play


def looked_at_by_the_second_timer() -> Playbook:
    """Timers a tenth of a second apart: the first after a snapshot is too soon for a look at the margin."""
    play = begun(Talk())
    play.quiet(1)
    play.connect()
    play.snapshot()
    play.tick(after_ms=250)
    play.snapshot(wallet=play.wallet(equity="1010000"))
    play.tick(after_ms=100)
    play.send(play.ticker(PRICE, rate=0.00011))
    play.tick(after_ms=200)
    return play


def account_is_added() -> Playbook:
    """A second account, empty, whose first snapshot says nothing: what was never good before is good from then on."""
    play = begun(Talk())
    play.quiet(1)
    second = AccountSettings(name="second", venue="bybit", role=AccountRole.HEDGE)
    more = msgspec.structs.replace(play.settings, accounts=(*play.settings.accounts, second))
    play.send(ev.ConfigApplied(operator="ann", reason="more", settings=more, changes=("an account",)))
    play.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    play.send(ev.ClockMeasured(account="second", offset_ms=0.0, round_trip_ms=1.0))
    play.send(ev.StreamChanged(account="second", stream=ev.Stream.PRIVATE, up=True, reason="connected"))
    play.tick(after_ms=250)
    while not play.state.accounts["second"].adopted:
        answer(play, "second")
    play.quiet(1)
    return play


class Beside(Talk):
    """An account that is only watched beside the one that trades."""

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        watched = AccountSettings(name="second", venue="okx", role=AccountRole.WATCHED)
        return msgspec.structs.replace(chosen, accounts=(*chosen.accounts, watched))


def watched_wallet_is_older() -> Playbook:
    """A reading of a watched account is stamped with its first question, which came before the last look at it."""
    play = begun(Beside())
    for maintenance in ("10000", "20000"):
        report = msgspec.structs.replace(play.wallet(maintenance=maintenance), account="second")
        play.quiet(1)
        one = WatchedMargin(pocket="", pockets=1, equity_usd=report.equity_usd, positions=())
        report = msgspec.structs.replace(report, watched=one)
        if maintenance == "10000":
            play.send(ev.WalletUpdated(report=report, source=ev.Source.STREAM))
        else:
            answer(play, "second", wallet=report)
        play.quiet(1)
    return play


# --- feeds that go away


def tickers_stop() -> Playbook:
    play = begun(Talk(mark_age_ms_max=2_000))
    play.quiet(1)
    play.send(play.ticker(PRICE))
    play.quiet(4)
    return play


def clock_unmeasured() -> Playbook:
    """Nobody asks the venue for its time any more."""
    longer = ("margin_age_ms_max", "funding_age_ms_max", "private_silence_ms_max", "risk_age_ms_max")
    play = begun(Talk(strategies=(), private_silence_ms_halt=600_000, **dict.fromkeys(longer, 600_000)))
    for number in range(400):
        play.send(play.book(PRICE + number % 2), after_ms=400)
        play.tick(after_ms=400)
    return play


# --- a band that moves


def follows_cost(tracking_error_usd: float = 323.2, **params: float | str | bool) -> StrategySettings:
    """`cost_aware` whose edge is 0.201 at the scripts' price, until its estimates are known."""
    chosen: dict[str, float | str | bool] = {
        "tracking_error_usd": tracking_error_usd,
        "reference_price_usd": 100_000.0,
        "reference_vol": 0.6,
        "reference_variance_coin2_day": 0.2,
        "cap_coin": 5.0,
        **params,
    }
    return StrategySettings(name="cost_aware", enabled=True, underlyings=("BTC",), params=chosen)


class Costly(Slow):
    """A book that `cost_aware` alone hedges; with `slow` it is looked at three times a minute."""

    def __init__(self, *, slow: bool = False) -> None:
        self.slow = slow
        super().__init__(reconcile_interval_ms=40_000_000, margin_age_ms_max=40_000_000, chase_bps_max=10_000.0)
        self.engine = Engine(load)
        for stamped in self.log:
            self.engine.step(stamped)

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        one = msgspec.structs.replace(chosen, strategies=(follows_cost(),))
        return super().changed(one) if self.slow else one


def band_draws_in() -> Playbook:
    """The price rises by a fiftieth, and the edge comes in to where the delta is."""
    play = Costly()
    play.ready((play.position("0.2"),))
    for number in range(70):
        price = PRICE + 25 * number
        play.send(play.ticker(price))
        play.quiet(0.5, price)
    return play


def flow_is_known() -> Playbook:
    """After an hour without clients the band is made of what was seen: it is a quarter of the reference."""
    play = Costly(slow=True)
    play.ready((play.position("0.1"),))
    # Not a divisor of an hour: a minute's look at the volatility must not fall on the moment.
    play.hours(0.992, step_s=19)
    play.quiet(55)
    return play
