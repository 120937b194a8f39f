"""Stories in which the core must not stay un-hedged without a word, or say what is not so."""

from decimal import Decimal

import msgspec

from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state, encode_state
from hedgebot.core.strategy import Strategy
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RaiseAlert, RecordOperator, ResolveAlert
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import (
    StrategySettings,
)
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    BTC_USDC,
    MS,
    Playbook,
    instrument,
    of_type,
    orders,
    settings,
    snapshots,
    the_order,
)
from tests.support.stories import ETH_PERP, answer, live


def test_a_difference_seen_before_a_restart_is_compared_again_before_it_halts() -> None:
    book = Playbook()
    book.ready()
    book.tick(after_ms=16_000)
    book.snapshot([book.position("0.5")])
    book.tick(after_ms=1_100)
    book.snapshot([book.position("0.5")])
    assert not book.state.latched
    book.at_ns += 60_000 * MS
    book.start(epoch=2)
    book.tick()
    assert not book.state.latched, "halted on a comparison of the last run, before the venue was asked"


def test_alerts_that_are_up_are_told_again_to_a_new_run() -> None:
    book = Playbook()
    book.ready()
    book.send(ev.OperatorKilled(operator="o", reason="r"))
    heard = book.start(epoch=2)
    assert any(one.kind is AlertKind.KILL_ACTIVE for one in of_type(heard, RaiseAlert))


def test_an_unknown_exposure_does_not_end_the_alert_of_the_delta() -> None:
    book = Playbook()
    book.ready()
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="o", reason="r"))
    book.send(book.fill(Side.BUY, "9"))
    book.tick()
    assert book.is_up(AlertKind.DELTA_OUTSIDE_LIMIT)
    book.send(book.fill(Side.BUY, "0.01", BTC_CALL))  # no quote yet: the delta is unknown
    book.tick()
    assert book.is_up(AlertKind.DELTA_OUTSIDE_LIMIT)


def test_an_order_that_never_fills_is_not_repeated_at_full_rate() -> None:
    book = Playbook()
    book.ready()
    heard = list(book.send(book.fill(Side.BUY, "1")))
    sent = 0
    for _ in range(1000):
        found = orders(heard)
        sent += len(found)
        heard = []
        for order in found:
            heard += book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED)))
        heard += book.send(book.book(), after_ms=8.0)
        heard += book.send(book.ticker())
        heard += book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    assert sent <= 20, f"{sent} orders in ten seconds, none filled"


def test_a_book_outside_its_band_for_ten_minutes_is_told() -> None:
    book = Playbook()
    book.ready()
    book.send(book.book(spread="2000"))  # 200 bps: the gate refuses
    book.send(book.fill(Side.BUY, "1"))
    for _ in range(40):
        for _ in range(15):
            book.send(book.book(spread="2000"), after_ms=990)
            book.send(book.ticker())
            book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
            book.tick()
        book.snapshot([book.position("1", BTC_USDC)])
    assert book.state.underlyings["BTC"].breach_since_ns
    assert book.state.alerts, "outside its band for ten minutes and no alert is up"


def test_a_wallet_from_the_future_does_not_blind_the_margin() -> None:
    book = Playbook()
    book.ready()
    ahead = msgspec.structs.replace(book.wallet(), venue_at_ns=book.at_ns + 3_600_000 * MS)
    book.send(ev.WalletUpdated(report=ahead, source=ev.Source.STREAM))
    for _ in range(10):
        live(book, 15.0, step_ms=1000.0)
        book.snapshot()
    assert not book.is_up(AlertKind.MARGIN_BUFFER_LOW)


def test_a_fill_that_flattens_an_option_during_a_snapshot_is_no_difference() -> None:
    book = Playbook()
    book.ready()
    book.send(book.option(delta=0.54))
    order = the_order(book.send(book.fill(Side.BUY, "1", BTC_CALL)))
    book.done(order)
    perp = str(book.state.positions[f"{ACCOUNT}|{BTC_PERP}"].contracts)
    held = [book.position("1", BTC_CALL), book.position(perp)]
    assert snapshots(book.tick(after_ms=16_000))
    asked_at_ns = book.at_ns
    book.send(book.fill(Side.SELL, "1", BTC_CALL))
    answer(book, ACCOUNT, positions=tuple(held), asked_at_ns=asked_at_ns)
    assert not book.is_up(AlertKind.RECON_BREAK)


def test_a_refused_key_that_works_again_ends_its_alert() -> None:
    book = Playbook()
    book.ready()
    book.send(ev.AuthenticationFailed(account=ACCOUNT, code="10003", message="invalid"))
    book.tick(after_ms=16_000)
    book.connect()
    book.snapshot()
    book.send(book.book())
    book.send(book.ticker())
    book.unkill()
    assert not book.state.latched
    book.tick()
    book.snapshot()
    live(book, 1.0)
    assert book.mode() is Mode.ACTIVE
    assert not book.is_up(AlertKind.API_KEY_INVALID)


def test_a_foreign_order_told_by_the_stream_is_told_on() -> None:
    book = Playbook()
    book.ready()
    order = the_order(book.send(book.fill(Side.BUY, "1")))
    book.done(order)
    foreign = msgspec.structs.replace(book.report(order, OrderStatus.OPEN), client_id=None, order_id="theirs")
    book.send(ev.OrderUpdated(report=foreign))
    assert book.is_up(AlertKind.FOREIGN_ACTIVITY)


