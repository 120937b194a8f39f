"""Deribit: account summaries, user.portfolio and positions of user.changes. Ratios are not told: amounts are.

Sources: margin reference sections 3 and 6.1 (DER-5: margin_balance = equity - options_value in segregated_sm;
available_funds = margin_balance - initial_margin). In cross models the account is whole in USD (`total_*_usd`).
"""

from collections.abc import Mapping

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.health import AccountHealth, Holding, Relation
from hedgebot.venues.health.words import absent, less, printed_unit, relation
from hedgebot.venues.reading import Raw, as_object, as_rows, float_or_none, text

_TOTALS = ("total_margin_balance_usd", "total_initial_margin_usd", "total_maintenance_margin_usd")
_MODES = {"sm": "cross", "pm": "portfolio"}
_NO_POSITIONS = "positions: a summary has none"


def read(frame: object) -> tuple[AccountHealth, ...] | None:
    """Accounts of one answer or notification."""
    if not isinstance(frame, Mapping):
        return None
    result, params = frame.get("result"), frame.get("params")
    if isinstance(result, Mapping) and "summaries" in result:
        at_ns = int(str(frame.get("usOut", 0))) * 1_000
        return _accounts(as_rows(result["summaries"], "summaries"), at_ns)
    if not isinstance(params, Mapping):
        return None
    channel = str(params.get("channel", ""))
    if channel.startswith("user.portfolio."):
        return _accounts((as_object(params.get("data"), "data"),), 0)
    if channel.startswith("user.changes."):
        return _changes(as_object(params.get("data"), "data"))
    return None


def read_positions(frame: object) -> tuple[Holding, ...]:
    """The answer of private/get_positions; FrameProblem for anything else. Positions of size zero are left out."""
    rows = as_rows(as_object(frame, "the answer").get("result"), "positions")
    return tuple(one for one in map(_holding, rows) if one.contracts)


def owned(accounts: tuple[AccountHealth, ...]) -> dict[str, float]:
    """Coins of each currency with open profit, without what options are worth; unknown ones are left out."""
    return {one.unit: one.cash for one in accounts if one.cash is not None}


def prices(accounts: tuple[AccountHealth, ...]) -> dict[str, float]:
    """USD per coin as a cross model counts them: the whole account in USD is each currency's view times its price."""
    whole = next((one.equity for one in accounts if one.unit == "USD"), None)
    if not whole:
        return {}
    return {one.unit: whole / one.equity for one in accounts if one.unit != "USD" and one.equity}


def margin_mode(accounts: tuple[AccountHealth, ...]) -> str:
    """Standard margin is our "cross", portfolio margin "portfolio"; empty where no model is named, or several."""
    models = {one.account.split()[0].rpartition("_")[2] for one in accounts}
    return _MODES.get(models.pop(), "") if len(models) == 1 else ""


def _accounts(rows: tuple[Raw, ...], at_ns: int) -> tuple[AccountHealth, ...]:
    crossed = [row for row in rows if str(row.get("margin_model", "")).startswith("cross")]
    whole = tuple(_whole(row, at_ns) for row in crossed[:1])
    return (*whole, *(_currency(row, at_ns) for row in rows))


def _whole(row: Raw, at_ns: int) -> AccountHealth:
    return AccountHealth(
        venue="deribit",
        account=f"{row.get('margin_model')} whole",
        unit="USD",
        equity=float_or_none(row, _TOTALS[0]),
        initial=float_or_none(row, _TOTALS[1]),
        maintenance=float_or_none(row, _TOTALS[2]),
        printed=printed_unit(row, *_TOTALS),
        at_ns=at_ns,
        missing=(*absent(row, *_TOTALS), _NO_POSITIONS),
    )


def _currency(row: Raw, at_ns: int) -> AccountHealth:
    equity, initial = float_or_none(row, "margin_balance"), float_or_none(row, "initial_margin")
    unit = max(printed_unit(row, "available_funds"), printed_unit(row, "margin_balance"))
    return AccountHealth(
        venue="deribit",
        account=str(row.get("margin_model", "margin model not told")),
        unit=text(row, "currency"),
        equity=equity,
        initial=initial,
        maintenance=float_or_none(row, "maintenance_margin"),
        cash=less(float_or_none(row, "equity"), float_or_none(row, "options_value") or 0.0),
        printed=printed_unit(row, "initial_margin", "maintenance_margin"),
        at_ns=at_ns,
        relations=(
            *relation(
                "available_funds = margin_balance - initial_margin",
                float_or_none(row, "available_funds"),
                less(equity, initial),
                2.0 * unit,
            ),
            *_segregated(row, equity, unit),
            *_same_share(row, equity, initial),
        ),
        missing=(*absent(row, "margin_balance", "initial_margin", "maintenance_margin"), _NO_POSITIONS),
    )


def _segregated(row: Raw, balance: float | None, unit: float) -> tuple[Relation, ...]:
    owned, options = float_or_none(row, "equity"), float_or_none(row, "options_value")
    if row.get("margin_model") != "segregated_sm" or owned is None or options is None:
        return ()
    return relation("margin_balance = equity - options_value", balance, owned - options, 2.0 * unit)


def _same_share(row: Raw, equity: float | None, initial: float | None) -> tuple[Relation, ...]:
    """In a cross model a currency's view is the whole account's, in that currency: the same share is taken."""
    total, taken = float_or_none(row, _TOTALS[0]), float_or_none(row, _TOTALS[1])
    if not total or taken is None or not equity or initial is None:
        return ()
    off = (printed_unit(row, "initial_margin") + initial / equity * printed_unit(row, "margin_balance")) / equity
    return relation("initial_margin / margin_balance as in USD", initial / equity, taken / total, off)


def _changes(data: Raw) -> tuple[AccountHealth, ...]:
    rows, trades = as_rows(data.get("positions"), "positions"), as_rows(data.get("trades"), "trades")
    moments = [int(str(row["timestamp"])) * NS_PER_MS for row in trades if "timestamp" in row]
    coin = str(trades[0].get("fee_currency", "")) if trades else ""
    return (
        AccountHealth(
            venue="deribit",
            account="positions",
            unit=coin,
            at_ns=max(moments, default=0),
            holdings=tuple(_holding(row) for row in rows),
            missing=("equity: a change of positions has none",),
        ),
    )


def _holding(row: Raw) -> Holding:
    size, coins = float_or_none(row, "size") or 0.0, float_or_none(row, "size_currency")
    mark = float_or_none(row, "mark_price")
    worth = None if not mark else abs(size) / mark
    digits = printed_unit(row, "size_currency")
    return Holding(
        instrument=text(row, "instrument_name"),
        contracts=size,
        value=None if coins is None else abs(coins),
        mark=mark,
        entry=float_or_none(row, "average_price"),
        leverage=float_or_none(row, "leverage"),
        initial=float_or_none(row, "initial_margin"),
        maintenance=float_or_none(row, "maintenance_margin"),
        printed=printed_unit(row, "initial_margin", "maintenance_margin"),
        relations=relation("size_currency = size / mark", coins and abs(coins), worth, digits),
    )
