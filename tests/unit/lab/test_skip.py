"""The skip's journal and state are those of the full run, on any path; each thing it leaves behind matters."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.core.calm import Claim
from hedgebot.core.calm_look import NEVER_NS
from hedgebot.core.margin_watch import LOOK_NS
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Issued, RecordRegime
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import CostSource, DeltaConvention, EngineSettings
from hedgebot.lab import skip
from hedgebot.lab.pace import Pace
from hedgebot.lab.quotedesk import Opening
from hedgebot.lab.quoteplay import Heard, QuotePlay, Way
from hedgebot.lab.quotes import Quotes
from tests.support import moving_days, quiet_days
from tests.support import playbook as pb


def path(seed: int, count: int, step_ms: int, move_bps: float, *, gap_ms: int = 0, still: float = 0.2) -> Quotes:
    """A walk of quotes; some stand still, one jump and (with `gap_ms`) one silence are in it."""
    random = np.random.default_rng(seed)
    moves = random.standard_normal(count) * move_bps * 1e-4
    moves[random.random(count) < still] = 0.0
    moves[count // 2] += random.choice([-1, 1]) * 15 * move_bps * 1e-4
    bid = np.rint(1e6 * np.exp(np.cumsum(moves))).astype(np.int64)
    ask = bid + np.where(moves == 0.0, 3, random.integers(1, 6, count))
    gaps = random.integers(max(step_ms // 2, 1), step_ms * 2, count) * NS_PER_MS
    gaps[count // 3] += gap_ms * NS_PER_MS
    return Quotes(pb.BTC_PERP, Decimal("0.1"), pb.START_NS + np.cumsum(gaps), bid, ask)


def book_settings(band_coin: float, **limits: float) -> EngineSettings:
    """A coin-neutral book that no rate or collar stops."""
    chosen = pb.settings(**({"orders_per_second_max": 50.0, "order_burst_max": 50} | limits))
    one = msgspec.structs.replace(
        chosen.underlyings[0],
        band_coin=band_coin,
        collar_bps=100.0,
        delta_convention=DeltaConvention.COIN_NEUTRAL,
    )
    return msgspec.structs.replace(chosen, underlyings=(one,))


OPENING = Opening(
    account=pb.ACCOUNT,
    venue="bybit",
    instruments=pb.INSTRUMENTS,
    hedge=pb.BTC_PERP,
    contracts={pb.BTC_INVERSE: Decimal(10_000_000), pb.BTC_PERP: Decimal(-100)},
)


def played(
    quotes: Quotes,
    chosen: EngineSettings,
    way: Way,
    others: tuple[tuple[int, ev.Event], ...] = (),
    heard: Heard | None = None,
) -> QuotePlay:
    play = QuotePlay(
        quotes=quotes,
        settings=chosen,
        opening=OPENING,
        load_strategy=quiet_days.load,
        way=way,
        others=others,
        heard=heard,
    )
    play.run()
    return play


def fills(quotes: Quotes, every: int) -> tuple[tuple[int, ev.Event], ...]:
    """A client who trades now and then in an instrument that the desk does not keep: the ledger's business alone."""
    book = pb.Playbook()
    found = []
    for number, row in enumerate(range(every, len(quotes), every)):
        fill = book.fill(Side.BUY if number % 2 else Side.SELL, "0.03", trade_id=f"c{row}")
        moment = int(quotes.at_ns[row]) + 1
        found.append((moment, msgspec.structs.replace(fill, venue_at_ns=moment)))
    return tuple(found)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    step_ms=st.sampled_from([5, 40, 300]),
    move_bps=st.sampled_from([0.05, 0.5, 2.0]),
    band_coin=st.sampled_from([0.02, 0.1, 0.5]),
    gap_ms=st.sampled_from([0, 4_800, 9_000]),
    clients=st.sampled_from([0, 150]),
)
def test_any_path_gives_the_same_journal_and_state(
    seed: int, step_ms: int, move_bps: float, band_coin: float, gap_ms: int, clients: int
) -> None:
    quotes = path(seed, 700, step_ms, move_bps, gap_ms=gap_ms)
    others = fills(quotes, clients) if clients else ()
    full, *quick = (played(quotes, book_settings(band_coin), way, others) for way in Way)
    for one in quick:
        assert one.digest == full.digest
        assert one.orders == full.orders


