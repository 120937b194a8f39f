"""The oracle's eye for books with several hedge instruments: what of the hedges stands against each other (I4).

Reads the exchange's side: positions as they are when an order of ours arrives. Imports nothing of the engine.
"""

from collections.abc import Iterable, Sequence

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import Execution, SimOrder
from hedgebot.lab.truth import Holding, holdings

UNDER_WAY_NS = 10 * NS_PER_S
"""An order may be so long on its way: who else moved a hedge meanwhile moved what it was decided on."""


def opposed_coin(deltas: Iterable[float]) -> float:
    """The smaller of all longs and all shorts."""
    known = list(deltas)
    return min(sum(max(one, 0.0) for one in known), sum(max(-one, 0.0) for one in known))


def opposed_problem(
    exchange: Exchange,
    holder: str,
    settings: UnderlyingSettings,
    order: SimOrder,
    others: Sequence[Execution],
    *,
    delta_coin: float,
) -> str:
    """Why an order may not be, in a sentence: it sets hedges against each other beyond the operator's cap.

    Empty when it does not; beyond the delta limit (`delta_coin` is the true one before it) anything that lowers it
    may. `others` are executions on the account that are not ours.
    """
    moved = [one for one in others if one.instrument in settings.hedge_instruments]
    if len(settings.hedge_instruments) == 1 or abs(delta_coin) > settings.delta_limit_coin:
        return ""
    if moved and order.created_at_ns - moved[-1].at_ns < UNDER_WAY_NS:
        return ""
    held = {one.instrument.id: one for one in holdings(exchange, holder)}
    now = {hedge: _delta_coin(held, hedge) for hedge in settings.hedge_instruments}
    listing = exchange.listing(order.instrument)
    if listing is None or order.instrument not in now:
        return ""
    mark = float(exchange.ticker(order.instrument).mark or 0)
    done, whole = (
        listing.instrument.delta_coin(float(contracts) * order.side.sign, mark)
        for contracts in (order.filled_contracts, order.qty_contracts)
    )
    before = now | {order.instrument: now[order.instrument] - done}
    after = opposed_coin((before | {order.instrument: before[order.instrument] + whole}).values())
    lot_coin = abs(listing.instrument.delta_coin(float(listing.instrument.lot_size), mark))
    limit = max(settings.opposed_coin_max, opposed_coin(before.values())) + lot_coin
    if after <= limit:
        return ""
    return f"order {order.client_id} sets {after:g} {settings.underlying} of hedges against each other, limit {limit:g}"


def _delta_coin(held: dict[InstrumentId, Holding], hedge: InstrumentId) -> float:
    found = held.get(hedge)
    return found.delta_coin if found else 0.0
