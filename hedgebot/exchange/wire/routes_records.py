"""What the signed paths about closed positions answer: closed profit, closed options, deliveries, settlements.

Source: docs/v5/position/{close-pnl, close-position}.mdx, docs/v5/asset/{delivery, settlement}.mdx.
"""

from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.exchange.types import Listing
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.closing import Closing, closings, is_delivery
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.fields_records import closed_pnl_fields, closed_position_fields, delivery_fields
from hedgebot.exchange.wire.params import DAY_MS, DERIVATIVES, Params, page

WEEK_MS, MONTH_MS = 7 * DAY_MS, 30 * DAY_MS


def closed_pnl(api: Api, account: str, params: Params) -> Fields:
    """Profit of orders that closed contracts, newest first, within seven days."""
    category = params.category(allowed=DERIVATIVES)

    def row(closing: Closing, _listing: Listing) -> Fields:
        return closed_pnl_fields(closing, api.exchange.leverage(account, closing.instrument.id))

    found = _found(api, account, params, category, WEEK_MS)
    return _page([row(*pair) for pair in found], params, category, 50, 100)


def closed_positions(api: Api, account: str, params: Params) -> Fields:
    """Options whose position ended, newest first, within a day."""
    category = params.category(allowed=("option",))
    found = _found(api, account, params, category, DAY_MS)
    return _page([closed_position_fields(*pair) for pair in found if pair[0].is_flat_after], params, category, 50, 100)


def delivery_record(api: Api, account: str, params: Params) -> Fields:
    """Deliveries of futures and options, newest first, within thirty days."""
    category = params.category(allowed=(*DERIVATIVES, "option"))
    expiry = params.text("expDate").upper()

    def wanted(closing: Closing) -> bool:
        return is_delivery(closing) and (not expiry or expiry in closing.instrument.symbol.split("-"))

    found = _found(api, account, params, category, MONTH_MS)
    return _page([delivery_fields(*pair) for pair in found if wanted(pair[0])], params, category, 20, 50)


def settlement_record(api: Api, _account: str, params: Params) -> Fields:
    """Sessions' settlements of USDC contracts: there are no sessions here, profit is realised when it is closed."""
    category = params.category(allowed=("linear",))
    params.window_ns(api.venue_ms, MONTH_MS)
    return _page([], params, category, 20, 50)


def _found(api: Api, account: str, params: Params, category: str, window_ms: int) -> list[tuple[Closing, Listing]]:
    """What was closed in a category within the asked window, newest first."""
    since_ns, until_ns = params.window_ns(api.venue_ms, window_ms)
    symbol = params.text("symbol")
    if symbol:
        instrument_of(api, category, symbol)
    found: list[tuple[Closing, Listing]] = []
    for closing in reversed(all_closings(api, account)):
        one = closing.instrument
        listing = api.exchange.listing(one.id)
        in_window = since_ns <= closing.last.at_ns < until_ns
        if listing is not None and one.category == category and symbol in {"", one.symbol} and in_window:
            found.append((closing, listing))
    return found


def _page(rows: list[Fields], params: Params, category: str, default: int, largest: int) -> Fields:
    shown, cursor = page(rows, params, params.limit(default, largest))
    return {"category": category, "list": list(shown), "nextPageCursor": cursor}


def all_closings(api: Api, account: str) -> list[Closing]:
    """Everything that the account closed, as far as its executions are remembered."""
    exchange = api.exchange
    held = {(one.instrument, one.position_index.value): one.contracts for one in exchange.positions(account)}

    def listed(name: InstrumentId) -> Instrument | None:
        listing = exchange.listing(name)
        return listing.instrument if listing is not None else None

    return closings(exchange.executions(account), listed, held)
