"""Bybit v5: wallet and positions of a unified account. accountMMRate is maintenance / equity as it is, cut to 4 digits.

Sources: [D] account/wallet-balance, position/position, websocket/private/{wallet, position}; help page "Key Terms and
Formulas in Unified Trading Account" (available = margin balance - haircut - initial margin; position margins hold the
fee to close); margin reference sections 3 and 6.3. The live adapter's rows are `normalise_account.py`'s: the same
amounts without the checks. Empty fields, as in portfolio margin, are unknown.
"""

from collections.abc import Mapping

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.health import AccountHealth, Holding, Relation
from hedgebot.venues.health.words import absent, printed_unit, relation
from hedgebot.venues.reading import Raw, as_rows, float_or_none, number_or_none, text

RATE_DIGITS = 1e-4
_RETIRED = "no positionIMByMp: the frame is older than the venue's present calculation of position margins"


def read(frame: object) -> tuple[AccountHealth, ...] | None:
    """Wallets and positions of one frame or answer, or one bare row of positions."""
    if not isinstance(frame, Mapping):
        return None
    rows, at_ns = _rows(frame)
    if rows and all("totalMaintenanceMargin" in row for row in rows):
        return tuple(_wallet(row, at_ns) for row in rows)
    if rows and all("positionMM" in row and "positionValue" in row for row in rows):
        return (_positions(rows, at_ns),)
    return None


def _rows(frame: Raw) -> tuple[list[Raw], int]:
    result = frame.get("result")
    moment = str(frame.get("creationTime") or frame.get("time") or frame.get("updatedTime"))
    rows = frame.get("data") if "topic" in frame else result.get("list") if isinstance(result, Mapping) else [frame]
    found = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return found, int(moment) * NS_PER_MS if moment.isdigit() else 0


def _wallet(row: Raw, at_ns: int) -> AccountHealth:
    balance, equity = float_or_none(row, "totalMarginBalance"), float_or_none(row, "totalEquity")
    initial, maintenance = float_or_none(row, "totalInitialMargin"), float_or_none(row, "totalMaintenanceMargin")
    known = [one for one in (balance, equity) if one is not None]
    unit = printed_unit(row, "totalMarginBalance", "totalInitialMargin", "totalMaintenanceMargin")
    return AccountHealth(
        venue="bybit",
        account=str(row.get("accountType", "UNIFIED")),
        unit="USD",
        # Cross margin holds margins against the margin balance, portfolio margin against the equity: the smaller one
        # never shows less use than the venue does.
        equity=min(known, default=None),
        initial=initial,
        maintenance=maintenance,
        stated_use=float_or_none(row, "accountMMRate"),
        printed=unit,
        at_ns=at_ns,
        relations=(
            *_rate("accountIMRate", float_or_none(row, "accountIMRate"), initial, known),
            *_rate("accountMMRate", float_or_none(row, "accountMMRate"), maintenance, known),
            *_available(row, balance, initial, unit),
            *_coins(row, maintenance, unit),
        ),
        missing=absent(row, "totalMarginBalance", "totalInitialMargin", "totalMaintenanceMargin"),
    )


def _rate(name: str, stated: float | None, margin: float | None, balances: list[float]) -> tuple[Relation, ...]:
    """Over the margin balance (cross) or the equity (portfolio): a frame does not tell the mode, so the nearer one."""
    if margin is None or stated is None or not all(balances):
        return ()
    shares = [margin / one for one in balances]
    nearest = min(shares, key=lambda share: abs(share - stated), default=None)
    return relation(f"{name} = margin / balance", stated, nearest, RATE_DIGITS)


def _available(row: Raw, balance: float | None, initial: float | None, unit: float) -> tuple[Relation, ...]:
    left = None if balance is None or initial is None else max(balance - initial, 0.0)
    off = 3.0 * max(unit, printed_unit(row, "totalAvailableBalance"))
    return relation(
        "available = margin balance - initial margin", float_or_none(row, "totalAvailableBalance"), left, off
    )


def _coins(row: Raw, maintenance: float | None, unit: float) -> tuple[Relation, ...]:
    """The account's maintenance margin by its coins, where all of them are priced and no order adds to it."""
    total, off = 0.0, unit
    for coin in as_rows(row.get("coin"), "coin"):
        held, ordered = float_or_none(coin, "totalPositionMM"), float_or_none(coin, "totalOrderIM")
        if held is None or ordered is None or ordered > 0.0:
            return ()
        if held > 0.0:
            equity, value = float_or_none(coin, "equity"), float_or_none(coin, "usdValue")
            if not equity or not value:
                return ()
            total += held * value / equity
            off += printed_unit(coin, "totalPositionMM") * value / equity
    # Orders and debts have maintenance margin too and stand in no coin's row: none at all says nothing.
    return relation("maintenance margin = sum over coins", maintenance, total, off) if total else ()


def _positions(rows: list[Raw], at_ns: int) -> AccountHealth:
    holdings = tuple(_holding(row) for row in rows if (float_or_none(row, "size") or 0.0) != 0.0)
    return AccountHealth(
        venue="bybit",
        account="positions",
        unit="USDT",
        at_ns=at_ns,
        holdings=holdings,
        missing=("equity: a position frame has none",),
    )


def _same_margin(row: Raw) -> tuple[Relation, ...]:
    """PositionBalance is another word for positionIM ([D] position/position), where it is not zero."""
    other = float_or_none(row, "positionBalance")
    if not other or "positionIMByMp" not in row:
        return ()
    return relation(
        "positionIM = positionBalance", float_or_none(row, "positionIM"), other, printed_unit(row, "positionIM")
    )


def _holding(row: Raw) -> Holding:
    size = float_or_none(row, "size") or 0.0
    entry = float_or_none(row, "entryPrice" if "entryPrice" in row else "avgPrice")
    ticks = printed_unit(row, "entryPrice", "avgPrice")
    mark, value, limit = (
        float_or_none(row, "markPrice"),
        float_or_none(row, "positionValue"),
        float_or_none(row, "riskLimitValue"),
    )
    worth = None if entry is None else size * entry
    over = value is not None and limit is not None and 0.0 < limit < value
    return Holding(
        instrument=text(row, "symbol"),
        contracts=size if row.get("side") == "Buy" else -size,
        value=None if mark is None else size * mark,
        mark=mark,
        entry=entry,
        leverage=float_or_none(row, "leverage"),
        initial=float_or_none(row, "positionIM"),
        maintenance=float_or_none(row, "positionMM"),
        profit=float_or_none(row, "unrealisedPnl"),
        isolated=number_or_none(row, "tradeMode") == 1,
        printed=printed_unit(row, "positionMM", "positionIM"),
        relations=(
            *relation("positionValue = size x entry", value, worth, printed_unit(row, "positionValue") + size * ticks),
            *(relation("positionValue within riskLimitValue", value, limit, 0.0) if over else ()),
            *_same_margin(row),
        ),
        missing=() if "positionIMByMp" in row else (_RETIRED,),
    )
