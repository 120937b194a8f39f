"""Binance: USD-M and COIN-M accounts, margin calls, positions, and portfolio margin, whose uniMMR points the other way.

Sources: margin reference sections 3, 5 and 6.2 (BIN-7: uniMMR = equity / maintenance margin, down is bad); recorded
answers of data sets m01 and m24. The zeros of an account without positions are true zeros; a field that is missing is
unknown.
"""

from collections.abc import Mapping

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.health import AccountHealth, Holding
from hedgebot.venues.health.words import absent, inverted, printed_unit, relation, total
from hedgebot.venues.reading import Raw, as_rows, float_or_none, text

_PLACES = 1e-8


def read(frame: object) -> tuple[AccountHealth, ...] | None:
    """Accounts and positions of one answer or event."""
    if isinstance(frame, list):
        return _lists([row for row in frame if isinstance(row, Mapping)])
    if not isinstance(frame, Mapping):
        return None
    if isinstance(frame.get("result"), list | Mapping) and frame.get("status") is not None:
        return read(frame["result"])
    if "uniMMR" in frame:
        return (_portfolio(frame),)
    if "totalMaintMargin" in frame:
        return (_linear(frame),)
    if "assets" in frame and "positions" in frame:
        return _inverse(frame)
    if frame.get("e") == "MARGIN_CALL":
        return (_margin_call(frame),)
    if frame.get("e") == "ACCOUNT_UPDATE":
        return (_silent("account update", "margins: the event has none"),)
    if "positionAmt" in frame and "markPrice" in frame:
        return _lists([frame])
    return None


def _silent(account: str, *missing: str, holdings: tuple[Holding, ...] = ()) -> AccountHealth:
    return AccountHealth(venue="binance", account=account, unit="USDT", holdings=holdings, missing=missing)


def _lists(rows: list[Raw]) -> tuple[AccountHealth, ...] | None:
    if rows and all("positionAmt" in row and "markPrice" in row for row in rows):
        held = tuple(_risk(row) for row in rows if float_or_none(row, "positionAmt"))
        return (_silent("positions", "wallet balance and margins: position risk has none", holdings=held),)
    if rows and all("crossWalletBalance" in row for row in rows):
        return (_silent("balances", "margins: a list of balances has none"),)
    return None


def _linear(frame: Raw) -> AccountHealth:
    equity = float_or_none(frame, "totalMarginBalance")
    parts = total(float_or_none(frame, "totalWalletBalance"), float_or_none(frame, "totalUnrealizedProfit"))
    rows = as_rows(frame.get("positions"), "positions")
    holdings = tuple(_position(row) for row in rows if float_or_none(row, "positionAmt"))
    initial, maintenance = float_or_none(frame, "totalInitialMargin"), float_or_none(frame, "totalMaintMargin")
    both = total(*(float_or_none(frame, f"total{one}InitialMargin") for one in ("OpenOrder", "Position")))
    return AccountHealth(
        venue="binance",
        account="USD-M",
        unit="USD" if str(frame.get("multiAssetsMargin")) == "True" else "USDT",
        equity=equity,
        initial=initial,
        maintenance=maintenance,
        printed=_PLACES,
        relations=(
            *relation("totalMarginBalance = wallet + profit", equity, parts, 2.0 * _PLACES),
            *relation("totalInitialMargin = positions + orders", initial, both, 2.0 * _PLACES),
        ),
        holdings=holdings,
        complete=True,
        missing=absent(frame, "totalMarginBalance", "totalInitialMargin", "totalMaintMargin"),
    )


def _inverse(frame: Raw) -> tuple[AccountHealth, ...]:
    """One account for each coin that is used; where none is, the first, whose zeros say so."""
    rows = as_rows(frame["assets"], "assets")
    held = tuple(
        _position(row) for row in as_rows(frame["positions"], "positions") if float_or_none(row, "positionAmt")
    )
    used = [row for row in rows if any(float_or_none(row, one) for one in ("marginBalance", "maintMargin"))] or list(
        rows[:1]
    )
    found = []
    for row in used:
        coin = text(row, "asset")
        parts = total(float_or_none(row, "walletBalance"), float_or_none(row, "unrealizedProfit"))
        balance = float_or_none(row, "marginBalance")
        found.append(
            AccountHealth(
                venue="binance",
                account=f"COIN-M {coin}",
                unit=coin,
                equity=balance,
                initial=float_or_none(row, "initialMargin"),
                maintenance=float_or_none(row, "maintMargin"),
                printed=_PLACES,
                relations=relation("marginBalance = wallet + profit", balance, parts, 2.0 * _PLACES),
                holdings=tuple(one for one in held if one.instrument.startswith(f"{coin}USD")),
                complete=True,
                missing=absent(row, "marginBalance", "initialMargin", "maintMargin"),
            )
        )
    return tuple(found)