def hours() -> tuple[Quotes, EngineSettings]:
    """Two hours and a half of quotes a second: hours, minutes, records, flow that becomes known, funding."""
    quotes = path(3, 9_000, 1_000, 0.4)
    return quotes, Pace.of_seconds(15).slowed(book_settings(0.1))


def test_hours_of_a_book_are_the_same() -> None:
    quotes, chosen = hours()
    full, _, quick = (played(quotes, chosen, way) for way in Way)
    assert quick.digest == full.digest
    assert full.orders
    assert quick.skipped > len(quotes)


def leap() -> Quotes:
    """Forty quiet minutes with a leap near their end, after which the market is a wild one."""
    quotes = path(4, 2_400, 1_000, 0.05)
    up = np.where(np.arange(len(quotes)) < 2_000, 0, 12_000)
    return Quotes(quotes.instrument, quotes.tick, quotes.at_ns, quotes.bid + up, quotes.ask + up)


def test_a_regime_that_changes_within_a_stretch_is_told_by_its_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    quotes, chosen = leap(), Pace.of_seconds(15).slowed(book_settings(0.5))
    full, claims, quick = (played(quotes, chosen, way) for way in Way)
    assert any(one.margin.high_vol for one in full.engine.state.accounts.values())
    assert claims.digest == quick.digest == full.digest
    assert quick.skipped > len(quotes)
    monkeypatch.setattr(skip, "regime_stays", lambda *_: True)
    assert played(quotes, chosen, Way.SKIP).digest != full.digest


def test_another_rate_between_the_step_of_the_volatility_and_the_word_of_the_regime_hides_nothing() -> None:
    quotes, chosen, rows = leap(), Pace.of_seconds(15).slowed(book_settings(0.5)), list[ev.Stamped | Issued]()
    played(quotes, chosen, Way.FULL, heard=rows.append)
    told_ns = next(one.at_ns for one in rows if isinstance(one, Issued) and isinstance(one.command, RecordRegime))
    at_ns = told_ns - 100 * NS_PER_MS
    bid, ask = quotes.prices(int(quotes.at_ns.searchsorted(at_ns)) - 1)
    ticker = pb.Playbook().ticker((bid + ask) / 2, rate=0.00011)
    others = ((at_ns, msgspec.structs.replace(ticker, funding_interval_hours=8.0, venue_at_ns=at_ns)),)
    assert len({played(quotes, chosen, way, others).digest for way in Way}) == 1


def following_cost(
    chosen: EngineSettings, tracking_error_usd: float, source: CostSource = CostSource.CONFIGURED
) -> EngineSettings:
    """The same book, hedged by `cost_aware`; a measured cost moves with each fill of ours."""
    first = msgspec.structs.replace(chosen.underlyings[0], cost_source=source, cost_prior_orders=1.0)
    return msgspec.structs.replace(
        chosen, underlyings=(first,), strategies=(moving_days.follows_cost(tracking_error_usd),)
    )


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    step_ms=st.sampled_from([5, 40, 300]),
    move_bps=st.sampled_from([0.05, 0.5, 2.0]),
    tracking_error_usd=st.sampled_from([30.0, 200.0]),
    clients=st.sampled_from([0, 150]),
    source=st.sampled_from(CostSource),
    check_s=st.sampled_from([None, 30.0, 3_600.0]),
)
def test_a_band_that_follows_cost_gives_the_same_journal_and_state(
    seed: int,
    step_ms: int,
    move_bps: float,
    tracking_error_usd: float,
    clients: int,
    source: CostSource,
    check_s: float | None,
) -> None:
    quotes = path(seed, 700, step_ms, move_bps)
    others = fills(quotes, clients) if clients else ()
    chosen = following_cost(book_settings(0.1), tracking_error_usd, source)
    looked = msgspec.structs.replace(chosen.underlyings[0], check_interval_s=check_s)
    chosen = msgspec.structs.replace(chosen, underlyings=(looked,))
    full, *quick = (played(quotes, chosen, way, others) for way in Way)
    for one in quick:
        assert one.digest == full.digest
        assert one.orders == full.orders