def test_unkill_takes_over_the_difference_and_keeps_the_fills_since() -> None:
    book = Playbook()
    book.ready()
    book.tick(after_ms=16_000)
    book.snapshot([book.position("0.5")])
    book.tick(after_ms=1_100)
    book.snapshot([book.position("0.5")])
    book.send(book.fill(Side.BUY, "0.1", BTC_PERP))
    book.send(ev.OperatorKilled(operator="o", reason="r"))
    book.send(book.book())
    book.send(book.ticker())
    book.unkill()
    assert not book.state.latched
    assert book.state.positions[f"{ACCOUNT}|{BTC_PERP}"].contracts == Decimal("0.6")


def test_coins_of_an_underlying_that_is_configured_later_are_adopted() -> None:
    book = Playbook()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(instrument(ETH_PERP, underlying="ETH"),)))
    book.ready()
    more = msgspec.structs.replace(book.settings.underlyings[0], underlying="ETH", hedge_instrument=ETH_PERP)
    book.settings = msgspec.structs.replace(
        book.settings, config_hash="beef", underlyings=(*book.settings.underlyings, more)
    )
    book.start(epoch=2)
    book.connect()
    wallet = msgspec.structs.replace(
        book.wallet(), balances={"BTC": Decimal(0), "ETH": Decimal(5)}, venue_at_ns=book.at_ns + 1
    )
    book.snapshot(wallet=wallet)
    assert not book.is_up(AlertKind.RECON_BREAK), "coins that were there all along stop the book"


def test_unkill_asks_for_a_measured_clock() -> None:
    book = Playbook()
    book.ready()
    book.send(ev.OperatorKilled(operator="o", reason="r"))
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=9_000.0, round_trip_ms=1.0))
    book.at_ns += 30_000 * MS  # the book is stale too
    book.send(ev.OperatorUnkilled(operator="o", reason="r"))
    assert book.state.latched


def test_an_alert_of_an_option_ends_with_the_option() -> None:
    book = Playbook()
    book.ready()
    book.send(book.option(delta=0.54))
    book.done(the_order(book.send(book.fill(Side.BUY, "1", BTC_CALL))))
    book.send(book.option(delta=0.05))
    assert book.is_up(AlertKind.SUSPECT_DATA)
    book.send(book.fill(Side.SELL, "1", BTC_CALL))
    for _ in range(10):
        live(book, 15.0, step_ms=1000.0)
        book.snapshot([book.position(str(book.state.positions[f"{ACCOUNT}|{BTC_PERP}"].contracts))])
    assert not book.is_up(AlertKind.SUSPECT_DATA)


def test_a_strategy_that_cannot_be_built_refuses_the_configuration_and_no_more() -> None:
    def load(one: StrategySettings) -> Strategy:
        if one.params:
            raise ConfigError("width is out of range")
        return STRATEGY.build(one)

    book = Playbook()
    book.ready()
    book.engine = Engine(load, decode_state(encode_state(book.state)))
    wrong = msgspec.structs.replace(book.settings.strategies[0], params={"width": 9.0})
    applied = ev.ConfigApplied(
        settings=msgspec.structs.replace(book.settings, strategies=(wrong,)), changes=("x",), operator="o", reason="r"
    )
    # An exception here would end the daemon: the pump is vital.
    said = of_type(book.send(applied), RecordOperator)
    assert [(one.accepted, one.explanation) for one in said] == [(False, "width is out of range")]
    assert book.state.settings.strategies[0].params == {}


def test_a_rounding_of_a_coin_that_is_no_longer_hedged_does_not_stop_the_book() -> None:
    more = msgspec.structs.replace(settings().underlyings[0], underlying="ETH", hedge_instrument=ETH_PERP)
    both = msgspec.structs.replace(settings(), underlyings=(settings().underlyings[0], more))
    book = Playbook(both)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(instrument(ETH_PERP, underlying="ETH"),)))
    book.send(book.book(name=ETH_PERP))
    book.ready()
    book.settings = msgspec.structs.replace(settings(), config_hash="beef")
    book.start(epoch=2)
    book.connect()
    wallet = msgspec.structs.replace(
        book.wallet(), balances={"BTC": Decimal(0), "ETH": Decimal("0.0000001")}, venue_at_ns=book.at_ns + 1
    )
    book.snapshot(wallet=wallet)
    assert not book.is_up(AlertKind.RECON_BREAK)


def test_a_state_of_an_earlier_version_does_not_lose_its_options() -> None:
    book = Playbook()
    book.ready()
    book.send(book.option(delta=0.54))
    book.done(the_order(book.send(book.fill(Side.BUY, "1", BTC_CALL))))
    plain = msgspec.msgpack.decode(encode_state(book.state))
    for one in plain["underlyings"].values():
        del one["option_keys"]  # what the version before this one wrote
    old = decode_state(msgspec.msgpack.encode(plain))
    book.engine = Engine(STRATEGY.build, old)
    book.start(epoch=2)
    book.send(book.book())
    assert book.state.underlyings["BTC"].option_count == 1


def test_a_figure_around_its_limit_is_one_alert() -> None:
    """Margin use and the age of the book swing about their limits for a minute: raised once, ended once."""
    book = Playbook()
    book.ready()
    book.heard.clear()

    def use(maintenance: str) -> None:
        report = msgspec.structs.replace(book.wallet(maintenance=maintenance), venue_at_ns=book.at_ns)
        book.send(ev.WalletUpdated(report=report, source=ev.Source.STREAM))

    for turn in range(12):
        use("550000" if turn % 2 else "450000")
        live(book, 0.5)
        for _ in range(19):
            book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
            book.tick(249)
    use("450000")
    live(book, 12)
    for kind in (AlertKind.MARGIN_BUFFER_LOW, AlertKind.STALE_MARKET_DATA):
        assert [one.kind for one in of_type(book.heard, RaiseAlert)].count(kind) == 1
        assert [one.kind for one in of_type(book.heard, ResolveAlert)].count(kind) == 1
