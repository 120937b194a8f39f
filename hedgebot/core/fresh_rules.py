"""How old the books and the mark may be that an order is judged by: what the gate asks of its prices.

An order needs a fresh book and a fresh mark of the instrument that it trades. The main hedge's book is the price that
a delta is valued at; where it trades elsewhere it matters only while some of the delta depends on that price: options,
and inverse contracts but for those whose entry fixes their coins (usd_neutral). Then, too, an order passes which is
proven to lower risk at every price (safety reference, section 2). Coins, linear contracts and holdings are so many
coins at any price. Approves nothing.
"""

from hedgebot.core import market, proof
from hedgebot.core.candidate import Candidate, Finding, finding
from hedgebot.core.exposure import depends_on_price
from hedgebot.domain.instrument import InstrumentId


def book_fresh(one: Candidate) -> Finding:
    """The book that is traded, and the main hedge's where the delta depends on its price."""
    own, main = own_book_fresh(one), one.settings.hedge_instrument
    if own.problem or one.rules.id == main or not depends_on_price(one.underlying):
        return own
    both = _fresh(one, one.rules.id, main)
    why = proof.unproven_shrinking(one) if both.problem else ""
    problem = f"{both.problem}: the delta is valued at it, and {why}" if why else ""
    return Finding(check=both.check, problem=problem)


def own_book_fresh(one: Candidate) -> Finding:
    """The book that is traded."""
    return _fresh(one, one.rules.id)


def mark_fresh(one: Candidate) -> Finding:
    """The mark price of what is traded."""
    age_ms = market.mark_age_ms(one.state, one.rules.id, one.at_ns)
    limit_ms = one.state.limits.mark_age_ms_max
    problem = "" if age_ms <= limit_ms else f"the mark price of {one.rules.id} is {age_ms} ms old"
    return finding("mark_age_ms", age_ms, limit_ms, problem)


def _fresh(one: Candidate, *books: InstrumentId) -> Finding:
    age_ms, oldest = max((market.book_age_ms(one.state, name, one.at_ns), name) for name in books)
    limit_ms = one.state.limits.book_age_ms_max
    problem = "" if age_ms <= limit_ms else f"the book of {oldest} is {age_ms} ms old"
    return finding("book_age_ms", age_ms, limit_ms, problem or one.quote.book_problem)
