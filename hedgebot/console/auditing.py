"""The cash audit in words and as data. Decides only what counts as good; the arithmetic is the journal's."""

from typing import Any

import msgspec

from hedgebot.console.output import plain, table
from hedgebot.console.words import clock
from hedgebot.domain.decimals import plain as digits
from hedgebot.journal.audit import AccountAudit, CoinAudit


def holds(one: AccountAudit) -> bool:
    """Whether every coin was compared and is equal now, and nothing stayed unbooked."""
    return one.compared_at_ns is not None and not one.problems and all(coin.equal for coin in one.coins)


def account_data(one: AccountAudit) -> dict[str, Any]:
    """The audit of one account for programs; `closing` is the book's word, `venue` the venue's."""
    return {
        "account": one.account,
        "opened_at_ns": one.opened_at_ns,
        "compared_at_ns": one.compared_at_ns,
        "snapshots": one.snapshots,
        "executions": one.executions,
        "differs_since_ns": one.differs_since_ns,
        "problems": one.problems,
        "notes": one.notes,
        "coins": [
            msgspec.to_builtins(coin.cash, builtin_types=())
            | {"closing": coin.cash.closing, "venue": coin.venue, "difference": coin.difference, "equal": coin.equal}
            for coin in one.coins
        ],
    }


def account_lines(one: AccountAudit) -> list[str]:
    """The audit of one account for people: what made each coin's balance, beside the venue's."""
    lines = [_head(one)]
    if one.coins:
        moved = any(coin.cash.moved for coin in one.coins)
        named = ("moved", "= book") if moved else ("= book",)
        head = ("coin", "opening", "spot", "premiums", "profit", "fees", "funding", *named, "venue", "")
        lines += [f"  {line}" for line in table([head, *(_row(coin, moved=moved) for coin in one.coins)])]
    lines += [f"  problem: {plain(problem)}" for problem in one.problems]
    lines += [f"  note: {plain(note)}" for note in one.notes]
    return lines


def _head(one: AccountAudit) -> str:
    if one.opened_at_ns is None or one.compared_at_ns is None:
        return f"{one.account}: not compared, {one.executions} executions"
    wrong = sum(not coin.equal for coin in one.coins)
    verdict = f"{wrong} of {len(one.coins)} coins differ" if wrong else f"{len(one.coins)} coins equal"
    if one.differs_since_ns is not None:
        verdict += f", since {clock(one.differs_since_ns)} UTC"
    return (
        f"{one.account}: {verdict}; from {clock(one.opened_at_ns)} to {clock(one.compared_at_ns)} UTC, "
        f"{one.executions} executions, {one.snapshots} wallet snapshots compared"
    )


def _row(coin: CoinAudit, *, moved: bool) -> tuple[str, ...]:
    cash = coin.cash
    flows = [cash.opening, cash.spot, cash.premiums, cash.profit, -cash.fees, -cash.funding]
    flows += [*([cash.moved] if moved else []), cash.closing, coin.venue]
    if not coin.equal:
        verdict = f"DIFFERS by {digits(coin.difference)}"
    elif coin.difference:
        verdict = f"equal within {digits(cash.rounding)}, the rounding of the opening entry prices"
    else:
        verdict = "equal"
    return (cash.coin, *(digits(flow) for flow in flows), verdict)
