"""Days of a book on which a gate acts by time or price alone: scripts for whoever claims that nothing happens.

Each is a conversation (`playbook.py`) that ends soon after something happened which no order and no client caused.
"""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from hedgebot.core.strategy import Strategy, StrategyPlugin
from hedgebot.domain import events as ev
from hedgebot.domain.commands import SubmitOrder
from hedgebot.domain.deadman import DeadManChanged, DeadManKind, DeadManStatus
from hedgebot.domain.instrument import Side
from hedgebot.domain.operator_events import LimitRaised
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import DeltaConvention, EngineSettings, MarginEvent, StrategySettings
from hedgebot.domain.treasury import TreasurySettings
from strategies import cost_aware, delta_neutral, patience, target
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_INVERSE,
    BTC_PERP,
    BTC_USDC,
    MS,
    PRICE,
    START_NS,
    Playbook,
    instrument,
    settings,
    the_order,
)

Script = Callable[[], Playbook]
PLUGINS: dict[str, StrategyPlugin] = {
    "cost_aware": cost_aware.STRATEGY,
    "delta_neutral": delta_neutral.STRATEGY,
    "patience": patience.STRATEGY,
    "target": target.STRATEGY,
}


class Talk(Playbook):
    """A playbook whose engine knows all three strategies, with quiet stretches."""

    def __init__(self, *, strategies: tuple[StrategySettings, ...] = (), **limits: float) -> None:
        chosen = settings(**({"reconcile_interval_ms": 600_000, "mark_age_ms_max": 600_000} | limits))
        first = msgspec.structs.replace(chosen.underlyings[0], delta_convention=DeltaConvention.COIN_NEUTRAL)
        chosen = msgspec.structs.replace(chosen, underlyings=(first,), strategies=(*chosen.strategies, *strategies))
        super().__init__(self.changed(chosen))
        self.engine_of = load

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        """What a script changes of the settings."""
        return chosen

    def quiet(self, seconds: float, price: Decimal = PRICE, step: str = "0.1", *, alive: bool = True) -> None:
        """Books and timers, four of each two a second; signs of life every five; a mark is as good as new."""
        for number in range(round(seconds * 4)):
            if alive and number % 20 == 0:
                self.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
            self.send(self.book(price + Decimal(step) * (number % 3)), after_ms=100)
            self.send(self.book(price + Decimal(step) * (number % 2)), after_ms=100)
            self.tick(after_ms=50)

    def hold(self, qty: str = "0.01") -> None:
        """Something to lose, within the band."""
        self.send(self.fill(Side.BUY, qty))


def begun(play: Talk) -> Talk:
    """The talk, with its book ready."""
    play.ready()
    return play


def waiting(seconds: float, talk: Callable[[], Talk]) -> Script:
    """A script in which nothing is said for so long."""

    def script() -> Playbook:
        play = begun(talk())
        play.quiet(seconds)
        return play

    return script


def load(one: StrategySettings) -> Strategy:
    return PLUGINS[one.module].build(one)


def in_coins(play: Talk) -> None:
    """A book whose delta moves with the price: a long inverse position and its hedge."""
    play.ready((play.position("100000", BTC_INVERSE), play.position("-1")))


def halted() -> Playbook:
    play = begun(Talk())
    play.quiet(1)
    play.send(ev.OperatorKilled(operator="ann", reason="told"))
    play.quiet(5)
    return play


def order_out() -> Playbook:
    play = begun(Talk())
    play.send(play.fill(Side.BUY, "0.2"))
    play.send(play.fill(Side.SELL, "0.2"))
    play.quiet(5)
    return play


def order_refused() -> Playbook:
    refused = ev.OrderRejected(account=ACCOUNT, client_id="", code="110074", message="", passing=True, of_market=True)
    return _reversed(lambda _play, order: msgspec.structs.replace(refused, client_id=order.client_id))


def order_missed() -> Playbook:
    return _reversed(lambda play, order: ev.OrderUpdated(report=play.report(order, OrderStatus.CANCELLED)))


