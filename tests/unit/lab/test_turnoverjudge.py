"""What a wick had to cost: against a hedger who knows each piece of news at once, two bands more at most."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace

import pytest

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import Side
from hedgebot.lab.draws import minutes_for
from hedgebot.lab.evidence import Evidence, Sample
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.turnoverjudge import late_coin, needed_coin, option_vols, turnover_within_bands
from hedgebot.lab.worldspec import HEDGE, HOLDER, SETTINGS, START_NS, UNDERLYING
from strategies.delta_neutral import STRATEGY

BAND = SETTINGS.underlyings[0].band_coin
Row = tuple[float, float]
Delta = tuple[float, ...]


def row(at_s: float, coins: float) -> SimpleNamespace:
    side = Side.BUY if coins > 0 else Side.SELL
    at_ns, qty = round(at_s * NS_PER_S), Decimal(str(abs(coins)))
    order = SimpleNamespace(client_id=None)
    return SimpleNamespace(exec_id=f"{at_s}/{coins}", at_ns=at_ns, side=side, qty_contracts=qty, order=order)


def evidence(deltas: Sequence[Delta], own: Sequence[Row], flow: Sequence[Row] = ()) -> Evidence:
    """Deltas without a hedge at seconds (with what is late of them), our trades and those of others."""
    ours, others = [row(*one) for one in own], [row(*one) for one in flow]
    samples, hedge = [], 0.0
    for at_s, unhedged, *late in deltas:
        hedge = sum(coins for moment, coins in own if moment <= at_s)
        samples.append(
            Sample(
                at_ns=round(at_s * NS_PER_S),
                delta_coin=unhedged + hedge,
                unhedged_coin=unhedged,
                margin_use=0.0,
                late_coin=late[0] if late else 0.0,
            )
        )
    journal = SimpleNamespace(orders=list)
    oracle = SimpleNamespace(own_executions=ours, executions=[*ours, *others])
    made = SimpleNamespace(hedge=HEDGE, settings=SETTINGS, oracle=oracle, journal=journal, alert_log=[])
    return Evidence(**vars(made), begun_ns=0, ended_ns=samples[-1].at_ns, samples=samples)


def test_a_delta_that_trembles_inside_its_band_excuses_no_trading() -> None:
    """The sum of all its moves is far more than what was traded, and none of it had to be hedged."""
    trembling = [(float(second), BAND * 0.9 * (-1) ** second) for second in range(151)]
    traded = [(float(second), 0.1 * (-1) ** second) for second in range(1, 150, 10)]
    assert sum(abs(b[1] - a[1]) for a, b in pairwise(trembling)) > 10 * len(traded) * 0.1
    found = evidence(trembling, traded)
    assert needed_coin(found, 0, found.ended_ns) == 0.0
    assert "within 75 s where 0.000 were needed" in turnover_within_bands(found)
    assert turnover_within_bands(evidence(trembling, [(10.0, 0.1), (11.0, -0.02)])) == ""


def test_a_wick_needs_its_way_down_and_its_way_up() -> None:
    away = [(float(second), 2.0 * min(second, 150 - second) / 75) for second in range(151)]
    down = [(5.0 * n, -2.0 / 15) for n in range(1, 16)]
    up = [(75.0 + 5.0 * n, 2.0 / 15) for n in range(1, 16)]
    assert turnover_within_bands(evidence(away, [*down, *up])) == ""
    found = evidence(away, [*down, *up])
    assert needed_coin(found, 0, found.ended_ns) == pytest.approx(4.0, abs=4 * BAND)
    again = [(6.0, -0.2), (7.0, 0.2)]
    assert "within 75 s" in turnover_within_bands(evidence(away, [*down, *again, *up]))


def test_a_way_that_moved_little_does_not_excuse_trading_for_the_other() -> None:
    late = [(0.0, 0.0), (75.0, 0.0), (76.0, 9.0), (150.0, 9.0)]
    assert "within 75 s where 0.000 were needed" in turnover_within_bands(evidence(late, [(30.0, -4.0), (40.0, 4.0)]))


def test_news_of_one_second_may_come_in_any_order() -> None:
    """A client buys while the price takes as much away: whoever hears of one first hedges it, and takes that back."""
    still = [(float(second), 0.0) for second in range(11)]
    both = [(2.0, -0.255), (2.1, 0.21)]
    assert turnover_within_bands(evidence(still, both)) != ""
    assert turnover_within_bands(evidence(still, both, flow=[(2.0, 0.3)])) == ""
    needed = needed_coin(evidence(still, both, flow=[(2.0, 0.3)]), 0, 10 * NS_PER_S)
    assert needed == pytest.approx((0.3 - 0.75 * BAND) + (0.3 - 2 * 0.75 * BAND))


def test_what_only_seemed_so_for_lack_of_a_volatility_is_traded_and_taken_back() -> None:
    jump = [(0.0, 0.0), (1.0, 0.0, 0.3), (10.0, 0.0)]
    both = [(1.0, -0.255), (2.0, 0.21)]
    assert turnover_within_bands(evidence(jump, both)) == ""
    assert turnover_within_bands(evidence([one[:2] for one in jump], both)) != ""


def test_nothing_seen_needs_nothing() -> None:
    assert needed_coin(evidence([(0.0, 0.0)], []), 1, 2) == 0.0


def test_a_wick_of_the_fault_world_stays_within_two_bands_of_the_reference_and_was_late_news() -> None:
    """Seed 3 traded nine bands more than a hedger who knew all of a second's news together."""
    mishap = BY_ID["M03"]
    world = FaultWorld(3, minutes_for(mishap), STRATEGY.build, [mishap])
    assert world.run().unmet == ()
    found = world._evidence["M03"]
    traded = float(found.turnover_coin(found.begun_ns, found.ended_ns))
    assert traded <= needed_coin(found, found.begun_ns, found.ended_ns) + BAND
    assert 0.01 < max(abs(one.late_coin) for one in found.samples) < 0.05
    for one in found.samples:
        object.__setattr__(one, "late_coin", 0.0)
    found.oracle.executions = list(found.oracle.own_executions)
    assert traded > needed_coin(found, found.begun_ns, found.ended_ns) + 6 * BAND


def test_the_late_part_is_what_another_volatility_makes_of_the_delta() -> None:
    world = FaultWorld(1, 5.0, STRATEGY.build, [])
    world.timeline.advance(START_NS + NS_PER_S)
    vols = option_vols(world.exchange, HOLDER, UNDERLYING)
    assert len(vols) == 2
    assert all(0.3 < one < 1.5 for one in vols.values())
    assert late_coin(world.exchange, HOLDER, UNDERLYING, vols) == 0.0
    assert late_coin(world.exchange, HOLDER, UNDERLYING, {}) == 0.0
    assert option_vols(world.exchange, HOLDER, "ETH") == {}
    higher = late_coin(world.exchange, HOLDER, UNDERLYING, {name: vol + 0.2 for name, vol in vols.items()})
    assert higher < 0.0  # a short straddle's call: its d1 rises with the volatility, and it is short
