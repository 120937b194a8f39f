"""Limits: unknown is never zero, the side that pays funding, hysteresis, and what halts the book for good."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import limits
from hedgebot.core.state import AccountState, Mismatch
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode, RecordMode, RecordRefusal, ResolveAlert
from hedgebot.domain.instrument import Side
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_INVERSE,
    BTC_PERP,
    BTC_USDC,
    Playbook,
    alerts,
    decisions,
    of_type,
    orders,
    settings,
    the_order,
)
from tests.support.stories import live

DAY_MS = 86_400_000


def _ready(**limit: float) -> Playbook:
    book = Playbook(settings(**limit))
    book.ready()
    return book


def _account(book: Playbook) -> AccountState:
    return book.state.accounts[ACCOUNT]


def _wallet(book: Playbook, equity: str | None, maintenance: str | None) -> tuple[Command, ...]:
    report = msgspec.structs.replace(book.wallet(equity=equity, maintenance=maintenance), venue_at_ns=book.at_ns)
    return book.send(ev.WalletUpdated(report=report, source=ev.Source.STREAM))


def _use(book: Playbook, use: str | None) -> tuple[Command, ...]:
    """The venue reports this margin use; the timer looks at it."""
    maintenance = None if use is None else str(1_000_000 * Decimal(use))
    return _wallet(book, "1000000", maintenance) + book.tick()


def _ended(commands: Iterable[object]) -> set[AlertKind]:
    return {one.kind for one in commands if isinstance(one, ResolveAlert)}


# --- margin --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equity", "maintenance", "use"),
    [
        ("1000", "250", 0.25),
        ("1000", "0", 0.0),
        ("0", "1", float("inf")),
        ("-5", "1", float("inf")),
        ("1000", "2000", 2.0),
        (None, "1", None),
        ("1000", None, None),
        (None, None, None),
    ],
)
def test_margin_use_is_maintenance_margin_over_equity(
    equity: str | None, maintenance: str | None, use: float | None
) -> None:
    book = _ready()
    _wallet(book, equity, maintenance)
    assert limits.margin_use(book.state, _account(book), book.at_ns) == use


def test_margin_is_unknown_before_the_first_report_and_after_its_age_limit() -> None:
    book = Playbook()
    assert limits.margin_use(book.state, _account(book), book.at_ns) is None
    book = _ready()
    _wallet(book, "1000", "250")
    taken_at = book.at_ns
    limit_ns = book.state.limits.margin_age_ms_max * 1_000_000
    assert limits.margin_use(book.state, _account(book), taken_at + limit_ns) == 0.25
    assert limits.margin_use(book.state, _account(book), taken_at + limit_ns + 1) is None


def test_an_older_report_does_not_replace_a_newer_one() -> None:
    book = _ready()
    _wallet(book, "1000", "900")
    late = msgspec.structs.replace(book.wallet(equity="1000", maintenance="1"), venue_at_ns=book.at_ns - 10**9)
    book.send(ev.WalletUpdated(report=late, source=ev.Source.QUERY))
    assert limits.margin_use(book.state, _account(book), book.at_ns) == 0.9


def test_reducing_is_entered_and_left_with_hysteresis() -> None:
    book = _ready()
    modes = []
    for use in ("0.79", "0.81", "0.79", "0.65", "0.61", "0.59", "0.75"):
        _use(book, use)
        modes.append(book.state.mode)
    reducing = Mode.REDUCING
    assert modes == [Mode.ACTIVE, reducing, reducing, reducing, reducing, Mode.ACTIVE, Mode.ACTIVE]


def test_unknown_margin_does_not_end_reducing() -> None:
    book = _ready()
    _use(book, "0.9")
    assert book.state.mode is Mode.REDUCING
    _use(book, None)
    assert book.state.mode is Mode.REDUCING


def test_margin_that_became_too_old_does_not_end_reducing() -> None:
    book = _ready()
    _use(book, "0.9")
    for _ in range(62):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=1_000)
    book.tick()
    assert limits.margin_use(book.state, _account(book), book.at_ns) is None
    assert book.state.mode is Mode.REDUCING


def test_a_low_buffer_is_said_once_and_taken_back() -> None:
    book = _ready()
    assert AlertKind.MARGIN_BUFFER_LOW in alerts(_use(book, "0.55"))
    assert AlertKind.MARGIN_BUFFER_LOW not in alerts(_use(book, "0.56"))
    _use(book, "0.4")
    assert AlertKind.MARGIN_BUFFER_LOW in _ended(live(book, 10.5))
    assert AlertKind.MARGIN_BUFFER_LOW in alerts(_use(book, None))


# --- funding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "rate", "hours", "cost"),
    [
        # 1 coin at 100,000: 0.01 % per 8 h is 0.03 % per day, paid by longs.
        (Side.BUY, 0.0001, 8.0, 30.0),
        (Side.SELL, 0.0001, 8.0, -30.0),
        (Side.BUY, -0.0001, 8.0, -30.0),
        (Side.SELL, -0.0001, 8.0, 30.0),
        (Side.BUY, 0.0001, 1.0, 240.0),
        (Side.BUY, 0.0001, None, 30.0),
    ],
)
def test_positive_funding_is_paid_by_longs(side: Side, rate: float, hours: float | None, cost: float) -> None:
    book = _ready()
    book.send(book.fill(side, "1", BTC_PERP))
    book.send(msgspec.structs.replace(book.ticker(rate=rate), funding_interval_hours=hours))
    assert limits.funding_cost_usd_per_day(book.state, book.at_ns) == pytest.approx(cost)


def test_only_the_hedge_pays_into_the_forecast() -> None:
    book = _ready()
    book.send(book.fill(Side.BUY, "1", BTC_USDC))
    assert limits.funding_cost_usd_per_day(book.state, book.at_ns) == 0.0
    changed = {(ACCOUNT, BTC_PERP): Decimal(-2)}
    assert limits.funding_costs_usd_per_day(book.state, book.at_ns, changed) == {BTC_PERP: pytest.approx(-60.0)}


def test_an_unknown_or_old_rate_makes_the_cost_unknown() -> None:
    book = _ready()
    book.send(book.fill(Side.BUY, "1", BTC_PERP))
    late = book.at_ns + (book.state.limits.funding_age_ms_max + 1_000) * 1_000_000
    assert limits.funding_cost_usd_per_day(book.state, late) is None
    book.state.quotes[BTC_PERP].funding_rate = None
    assert limits.funding_cost_usd_per_day(book.state, book.at_ns) is None


def test_a_rate_without_its_interval_is_no_cost() -> None:
    book = _ready()
    book.send(book.fill(Side.BUY, "1", BTC_PERP))
    rules = book.state.instruments[BTC_PERP]
    book.state.instruments[BTC_PERP] = msgspec.structs.replace(rules, funding_interval_hours=None)
    book.state.quotes[BTC_PERP].funding_interval_hours = None
    assert limits.funding_cost_usd_per_day(book.state, book.at_ns) is None


def test_a_hedge_that_costs_too_much_is_said() -> None:
    book = _ready()
    book.send(book.fill(Side.BUY, "2", BTC_PERP))
    book.send(book.ticker(rate=0.01))
    assert AlertKind.FUNDING_COST_LIMIT in alerts(book.tick())
    book.send(book.ticker(rate=-0.001))
    assert AlertKind.FUNDING_COST_LIMIT not in _ended(book.tick()), "not before it stayed below"
    for _ in range(61):
        book.send(book.ticker(rate=-0.001))
        book.tick(1_000)
    assert not book.is_up(AlertKind.FUNDING_COST_LIMIT)


# --- loss, silence, differences --------------------------------------------------------------------------------------


def test_a_daily_loss_halts_latched() -> None:
    book = _ready()
    _wallet(book, "950000", "1")
    book.tick()
    assert not book.state.latched, "a loss at the limit is not beyond it"
    commands = _wallet(book, "949999", "1") + book.tick()
    assert book.is_up(AlertKind.DAILY_LOSS), "it rose at the soft limit"
    (record,) = of_type(commands, RecordMode)
    assert (record.after, record.latched) == (Mode.HALTED, True)
    _wallet(book, "1000000", "1")
    book.tick()
    assert book.state.mode is Mode.HALTED, "what halted the book may pass, the halt stays"


def test_an_unknown_equity_is_no_loss() -> None:
    book = _ready()
    commands = _wallet(book, None, "1") + book.tick()
    assert AlertKind.DAILY_LOSS not in alerts(commands)
    assert not book.state.latched
    assert _account(book).day_equity_usd == 1_000_000


def test_a_new_day_counts_anew() -> None:
    book = _ready()
    _wallet(book, "960000", "1")
    book.at_ns += DAY_MS * 1_000_000
    _wallet(book, "955000", "1")
    _wallet(book, "920000", "1")
    assert _account(book).day_equity_usd == 955_000


def test_private_silence_is_said_first_and_then_halts() -> None:
    book = _ready()
    said: dict[int, set[AlertKind]] = {}
    for second in range(1, 125):
        said[second] = alerts(book.tick(after_ms=1_000))
    first = min(second for second, kinds in said.items() if AlertKind.PRIVATE_STREAM_SILENT in kinds)
    assert first in {15, 16}
    assert sum(AlertKind.PRIVATE_STREAM_SILENT in kinds for kinds in said.values()) == 1
    assert book.state.mode is Mode.HALTED
    assert book.state.latched
    halted = min(second for second, kinds in said.items() if AlertKind.KILL_ACTIVE in kinds)
    assert halted in {120, 121}


def test_a_sign_of_life_ends_the_alert() -> None:
    book = _ready()
    book.tick(after_ms=20_000)
    book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    assert AlertKind.PRIVATE_STREAM_SILENT in {one.kind for one in of_type(book.tick(), ResolveAlert)}


def test_n12_a_connection_that_is_cut_again_and_again_is_one_alert() -> None:
    book = _ready()
    said: list[AlertKind] = []
    resolved: list[AlertKind] = []
    for second in range(60):
        change = ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=second % 2 == 1, reason="cut")
        said += alerts(book.send(change, after_ms=500))
        heard = book.tick(after_ms=500)
        said += alerts(heard)
        resolved += [one.kind for one in of_type(heard, ResolveAlert)]
    assert said.count(AlertKind.PRIVATE_STREAM_SILENT) == 1
    assert AlertKind.PRIVATE_STREAM_SILENT not in resolved
    for _ in range(12):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        resolved += [one.kind for one in of_type(book.tick(after_ms=1_000), ResolveAlert)]
    assert AlertKind.PRIVATE_STREAM_SILENT in resolved


@pytest.mark.parametrize(("count", "age_ms", "halts"), [(1, 60_000, False), (2, 60_000, True), (2, 20_000, False)])
def test_a_repeated_difference_that_lasts_halts(count: int, age_ms: int, halts: bool) -> None:
    book = _ready()
    first_seen_ns = book.at_ns - age_ms * 1_000_000
    _account(book).mismatches["BTC"] = Mismatch(
        venue_value=Decimal(1),
        ledger_value=Decimal(0),
        venue_price=Decimal(0),
        first_seen_ns=first_seen_ns,
        count=count,
    )
    book.tick()
    assert book.state.latched is halts


# --- data and rate -------------------------------------------------------------------------------------------------


def test_n02_stale_data_are_told_within_the_limit_not_after_it() -> None:
    book = _ready()
    assert AlertKind.STALE_MARKET_DATA not in alerts(book.tick(after_ms=4_250))
    assert AlertKind.STALE_MARKET_DATA in alerts(book.tick(after_ms=300))


def test_stale_data_and_a_breached_delta_are_said() -> None:
    book = _ready()
    assert AlertKind.STALE_MARKET_DATA in alerts(book.tick(after_ms=6_000))
    assert AlertKind.STALE_MARKET_DATA in _ended(live(book, 10.5))
    book.send(book.fill(Side.BUY, "6", BTC_USDC))
    assert AlertKind.DELTA_OUTSIDE_LIMIT in alerts(book.tick())


def test_the_oldest_held_option_counts() -> None:
    book = _ready()
    assert limits.oldest_option(book.state, "BTC", book.at_ns) == (0, "")
    book.send(book.option())
    assert limits.oldest_option(book.state, "BTC", book.at_ns) == (0, ""), "quoted, but not held"
    book.send(book.fill(Side.BUY, "1", BTC_CALL), after_ms=3_000)
    assert limits.oldest_option(book.state, "BTC", book.at_ns) == (3_000, BTC_CALL)


def test_order_messages_refill_up_to_the_burst() -> None:
    book = _ready()
    state, at_ns = book.state, book.at_ns
    assert limits.refill_tokens(state, at_ns) == 5.0
    state.tokens = 0.0
    assert limits.refill_tokens(state, at_ns) == 0.0
    assert limits.refill_tokens(state, at_ns + 5 * 10**8) == pytest.approx(2.5)
    assert limits.refill_tokens(state, at_ns) == pytest.approx(2.5), "time that runs back takes nothing"
    assert limits.refill_tokens(state, at_ns + 10**12) == 5.0


def test_a_difference_concerns_its_coin_and_its_instruments() -> None:
    book = _ready()
    settings = book.settings.underlyings[0]
    assert limits.concerns(book.state, "BTC", settings)
    assert limits.concerns(book.state, BTC_INVERSE, settings)
    assert not limits.concerns(book.state, "ETH", settings)
    assert not limits.concerns(book.state, "bybit:linear:ETHUSDT", settings)


def _older_surface(book: Playbook, seconds: float) -> None:
    """Everything but the options' quotes goes on."""
    for _ in range(round(seconds)):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=990)
        book.send(book.ticker())
        book.send(book.book())
        book.tick()
        if book.state.accounts[ACCOUNT].request_open:
            book.agree()