@pytest.mark.timeout(400)
@pytest.mark.parametrize("clients", [0, 300])
def test_hours_of_a_band_that_follows_cost_are_the_same(clients: int, monkeypatch: pytest.MonkeyPatch) -> None:
    quotes, chosen = path(3, 1_400, 3_000, 0.8), Pace.of_seconds(15).slowed(book_settings(0.1))
    # Measured where clients trade: the band then moves with each hedge, too.
    source = CostSource.MEASURED if clients else CostSource.CONFIGURED
    chosen, others = following_cost(chosen, 200.0, source), fills(quotes, clients) if clients else ()
    full, quick = (played(quotes, chosen, way, others) for way in (Way.FULL, Way.SKIP))
    assert quick.digest == full.digest
    assert full.orders
    assert quick.skipped > 0.8 * len(quotes)
    if clients:
        return
    monkeypatch.setattr(Claim, "_bands", lambda one, *_: (one.underlying.trigger_coin, 0.1))
    assert played(quotes, chosen, Way.SKIP, others).digest != full.digest


def quiet() -> Quotes:
    return path(5, 3_000, 20, 0.05)


LEFT_BEHIND: dict[str, Callable[..., object]] = {
    "_note_still": lambda *_: None,
    "_note_trail": lambda *_: None,
    "_look": lambda *_: None,
    "_note_timers": lambda *_: None,
}


@pytest.mark.parametrize("name", LEFT_BEHIND)
def test_what_a_run_leaves_behind_matters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = book_settings(0.1)
    full = played(quiet(), chosen, Way.FULL)
    assert played(quiet(), chosen, Way.SKIP).digest == full.digest
    monkeypatch.setattr(skip.Stretch, name, LEFT_BEHIND[name])
    assert played(quiet(), chosen, Way.SKIP).digest != full.digest


def test_timers_that_come_oftener_than_margin_is_looked_at_are_stepped() -> None:
    play = played(quiet(), book_settings(0.1), Way.SKIP)
    claim = play.engine.claim()  # type: ignore[attr-defined]
    assert claim is not None
    now_ns, last = claim.state.at_ns, len(play._quotes)
    assert skip.Stretch(claim, play._quotes, skip.Ahead(last, now_ns + 1, LOOK_NS - 1, now_ns + LOOK_NS * 3)).is_over
    ahead = skip.Ahead(last, now_ns + 1, LOOK_NS, now_ns + LOOK_NS * 3)
    assert skip.Stretch(claim, play._quotes, ahead).take(now_ns + LOOK_NS * 3) == (0, 3)


def test_without_a_sign_of_life_the_timer_is_stepped_when_it_is_due() -> None:
    play = played(quiet(), book_settings(0.1), Way.SKIP)
    claim = play.engine.claim()  # type: ignore[attr-defined]
    assert claim is not None
    now_ns, last = claim.state.at_ns, len(play._quotes)
    stretch = skip.Stretch(claim, play._quotes, skip.Ahead(last, now_ns + 1, LOOK_NS, now_ns + LOOK_NS * 9))
    claim.lives_until_ns(NEVER_NS)
    claim.alive_until_ns = now_ns + LOOK_NS * 3
    # What comes before the next care is taken; the timers after it wait for what the care says.
    assert stretch.take(now_ns + LOOK_NS * 2) == (0, 2)
    assert not stretch.is_over
    assert stretch.take(now_ns + LOOK_NS * 9) == (0, 1)
    assert stretch.is_over


def test_most_of_a_quiet_stretch_is_skipped() -> None:
    play = played(quiet(), book_settings(0.5), Way.SKIP)
    assert play.skipped > 0.9 * len(quiet())