def _reversed(ended: Callable[[Playbook, SubmitOrder], ev.Event]) -> Playbook:
    """An order comes to nothing, and nothing is wanted any more."""
    play = begun(Talk())
    play.send(ended(play, the_order(play.send(play.fill(Side.BUY, "0.2")))))
    play.send(play.fill(Side.SELL, "0.2"))
    play.quiet(8)
    return play


def option_held() -> Playbook:
    play = begun(Talk())
    play.send(play.option())
    play.send(play.fill(Side.BUY, "0.01", BTC_CALL, price=Decimal(6_000)))
    play.quiet(4)
    return play


def jumping() -> Playbook:
    play = begun(Talk())
    play.quiet(1)
    play.send(play.book(PRICE * 2))
    play.send(play.book(PRICE))
    return play


def standing_still() -> Playbook:
    play = begun(Talk())
    play.quiet(1, step="0")
    for _ in range(4):
        play.send(play.ticker(PRICE + 400))
        play.quiet(3, step="0")
    return play


def leaving_the_band() -> Playbook:
    play = Talk(chase_bps_max=10_000.0)
    in_coins(play)
    for number in range(30):
        play.send(play.ticker(PRICE + 200 * number))
        play.quiet(0.25, PRICE + 200 * number)
    return play


class WideBand(Talk):
    """A band that leaves a coin alone, nearly."""

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        wide = msgspec.structs.replace(chosen.underlyings[0], band_coin=0.9)
        return msgspec.structs.replace(chosen, underlyings=(wide,))


def beyond_the_cap() -> Playbook:
    """A cap on the whole book, which the price alone takes 0.1 coins beyond."""
    play = WideBand(book_delta_usd_max=10_500.0)
    play.ready((play.position("0.1", BTC_USDC),))
    for number in range(9):
        play.send(play.ticker(PRICE + 1_000 * number))
        play.quiet(1, PRICE + 1_000 * number)
    return play


def alert_ends() -> Playbook:
    play = begun(Talk())
    play.quiet(1)
    for _ in range(19):
        play.tick(after_ms=250)
    play.quiet(12)
    return play


snapshot_due = waiting(4, lambda: Talk(reconcile_interval_ms=3_000))
snapshot_never_comes = waiting(9, lambda: Talk(reconcile_interval_ms=3_000, reconcile_timeout_ms=3_000))


def stream_silent() -> Playbook:
    play = begun(Talk(private_silence_ms_max=3_000))
    play.quiet(4, alive=False)
    return play


def limit_comes_down() -> Playbook:
    play = begun(Talk())
    play.send(LimitRaised(operator="ann", limit="es_ratio_alert", to=0.045, for_ms=2_000, reason="told"))
    play.quiet(4)
    return play


def off_the_mark() -> Playbook:
    play = begun(Talk())
    play.quiet(1)
    play.quiet(1, PRICE * Decimal("1.025"))
    return play


def wide_for_a_moment() -> Playbook:
    play = begun(Talk())
    play.quiet(1)
    play.send(play.book(spread="900"), after_ms=200)
    play.tick(after_ms=50)
    play.quiet(1)
    return play


def delisted_tomorrow() -> Playbook:
    play = Talk()
    ends = instrument(BTC_PERP, expiry_ns=START_NS + 86_400_000 * MS + 3_000 * MS)
    play.ready()
    play.send(ev.InstrumentsLoaded(venue="bybit", instruments=(ends,)))
    play.quiet(5)
    return play


margin_ages = waiting(4, lambda: Talk(margin_age_ms_max=3_000))


def shocked_margin_ages(*, in_floor: bool = True) -> Playbook:
    """Coins whose price moves lie beside the stablecoin whose loss the floor is held after."""
    play = Talk(margin_age_ms_max=3_000, collateral_shock_in_floor=in_floor)
    play.ready(btc="3")
    for number in range(4):
        play.quiet(1, PRICE + 20 * number)
        play.send(play.ticker(PRICE + 20 * number))
    return play


class Eventful(Talk):
    """An event three seconds after the start, for two."""

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        begins = START_NS + 3_000 * MS
        event = MarginEvent(name="FOMC", start_ns=begins, end_ns=begins + 2_000 * MS)
        return msgspec.structs.replace(chosen, margin_events=(event,))


