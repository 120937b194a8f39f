from decimal import Decimal

import msgspec

from hedgebot.console.auditing import account_data, account_lines, holds
from hedgebot.journal.audit import AccountAudit, CoinAudit
from hedgebot.journal.cashbook import CoinCash

ZERO = Decimal(0)
HOUR_NS = 3_600 * 10**9


def coin(name: str, venue: str, rounding: str = "0") -> CoinAudit:
    cash = CoinCash(
        coin=name,
        opening=Decimal(1000),
        spot=Decimal("-100.50"),
        premiums=ZERO,
        profit=Decimal(3),
        fees=Decimal("1.5"),
        funding=Decimal(-1),
        rounding=Decimal(rounding),
    )
    return CoinAudit(cash=cash, venue=Decimal(venue))


def audited(*coins: CoinAudit, problems: tuple[str, ...] = (), since_ns: int | None = None) -> AccountAudit:
    return AccountAudit(
        account="main",
        opened_at_ns=HOUR_NS,
        compared_at_ns=2 * HOUR_NS,
        snapshots=4,
        differs_since_ns=since_ns,
        executions=7,
        coins=coins,
        now=tuple(one.cash for one in coins),
        funding_ids=frozenset(),
        problems=problems,
        notes=(),
    )


def test_equal_coins_show_what_made_their_balance() -> None:
    one = audited(coin("USDT", "902.0"))
    assert holds(one)
    assert account_lines(one) == [
        "main: 1 coins equal; from 01:00:00 to 02:00:00 UTC, 7 executions, 4 wallet snapshots compared",
        "  coin  opening  spot    premiums  profit  fees  funding  = book  venue",
        "  USDT  1000     -100.5  0         3       -1.5  1        902     902    equal",
    ]
    assert account_data(one)["coins"][0]["closing"] == 902


def test_a_difference_is_named_and_since_when() -> None:
    one = audited(coin("USDC", "902"), coin("USDT", "900"), since_ns=HOUR_NS + 60 * 10**9)
    assert not holds(one)
    lines = account_lines(one)
    assert lines[0].startswith("main: 1 of 2 coins differ, since 01:01:00 UTC; ")
    assert lines[-1].endswith("DIFFERS by -2")


def test_what_the_venue_rounded_is_no_difference_and_is_told() -> None:
    one = audited(coin("USDT", "902.00000001", rounding="0.00000003"))
    assert holds(one)
    assert account_lines(one)[-1].endswith("equal within 0.00000003, the rounding of the opening entry prices")


def test_nothing_compared_or_not_booked_is_not_good() -> None:
    assert not holds(audited(coin("USDT", "902"), problems=("execution t is strange\x1b",)))
    assert account_lines(audited(problems=("strange\x1b",)))[-1] == "  problem: strange\\x1b"


def test_what_was_moved_has_its_own_column() -> None:
    cash = msgspec.structs.replace(coin("USDT", "902").cash, moved=Decimal(500))
    one = audited(CoinAudit(cash=cash, venue=Decimal(1402)))
    assert holds(one)
    assert account_lines(one)[1:] == [
        "  coin  opening  spot    premiums  profit  fees  funding  moved  = book  venue",
        "  USDT  1000     -100.5  0         3       -1.5  1        500    1402    1402   equal",
    ]
    assert account_data(one)["coins"][0]["moved"] == "500"