def test_when_the_greeks_stop_hedging_goes_on_in_a_wider_band() -> None:
    """The peer's failure: greeks stop, the perpetual ticks, a delta of sixteen bands and neither order nor alarm."""
    book = _ready()
    book.send(book.option())
    book.send(book.fill(Side.SELL, "1", BTC_CALL))
    hedge = the_order(book.heard)
    book.done(hedge)
    _older_surface(book, 32)
    assert book.is_up(AlertKind.STALE_MARKET_DATA)
    assert book.state.underlyings["BTC"].trigger_coin == pytest.approx(0.075)
    book.send(book.ticker(Decimal(108_000)))
    heard = book.send(book.book(Decimal(108_000)))
    after = the_order(heard).approved.intent
    assert after.side is Side.BUY, "short a call in a rising market: its delta comes from the live underlying"
    (decision,) = decisions(heard)
    assert decision.band_coin == pytest.approx(0.075)
    book.send(book.option())
    book.tick()
    assert book.state.underlyings["BTC"].trigger_coin == 0.05
    live(book, 10.5)
    assert not book.is_up(AlertKind.STALE_MARKET_DATA)


def test_greeks_that_stay_away_stop_hedging_in_the_end() -> None:
    book = _ready(option_age_ms_stop=60_000)
    book.send(book.option())
    book.send(book.fill(Side.SELL, "1", BTC_CALL))
    book.done(the_order(book.heard))
    _older_surface(book, 62)
    book.send(book.ticker(Decimal(108_000)))
    heard = book.send(book.book(Decimal(108_000)))
    assert not orders(heard)
    (refusal,) = of_type(heard, RecordRefusal)
    assert refusal.refused.check.rule == "option_age_ms"


def test_a_mark_that_contradicts_the_book_is_told() -> None:
    """Nothing is sent on it, and that must not be silent."""
    book = Playbook()
    book.ready()
    book.send(book.ticker("84000"))
    book.tick()
    assert book.is_up(AlertKind.SUSPECT_DATA)
    live(book, 10.5)
    assert not book.is_up(AlertKind.SUSPECT_DATA)