def _position(row: Raw) -> Holding:
    contracts, value = float_or_none(row, "positionAmt") or 0.0, float_or_none(row, "notional")
    return Holding(
        instrument=text(row, "symbol"),
        contracts=contracts,
        value=None if value is None else abs(value),
        entry=float_or_none(row, "entryPrice"),
        leverage=float_or_none(row, "leverage"),
        initial=float_or_none(row, "positionInitialMargin"),
        maintenance=float_or_none(row, "maintMargin"),
        profit=float_or_none(row, "unrealizedProfit"),
        isolated=row.get("isolated") is True,
        printed=_PLACES,
    )


def _risk(row: Raw) -> Holding:
    """Position risk tells no margins; profit by entry and mark is the check that it allows."""
    contracts, entry, mark = (
        float_or_none(row, "positionAmt") or 0.0,
        float_or_none(row, "entryPrice"),
        float_or_none(row, "markPrice"),
    )
    stated, is_inverse = float_or_none(row, "unRealizedProfit"), "notionalValue" in row
    profit = contracts * (mark - entry) if mark is not None and entry and not is_inverse else None
    return Holding(
        instrument=text(row, "symbol"),
        contracts=contracts,
        value=abs(contracts) * mark if mark is not None and not is_inverse else None,
        mark=mark,
        entry=entry,
        leverage=float_or_none(row, "leverage"),
        profit=stated,
        isolated=row.get("marginType") == "isolated",
        printed=_PLACES,
        relations=relation("profit = size (mark - entry)", stated, profit, abs(contracts) * _PLACES + _PLACES),
        missing=("initial and maintenance margin are not told",),
    )


def _margin_call(frame: Raw) -> AccountHealth:
    rows = as_rows(frame.get("p"), "p")
    holdings = tuple(_called(row) for row in rows)
    crossed = [one for one in holdings if not one.isolated]
    wallet, profit = float_or_none(frame, "cw"), total(*(one.profit for one in crossed))
    at_ms = frame.get("E")
    return AccountHealth(
        venue="binance",
        account="USD-M margin call",
        unit="USDT",
        equity=total(wallet, profit),
        maintenance=total(*(one.maintenance for one in crossed)),
        printed=1e-6,
        at_ns=at_ms * NS_PER_MS if isinstance(at_ms, int) else 0,
        holdings=holdings,
        missing=(
            "initial margin: a margin call has none",
            *(() if profit is not None else ("equity: the profit of a position is not told",)),
        ),
    )


def _called(row: Raw) -> Holding:
    contracts, mark = float_or_none(row, "pa") or 0.0, float_or_none(row, "mp")
    return Holding(
        instrument=text(row, "s"),
        contracts=-abs(contracts) if row.get("ps") == "SHORT" else contracts,
        value=None if mark is None else abs(contracts) * mark,
        mark=mark,
        maintenance=float_or_none(row, "mm"),
        profit=float_or_none(row, "up"),
        isolated=row.get("mt") == "ISOLATED",
        printed=printed_unit(row, "mm"),
    )


def _portfolio(frame: Raw) -> AccountHealth:
    """Portfolio margin: what the venue states is equity / maintenance margin."""
    equity, maintenance = float_or_none(frame, "accountEquity"), float_or_none(frame, "accountMaintMargin")
    ratio = float_or_none(frame, "uniMMR")
    ours = equity / maintenance if equity is not None and maintenance else None
    return AccountHealth(
        venue="binance",
        account="portfolio margin",
        unit="USD",
        equity=equity,
        initial=float_or_none(frame, "accountInitialMargin"),
        maintenance=maintenance,
        stated_use=inverted(ratio),
        printed=_PLACES,
        relations=relation("uniMMR = equity / margin (down is bad)", ratio, ours, printed_unit(frame, "uniMMR")),
        missing=(*absent(frame, "accountEquity", "accountMaintMargin", "uniMMR"), "positions: the account has none"),
    )
