"""OKX v5: account, positions, balance_and_position; the value of a position is its notionalUsd.

Its mgnRatio is equity over margin: down is bad, and no percent.

Sources: margin reference sections 3 and 6.4 (OKX-3: mgnRatio = adjEq / (mmr + liquidation fee)); recorded frames of
data sets m01 and m24. In the modes without account-wide margin adjEq, imr and mmr are empty: unknown.
"""

from collections.abc import Iterable, Mapping

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.health import AccountHealth, Holding
from hedgebot.venues.health.words import absent, inverted, printed_unit, total
from hedgebot.venues.reading import Raw, as_object, as_rows, float_or_none, number_or_none, text


def read(frame: object) -> tuple[AccountHealth, ...] | None:
    """Accounts and positions of one frame."""
    if not isinstance(frame, Mapping) or not isinstance(frame.get("data"), list) or "topic" in frame:
        return None
    rows = [row for row in frame["data"] if isinstance(row, Mapping)]
    argument = frame.get("arg")
    account = str(argument.get("uid", "")) if isinstance(argument, Mapping) else ""
    if rows and all("totalEq" in row and "details" in row for row in rows):
        return tuple(_account(row, account) for row in rows)
    if rows and all("mgnMode" in row and "mmr" in row for row in rows):
        return tuple(_positions(account, coin, mode, rows) for coin, mode in _pockets(rows))
    if rows and all("balData" in row for row in rows):
        return tuple(_cash(row, account, balance) for row in rows for balance in as_rows(row["balData"], "balData"))
    return None


def _account(row: Raw, account: str) -> AccountHealth:
    return AccountHealth(
        venue="okx",
        account=account or "account",
        unit="USD",
        equity=float_or_none(row, "adjEq"),
        initial=float_or_none(row, "imr"),
        maintenance=float_or_none(row, "mmr"),
        stated_use=inverted(float_or_none(row, "mgnRatio")),
        at_ns=_ns(row, "uTime"),
        missing=absent(row, "adjEq", "imr", "mmr", "mgnRatio"),
    )


def currencies(frame: object) -> tuple[AccountHealth, ...]:
    """The coins of an account whose margin is kept coin by coin (single-currency margin), each for itself.

    FrameProblem for anything but the answer of account/balance; a coin with neither equity nor margin is left out.
    """
    rows = as_rows(as_object(frame, "the answer").get("data"), "data")
    details = [one for row in rows for one in as_rows(row.get("details"), "details")]
    used = [one for one in details if any(float_or_none(one, field) for field in ("eq", "imr", "mmr"))]
    return tuple(
        AccountHealth(
            venue="okx",
            account="coin",
            unit=text(one, "ccy"),
            equity=float_or_none(one, "eq"),
            initial=float_or_none(one, "imr"),
            maintenance=float_or_none(one, "mmr"),
            stated_use=inverted(float_or_none(one, "mgnRatio")),
            at_ns=_ns(one, "uTime"),
            missing=absent(one, "eq", "imr", "mmr"),
        )
        for one in used
    )


def owned(frame: object) -> tuple[dict[str, float], dict[str, float]]:
    """Coins of each currency with open profit, and USD per coin as the venue counts it, of account/balance."""
    coins: dict[str, float] = {}
    prices: dict[str, float] = {}
    for row in as_rows(as_object(frame, "the answer").get("data"), "data"):
        for one in as_rows(row.get("details"), "details"):
            equity, usd = float_or_none(one, "eq"), float_or_none(one, "eqUsd")
            if equity is None:
                continue
            coins[text(one, "ccy")] = equity
            if equity and usd is not None:
                prices[text(one, "ccy")] = usd / equity
    return coins, prices


def _pockets(rows: Iterable[Raw]) -> list[tuple[str, str]]:
    """Pairs of margin coin and mode, isolated positions each for themselves."""
    return list(dict.fromkeys((text(row, "ccy"), _mode(row)) for row in rows))


def _mode(row: Raw) -> str:
    return "cross" if row["mgnMode"] == "cross" else f"isolated {row.get('posId')}"


def _positions(account: str, coin: str, mode: str, rows: Iterable[Raw]) -> AccountHealth:
    mine = [row for row in rows if row.get("ccy") == coin and _mode(row) == mode]
    holdings = tuple(_holding(row) for row in mine)
    first, isolated = mine[0], mode != "cross"
    equity = total(float_or_none(first, "margin"), *(one.profit for one in holdings)) if isolated else None
    missing = () if equity is not None else ("equity: margin or profit of the position is not told",)
    return AccountHealth(
        venue="okx",
        account=account or mode,
        unit=coin,
        equity=equity,
        initial=total(*(one.initial for one in holdings)),
        maintenance=total(*(one.maintenance for one in holdings)),
        stated_use=inverted(float_or_none(first, "mgnRatio")),
        at_ns=_ns(first, "uTime"),
        holdings=holdings,
        missing=missing if isolated else ("equity: a position frame has none",),
    )


def _holding(row: Raw) -> Holding:
    contracts = float_or_none(row, "pos") or 0.0
    if row.get("posSide") == "short":
        contracts = -abs(contracts)
    isolated = row["mgnMode"] != "cross"
    return Holding(
        instrument=text(row, "instId"),
        contracts=contracts,
        value=float_or_none(row, "notionalUsd"),
        mark=float_or_none(row, "markPx"),
        entry=float_or_none(row, "avgPx"),
        leverage=float_or_none(row, "lever"),
        initial=float_or_none(row, "margin" if isolated else "imr"),
        maintenance=float_or_none(row, "mmr"),
        profit=float_or_none(row, "upl"),
        isolated=isolated,
        printed=printed_unit(row, "mmr", "imr"),
    )


def _cash(row: Raw, account: str, balance: Raw) -> AccountHealth:
    return AccountHealth(
        venue="okx",
        account=account or "account",
        unit=text(balance, "ccy"),
        cash=float_or_none(balance, "cashBal"),
        at_ns=_ns(as_object(row, "row"), "pTime"),
        missing=("margin: a balance frame has none",),
    )


def _ns(row: Raw, field: str) -> int:
    value = number_or_none(row, field)
    return 0 if value is None else int(value) * NS_PER_MS
