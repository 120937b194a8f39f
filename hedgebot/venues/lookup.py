"""Where is this order? By its client id: open orders, recently closed ones, history, and always its executions.

Puts the fills it finds, then one OrderLookedUp. Absence is reported as absence, with the sources that answered; whether
that is proof is the engine's to judge.
"""

from collections.abc import Awaitable, Callable, Iterable

from hedgebot.domain.commands import QueryOrder
from hedgebot.domain.events import OrderLookedUp, Source
from hedgebot.domain.instrument import category_of, symbol_of
from hedgebot.domain.ports import EventSink
from hedgebot.domain.reports import OrderReport
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.normalise import Scope
from hedgebot.venues.normalise_account import execution, order
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import Raw

OPEN, RECENT, HISTORY, EXECUTIONS = "open", "recent", "history", "executions"


async def look_up(
    command: QueryOrder, scope: Scope, queries: Queries, sink: EventSink, now_ns: Callable[[], int]
) -> None:
    """Ask every source that can know the order. An order found early is not asked for again; its fills are."""
    asked_at_ns = now_ns()
    category, symbol = category_of(command.instrument), symbol_of(command.instrument)
    instrument = scope.instruments.get(command.instrument)
    named = {"orderLinkId": command.client_id}
    sources: tuple[tuple[str, Callable[[], Awaitable[tuple[Raw, ...]]]], ...] = (
        (OPEN, lambda: queries.orders(category, symbol=symbol, openOnly="0", **named)),
        (RECENT, lambda: queries.orders(category, symbol=symbol, openOnly="1", **named)),
        (HISTORY, lambda: queries.order_history(category, symbol=symbol, **named)),
    )
    searched: list[str] = []
    report: OrderReport | None = None
    complete = True
    for name, ask in sources:
        try:
            report = _reported(scope, category, command.client_id, await ask())
        except FAULTS:
            complete = False
            continue
        searched.append(name)
        if report is not None:
            # A later source could only repeat it; one that failed before cannot take it back.
            complete = True
            break
    narrow = {"baseCoin": instrument.underlying} if category == "option" and instrument is not None else {}
    try:
        rows = await queries.executions(category, **named, **narrow)
        _put_fills(scope, category, command.client_id, rows, sink)
        searched.append(EXECUTIONS)
    except FAULTS:
        complete = False
    sink.put(
        OrderLookedUp(
            account=scope.account,
            client_id=command.client_id,
            report=report,
            searched=tuple(searched),
            complete=complete,
            asked_at_ns=asked_at_ns,
        )
    )


def _reported(scope: Scope, category: str, client_id: str, rows: Iterable[Raw]) -> OrderReport | None:
    """The newest report of exactly this client id: a filter that the venue ignored must not find another order."""
    reports = [order(scope, category, row) for row in rows if row.get("orderLinkId") == client_id]
    return max(reports, key=lambda report: report.venue_at_ns, default=None)


def _put_fills(scope: Scope, category: str, client_id: str, rows: Iterable[Raw], sink: EventSink) -> None:
    found = []
    for row in rows:
        if row.get("orderLinkId") != client_id:
            continue
        fact = execution(scope, category, row, Source.QUERY)
        if fact is not None:
            found.append(fact)
    for fact in sorted(found, key=lambda fact: (fact.venue_at_ns, fact.trade_id)):
        sink.put(fact)
