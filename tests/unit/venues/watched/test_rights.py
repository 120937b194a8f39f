"""What a key may do beside reading, in each venue's words."""

import pytest

from hedgebot.venues.reading import FrameProblem
from hedgebot.venues.watched.rights import Rights, binance, deribit, okx


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("account:read trade:read wallet:none mainaccount", Rights((), ())),
        ("account:read trade:read_write wallet:read_write", Rights((), ("trade:read_write", "wallet:read_write"))),
        ("connection trade:none wallet:read", Rights(("account:read", "trade:read"), ())),
    ],
)
def test_deribit(scope: str, found: Rights) -> None:
    assert deribit(scope.split()) == found


@pytest.mark.parametrize(
    ("perm", "found"),
    [
        ("read_only", Rights((), ())),
        ("read_only,withdraw,trade", Rights((), ("trade", "withdraw"))),
        ("trade", Rights(("read_only",), ("trade",))),
    ],
)
def test_okx(perm: str, found: Rights) -> None:
    assert okx(({"perm": perm},)) == found


def test_okx_that_says_nothing_is_a_problem() -> None:
    with pytest.raises(FrameProblem, match="configuration is empty"):
        okx(())


def test_binance() -> None:
    assert binance({"enableReading": True, "enableWithdrawals": False}) == Rights((), ())
    found = binance({"enableReading": False, "enableWithdrawals": True, "enableFutures": True})
    assert found == Rights(("enableReading",), ("enableWithdrawals", "enableFutures"))
