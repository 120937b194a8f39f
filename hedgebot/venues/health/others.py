"""Paradex, Delta Exchange, Derive and dYdX: accounts as documented; no frame of theirs was recorded.

Sources: margin reference sections 3, 6.6 to 6.8 and 6.10. Paradex tells requirements; Delta liquidates when the blocked
margin is below its maintenance margin with unrealised cash flow; Derive tells *net* margin, which is negative when it
is bad; dYdX tells equity and free collateral, and maintenance margin only by the markets' fractions.
"""

from collections.abc import Mapping

from hedgebot.domain.health import AccountHealth
from hedgebot.venues.health.words import absent, less, printed_unit, told
from hedgebot.venues.reading import Raw, float_or_none

_PARADEX = ("account_value", "initial_margin_requirement", "maintenance_margin_requirement")
_DELTA = ("blocked_margin", "im_w_ucf", "mm_w_ucf")
_BY_MARKETS = "maintenance margin: it follows from the markets' fractions"


def read(frame: object) -> tuple[AccountHealth, ...] | None:
    """The account of one answer or notification."""
    if not isinstance(frame, Mapping):
        return None
    if "maintenance_margin_requirement" in frame:
        return (_paradex(frame),)
    if "mm_w_ucf" in frame:
        return (_delta(frame),)
    inner = frame.get("result")
    if isinstance(inner, Mapping) and "subaccount_value" in inner:
        return (_derive(inner),)
    inner = frame.get("subaccount")
    if isinstance(inner, Mapping) and "freeCollateral" in inner:
        return (_dydx(inner),)
    return None


def _paradex(row: Raw) -> AccountHealth:
    account = str(row.get("account", "account"))
    return told("paradex", account, "USD", row, _PARADEX)


def _delta(row: Raw) -> AccountHealth:
    account, unit = str(row.get("index_symbol", "portfolio")), str(row.get("asset_symbol", "USD"))
    return told("delta", account, unit, row, _DELTA)


def _derive(row: Raw) -> AccountHealth:
    value = float_or_none(row, "subaccount_value")
    return AccountHealth(
        venue="derive",
        account=str(row.get("subaccount_id", "subaccount")),
        unit="USD",
        equity=value,
        initial=less(value, float_or_none(row, "initial_margin")),
        maintenance=less(value, float_or_none(row, "maintenance_margin")),
        printed=printed_unit(row, "maintenance_margin", "subaccount_value"),
        missing=absent(row, "subaccount_value", "initial_margin", "maintenance_margin"),
    )


def _dydx(row: Raw) -> AccountHealth:
    equity = float_or_none(row, "equity")
    return AccountHealth(
        venue="dydx",
        account=str(row.get("subaccountNumber", "subaccount")),
        unit="USD",
        equity=equity,
        initial=less(equity, float_or_none(row, "freeCollateral")),
        printed=printed_unit(row, "equity"),
        missing=(*absent(row, "equity", "freeCollateral"), _BY_MARKETS),
    )
