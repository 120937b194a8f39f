"""How much of a book one order may take: so many times what is shown at the best price that it hits.

Owns the measure, the cut, and what of it goes into a decision's evidence; the gate's rule is `depth_rule.py`'s. Sizes
are in contracts, as orders are. An immediate-or-cancel order walks the book within its collar, so that more than the
top may be taken; but where next to nothing stands there the book is none, however narrow its spread (fault M02). What
our own orders took of a book counts until a newer one has come: the parts of a large hedge follow the book's refill.

It is asked when an order is formed, and never at a book or a timer: a replay's claims (`calm.py`) hold while the delta
is inside its band, where none is formed, and need no bound of it; they only keep the newest sizes.
"""

from decimal import Decimal

from hedgebot.core.quotes import Quote
from hedgebot.core.state import EngineState
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, Side


def is_unknown(rules: Instrument, quote: Quote) -> bool:
    """Whether a side of a book does not say how much stands there, although its venue shows it."""
    return rules.shows_sizes and (quote.bid_qty is None or quote.ask_qty is None)


def taken_contracts(state: EngineState, instrument: InstrumentId, side: Side) -> Decimal:
    """What fills of ours took of that side since the newest book of an instrument."""
    seen_ns, taken = state.quotes[instrument].book_at_ns, ZERO
    for one in reversed(state.orders.values()):
        if one.sent_at_ns < seen_ns:
            break
        if (one.intent.instrument, one.intent.side) == (instrument, side):
            taken += one.filled_contracts
    return taken


def most_contracts(state: EngineState, rules: Instrument, side: Side) -> Decimal | None:
    """The most contracts (unrounded, >= 0) that an order may be for now; None where the book does not say."""
    quote = state.quotes.get(rules.id)
    shown = quote.shown_contracts(side) if quote is not None and rules.shows_sizes else None
    if shown is None:
        return None
    ratio = Decimal(repr(state.limits.order_top_ratio_max))
    return max(shown * ratio - taken_contracts(state, rules.id, side), ZERO)


def cut(state: EngineState, rules: Instrument, side: Side, contracts: Decimal, limit_price: Decimal) -> Decimal:
    """What of an order the shown size allows, in whole lots.

    Where that is less than the venue's smallest order, or not known, the order stays whole: the gate refuses it with
    its numbers.
    """
    most = most_contracts(state, rules, side)
    if most is None or contracts <= most:
        return contracts
    left = rules.floor_qty(most)
    return left if left and rules.order_problem(left, limit_price) is None else contracts


def evidence(
    state: EngineState, instrument: InstrumentId, side: Side, contracts: Decimal | None
) -> dict[str, int | float | str | None]:
    """What was shown, what we took of it, and whether an order of `contracts` was cut to it; None: none was sent."""
    rules, quote = state.instruments[instrument], state.quotes[instrument]
    if not rules.shows_sizes:
        return {"top_contracts": "not shown"}
    most, shown = most_contracts(state, rules, side), quote.shown_contracts(side)
    is_cut = most is not None and contracts is not None and contracts == rules.floor_qty(most)
    return {
        "top_contracts": "unknown" if shown is None else str(shown),
        "top_taken_contracts": str(taken_contracts(state, instrument, side)),
        "cut_to_top": int(is_cut),
    }
