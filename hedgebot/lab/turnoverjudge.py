"""What a hedge had to trade: a hedger who knows each piece of news at once and trades to his target only at his edge.

Owns that reference (fault M03's "turnover at most two bands" is what may be traded beyond it) and what of an option's
delta is late news. Of one moment there are three: a client's fill comes on the private stream, the price on the public
one, an option's volatility with its own ticker, up to a second later. Whoever acts on each at once trades on some of it
and takes that back: against a reference that knew all of it together a sound hedger traded up to nine bands too much.
Must not know the engine; what it did is on trial.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.model import Exchange
from hedgebot.lab.evidence import Evidence, Sample
from hedgebot.lab.truth import holdings
from hedgebot.pricing.black76 import delta_one, years_to

BANDS_MAX = 2.0
"""What may be traded beyond the reference, in half widths of the band: the row's own number."""


def option_vols(exchange: Exchange, holder: str, underlying: str) -> dict[str, float]:
    """The volatility that each held option is marked with now."""
    return {
        str(one.instrument.id): one.vol
        for one in holdings(exchange, holder)
        if one.instrument.kind.is_option and one.instrument.underlying == underlying
    }


def late_coin(exchange: Exchange, holder: str, underlying: str, vols: Mapping[str, float]) -> float:
    """How much larger the delta in coin seems to whoever knows the price of now and volatilities of before."""
    total = 0.0
    for one in holdings(exchange, holder):
        rules = one.instrument
        vol = vols.get(str(rules.id))
        if vol is None or rules.underlying != underlying or rules.strike is None or rules.expiry_ns is None:
            continue
        years, is_call = years_to(rules.expiry_ns, exchange.now_ns), rules.option_type is OptionType.CALL
        forward, strike = exchange.option_ticker(rules.id).forward, float(rules.strike)
        seems = delta_one(forward, strike, years, vol, is_call=is_call)
        total += one.size * (seems - delta_one(forward, strike, years, one.vol, is_call=is_call))
    return total


def turnover_within_bands(evidence: Evidence) -> str:
    """Down and up again we traded no more than the reference, and two bands: each way, and in all."""
    halfway_ns = (evidence.begun_ns + evidence.ended_ns) // 2
    whole = evidence.begun_ns, evidence.ended_ns
    spans = (whole[0], halfway_ns), (halfway_ns, whole[1]), whole
    return next((said for span in spans if (said := _beyond(evidence, *span))), "")


def _beyond(evidence: Evidence, from_ns: int, until_ns: int) -> str:
    traded, needed = float(evidence.turnover_coin(from_ns, until_ns)), needed_coin(evidence, from_ns, until_ns)
    if traded <= needed + BANDS_MAX * evidence.band_coin:
        return ""
    seconds = (until_ns - from_ns) / NS_PER_S
    return f"{traded:.3f} were traded within {seconds:.0f} s where {needed:.3f} were needed"


def needed_coin(evidence: Evidence, from_ns: int, until_ns: int) -> float:
    """What the reference trades between two moments (coins), from the hedge that was held at the first."""
    samples = [one for one in evidence.samples if from_ns <= one.at_ns <= until_ns]
    if not samples:
        return 0.0
    edge_coin = evidence.band_coin
    target_coin = edge_coin * evidence.settings.underlyings[0].target_ratio
    own = {one.exec_id for one in evidence.oracle.own_executions}
    flow = [
        (one.at_ns, float(one.qty_contracts) * one.side.sign)
        for one in evidence.oracle.executions
        if one.exec_id not in own
    ]
    hedge_coin, total = samples[0].delta_coin - samples[0].unhedged_coin, 0.0
    for before, after in itertools.pairwise(samples):
        trades = [coins for at_ns, coins in flow if before.at_ns < at_ns <= after.at_ns]
        ways = (_trade(way, hedge_coin, edge_coin, target_coin) for way in _ways(before, after, trades))
        # In which order the news came is not known here: the one that asks for most is the fair one.
        hedge_coin, traded = max(ways, key=lambda one: one[1])
        total += traded
    return total


def _ways(before: Sample, after: Sample, trades: Sequence[float]) -> Iterator[list[float]]:
    """The deltas without the hedge, piece by piece, in each order in which the news of a second may come."""
    steps, end, late = list(itertools.accumulate(trades)), after.unhedged_coin, after.late_coin
    start = end - sum(trades)
    yield [*(before.unhedged_coin + one for one in steps), end + late, end]
    yield [start + late, *(start + late + one for one in steps), end]
    yield [start + late, start, *(start + one for one in steps)]


def _trade(way: Sequence[float], hedge_coin: float, edge_coin: float, target_coin: float) -> tuple[float, float]:
    """The hedge after a way and what was traded on it: to the inside target each time the edge is passed."""
    traded = 0.0
    for unhedged in way:
        net = unhedged + hedge_coin
        if abs(net) > edge_coin:
            wanted = target_coin if net > 0.0 else -target_coin
            traded, hedge_coin = traded + abs(wanted - net), hedge_coin + wanted - net
    return hedge_coin, traded
