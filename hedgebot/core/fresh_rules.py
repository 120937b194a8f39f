"""How old the books and the mark may be that an order is judged by: what the gate asks of its prices.

An order needs a fresh book and a fresh mark of the instrument that it trades; without the mark (or an index that was
known) it goes only where it is proven to shrink a position and to lower risk. The main hedge's book is the price that
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
    """The mark price of what is traded, in a ticker that can be believed, or proven to only lower risk without it.

    A mark has no part in a delta, which is made of contracts and the book's own price; it is what a book is held to.
    So a reduction stays proven without it (safety reference, section 2: a flag on data must not stop what reduces),
    as long as there is anything to hold the book to: it must be fresh itself, and near the last mark that was good in
    this run, which the rule on their gap asks.
    """
    found, known = _mark(one)
    if not found.problem or not known:
        return found
    why = proof.unproven_shrinking(one)
    return Finding(check=found.check, problem=f"{found.problem}, and {why}" if why else "")


def closing_mark_fresh(one: Candidate) -> Finding:
    """The same for a flatten, of which the first of its rules has proven that it only shrinks what is held.

    It is the stop path (safety reference, section 13): a dead feed beside a live book does not bar it.
    """
    found, known = _mark(one)
    return Finding(check=found.check, problem="" if known else found.problem)


def index_known(one: Candidate) -> Finding:
    """An index that was known and is lost: book and mark of one venue can be wrong together, and agree.

    Nothing is opened on them, then; an instrument whose venue never gave an index is held to its mark alone.
    """
    age_ms = market.index_age_ms(one.state, one.rules.id, one.at_ns)
    limit_ms = one.state.limits.mark_age_ms_max
    why = proof.unproven_shrinking(one) if age_ms > limit_ms else ""
    told = market.known_age_ms(age_ms)
    since = "has not come since the start" if told is None else f"is {told} ms old"
    problem = f"the index of {one.rules.id} {since}, and {why}" if why else ""
    return finding("index_age_ms", age_ms, limit_ms, problem)


def _mark(one: Candidate) -> tuple[Finding, bool]:
    """What there is to say of a mark, and whether there was a good one in this run."""
    age_ms = market.mark_age_ms(one.state, one.rules.id, one.at_ns)
    limit_ms = one.state.limits.mark_age_ms_max
    known = age_ms < market.NEVER_MS
    problem = f"the mark price of {one.rules.id} {f'is {age_ms} ms old' if known else 'has not come since the start'}"
    problem = problem if age_ms > limit_ms else one.quote.ticker_problem
    return finding("mark_age_ms", age_ms, limit_ms, problem), known


def _fresh(one: Candidate, *books: InstrumentId) -> Finding:
    age_ms, oldest = max((market.book_age_ms(one.state, name, one.at_ns), name) for name in books)
    limit_ms = one.state.limits.book_age_ms_max
    problem = "" if age_ms <= limit_ms else f"the book of {oldest} is {age_ms} ms old"
    return finding("book_age_ms", age_ms, limit_ms, problem or one.quote.book_problem)
