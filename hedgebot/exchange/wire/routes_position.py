"""What the signed paths about positions answer: list, leverage, mode, margin of a position, closed profit.

Source: docs/v5/position/*.mdx.
"""

from collections.abc import Sequence

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.types import PositionIndex, RefusalReason, SimPosition
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError, bad_parameter, refusal_error
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_account import position_fields
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import DERIVATIVES, Params, page


def position_list(api: Api, account: str, params: Params) -> Fields:
    """Positions of a category. One symbol is answered even when flat; linear needs a symbol or settlement coin."""
    category = params.category(allowed=("linear", "inverse", "option"))
    symbol, base, settle = params.text("symbol"), params.text("baseCoin"), params.text("settleCoin")
    if category == "linear" and not (symbol or settle or base):
        raise bad_parameter("params error: symbol or settleCoin is required")
    if symbol:
        instrument_of(api, category, symbol)
    rows: list[Fields] = []
    for position in _positions(api, account, category, symbol):
        listing = api.exchange.listing(position.instrument)
        if listing is None or listing.instrument.category != category:
            continue
        one = listing.instrument
        if symbol in {"", one.symbol} and base in {"", one.underlying} and settle in {"", one.settle}:
            rows.append(position_fields(position, one))
    shown, cursor = page(rows, params, params.limit(20, 200))
    return {"category": category, "list": list(shown), "nextPageCursor": cursor}


def _positions(api: Api, account: str, category: str, symbol: str) -> tuple[SimPosition, ...]:
    if not symbol:
        return api.exchange.positions(account)
    instrument = instrument_of(api, category, symbol)
    return tuple(
        api.exchange.position(account, instrument, index) or _flat(api, account, instrument, index)
        for index in api.exchange.position_indices(account, instrument)
    )


def _flat(api: Api, account: str, instrument: InstrumentId, index: PositionIndex) -> SimPosition:
    """The row of an instrument that the account never held."""
    listing = api.exchange.listing(instrument)
    is_option = listing is not None and listing.instrument.kind.is_option
    if is_option:
        mark = api.exchange.option_ticker(instrument).mark
    else:
        ticker = api.exchange.ticker(instrument)
        mark = ticker.mark or ticker.last
    return SimPosition(
        account=account,
        instrument=instrument,
        position_index=index,
        contracts=ZERO,
        entry_price=None,
        mark_price=mark,
        value=ZERO,
        unrealised_pnl=ZERO,
        realised_pnl=ZERO,
        initial_margin=0.0,
        maintenance_margin=0.0,
        leverage=api.exchange.leverage(account, instrument),
        delta=None,
        gamma=None,
        vega=None,
        theta=None,
        created_at_ns=0,
        updated_at_ns=0,
        seq=0,
    )


def set_leverage(api: Api, account: str, params: Params) -> Fields:
    """Set an instrument's leverage, for both sides alike; its margin follows at once."""
    category = params.category(allowed=DERIVATIVES)
    instrument = instrument_of(api, category, params.required("symbol"))
    buy, sell = params.number("buyLeverage", "buy leverage invalid"), params.number("sellLeverage", "leverage invalid")
    if buy != sell:
        raise bad_parameter("buy leverage not equal sell leverage")
    refusal = api.exchange.set_leverage(account, instrument, buy)
    if refusal is None:
        return {}
    if refusal.reason is RefusalReason.NOT_MODIFIED:
        raise WireError(110043, "leverage not modified")
    if refusal.reason is RefusalReason.INSUFFICIENT_MARGIN:
        raise WireError(110044, "Available margin is insufficient.")
    raise refusal_error(refusal, category)


def switch_mode(api: Api, account: str, params: Params) -> Fields:
    """One-way (0) or hedge mode (3) for a symbol, or for what settles in a coin."""
    category = params.category(allowed=DERIVATIVES)
    mode, symbol, coin = params.whole("mode"), params.text("symbol"), params.text("coin")
    if mode not in {0, 3}:
        raise bad_parameter("params error: mode invalid")
    if not (symbol or coin):
        raise bad_parameter("params error: symbol or coin is required")
    chosen = instrument_of(api, category, symbol) if symbol else coin
    refusal = api.exchange.switch_position_mode(account, chosen, hedged=mode == 3)
    if refusal is None:
        return {}
    if refusal.reason is RefusalReason.NOT_MODIFIED:
        raise WireError(110025, "Position mode is not modified")
    raise refusal_error(refusal, category)


# --- margin and protection of one position --------------------------------------------------------------------------

_STOPS = ("takeProfit", "stopLoss", "trailingStop", "activePrice", "tpSize", "slSize", "tpLimitPrice", "slLimitPrice")


def _one_position(api: Api, account: str, params: Params, allowed: Sequence[str]) -> SimPosition | None:
    """The position that a request is about; None where nothing is held."""
    category = params.category(allowed=allowed)
    instrument = instrument_of(api, category, params.required("symbol"))
    index = params.whole("positionIdx", 0)
    if index not in {one.value for one in api.exchange.position_indices(account, instrument)}:
        raise bad_parameter("position idx not match position mode")
    position = api.exchange.position(account, instrument, PositionIndex(index))
    return position if position is not None and position.contracts else None


def trading_stop(api: Api, account: str, params: Params) -> Fields:
    """Take profit and stop loss of a position: there are none here, so all that can be set is what there is."""
    if params.text("tpslMode", "Full") not in {"Full", "Partial"}:
        raise bad_parameter("params error: tpslMode invalid")
    position = _one_position(api, account, params, (*DERIVATIVES, "option"))
    if position is None:
        raise bad_parameter("can not set tp/sl/ts for zero position")
    if all(params.text(name) in {"", "0"} for name in _STOPS):
        raise WireError(34040, "not modified")
    raise bad_parameter("take profit, stop loss and trailing stop are not simulated")


def confirm_mmr(api: Api, _account: str, params: Params) -> Fields:
    """Lift a reduce-only restriction after a change of risk limits: there is never one here."""
    category = params.category(allowed=DERIVATIVES)
    instrument_of(api, category, params.required("symbol"))
    raise WireError(
        110082, "You cannot lift Reduce-Only restrictions, as no Reduce-Only restrictions are applied to your position"
    )


def switch_isolated(_api: Api, _account: str, params: Params) -> Fields:
    """Margin mode by symbol was for accounts before the unified one."""
    params.category(allowed=DERIVATIVES)
    raise WireError(100028, "unified account is forbidden")