event_begins = waiting(7, Eventful)


minute_passes = waiting(62, lambda: Talk(margin_age_ms_max=600_000))


def hour_ends() -> Playbook:
    play = Talk()
    play.at_ns += (3_600_000 - play.at_ns // MS % 3_600_000 - 3_000) * MS
    play.ready()
    play.quiet(5)
    return play


def risk_ages() -> Playbook:
    play = begun(Talk(risk_age_ms_max=3_000))
    play.hold()
    play.quiet(5)
    return play


def funding_share_grows() -> Playbook:
    """What a hedge protects shrinks as the price rises, and with it the limit of what it may cost."""
    play = WideBand(funding_share_day_max=0.000305)
    play.ready((play.position("-100000", BTC_INVERSE), play.position("1")))
    for number in range(9):
        play.send(play.ticker(PRICE + 400 * number))
        play.quiet(1, PRICE + 400 * number)
    return play


def clock_off() -> Playbook:
    play = begun(Talk(blind_ms_halt=3_000))
    play.hold()
    play.quiet(1)
    play.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=1_500.0, round_trip_ms=1.0))
    play.quiet(5)
    return play


class Switched(Talk):
    """An account with a dead-man's switch."""

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        account = msgspec.structs.replace(chosen.accounts[0], dead_man_s=8.0)
        return msgspec.structs.replace(chosen, accounts=(account,))


def switch_due() -> Playbook:
    play = begun(Switched())
    play.send(
        DeadManChanged(
            account=ACCOUNT,
            kind=DeadManKind.NATIVE_TIMER,
            status=DeadManStatus.ARMED,
            seconds=8.0,
            read_back=True,
            detail="",
            asked_at_ns=play.at_ns,
        )
    )
    play.quiet(5)
    return play


class ToppedUp(Talk):
    """An account with a treasury."""

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        treasury = TreasurySettings(account=ACCOUNT, coin="USDT", top_up_use=0.6, target_use=0.5)
        return msgspec.structs.replace(chosen, treasury=(treasury,))


treasury_looks = waiting(3, ToppedUp)


# --- what a mark may do meanwhile


def marked_while_still() -> Playbook:
    """The mark leaves a book that stands still in two small steps."""
    play = begun(Talk())
    play.quiet(11, step="0")
    for moved in (150, 265):
        play.send(play.ticker(PRICE + moved))
        play.quiet(1, step="0")
    return play


def marked_away_from_the_book(gap_bps_max: float = 200.0, jump_ratio_max: float = 0.5) -> Playbook:
    """A book near the edge of what its mark allows, and the mark takes a small step away."""
    play = begun(Talk(book_mark_gap_bps_max=gap_bps_max, price_jump_ratio_max=jump_ratio_max))
    play.quiet(1)
    play.quiet(1, PRICE * Decimal("1.0195"))
    play.send(play.ticker(PRICE * Decimal("0.9989")))
    play.quiet(2, PRICE * Decimal("1.0195"))
    return play


def marked_dearer() -> Playbook:
    """A hedge whose funding is within a breath of the day's budget, and the mark rises a little."""
    play = WideBand(funding_cost_usd_per_day_max=30.02)
    play.ready((play.position("-100000", BTC_INVERSE), play.position("1")))
    play.quiet(2)
    play.send(play.ticker(PRICE * Decimal("1.0011")))
    play.quiet(2)
    return play


# --- what is held against each event


def late_books() -> Playbook:
    play = begun(Talk(pause_ms_max=2_000))
    play.quiet(2)
    play.send(play.book(PRICE + 1), after_ms=2_500)
    return play


def from_the_future() -> Playbook:
    play = begun(Talk())
    play.quiet(2)
    ahead = msgspec.structs.replace(play.book(PRICE + 1), venue_at_ns=play.at_ns + 12_000 * MS)
    play.send(ahead)
    return play


mark_ages = waiting(4, lambda: Talk(mark_age_ms_max=2_000))


def wide_at_a_timer() -> Playbook:
    play = begun(Talk())
    play.quiet(1)
    for _ in range(10):
        play.send(play.book(spread="900"), after_ms=200)
        play.tick(after_ms=50)
    return play
