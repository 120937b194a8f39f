import pytest

from hedgebot.venues.health.okx import currencies, owned, read

ACCOUNT = {"adjEq": "1000", "imr": "40", "mmr": "20", "mgnRatio": "40", "totalEq": "1010", "details": []}


def test_mgn_ratio_points_down_and_counts_a_fee() -> None:
    (account,) = read({"arg": {"channel": "account", "uid": "7"}, "data": [ACCOUNT]}) or ()
    assert account.stated_use == 0.025
    assert account.use == 0.025  # more than 20 / 1,000: the venue counts a liquidation fee
    assert account.initial_use == 0.04


def test_a_falling_ratio_is_a_rising_use() -> None:
    uses = []
    for ratio in ("40", "4", "1.01", "0.9"):
        (account,) = read({"code": "0", "data": [ACCOUNT | {"mgnRatio": ratio}]}) or ()
        uses.append(account.use or 0.0)
    assert uses == sorted(uses)
    assert uses[-1] > 1.0


def test_a_mode_without_account_margin_is_unknown_never_zero() -> None:
    empty = ACCOUNT | {"adjEq": "", "imr": "", "mmr": "", "mgnRatio": ""}
    (account,) = read({"code": "0", "data": [empty]}) or ()
    assert (account.use, account.equity, account.maintenance) == (None, None, None)
    assert account.missing == ("adjEq is empty", "imr is empty", "mmr is empty", "mgnRatio is empty")


def position(**changed: str) -> dict[str, str]:
    row = {"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "posSide": "net", "pos": "-3", "ccy": "USDT", "lever": "10"}
    row |= {
        "markPx": "50000",
        "notionalUsd": "1500",
        "imr": "150",
        "mmr": "6",
        "upl": "-4",
        "mgnRatio": "40",
        "margin": "",
    }
    return row | changed


def test_positions_of_one_coin_and_mode_stand_together() -> None:
    rows = [position(), position(instId="ETH-USDT-SWAP"), position(mgnMode="isolated", margin="30", posId="9")]
    crossed, alone = read({"arg": {"channel": "positions", "uid": "7"}, "data": rows}) or ()
    assert (crossed.account, crossed.unit, len(crossed.holdings), crossed.maintenance) == ("7", "USDT", 2, 12.0)
    assert crossed.equity is None
    assert crossed.use == 0.025
    assert (alone.equity, alone.initial, alone.maintenance) == (26.0, 30.0, 6.0)
    assert crossed.holdings[0].contracts == -3.0


def test_an_isolated_position_without_its_profit_has_no_equity() -> None:
    rows = [position(mgnMode="isolated", margin="30", posId="9", upl="")]
    (alone,) = read({"arg": {"channel": "positions", "uid": "7"}, "data": rows}) or ()
    assert alone.equity is None
    assert "equity: margin or profit of the position is not told" in alone.missing


def test_a_hedge_mode_short_is_negative() -> None:
    (account,) = read({"code": "0", "data": [position(posSide="short", pos="3")]}) or ()
    assert account.holdings[0].contracts == -3.0


def test_one_position_without_margin_makes_the_sum_unknown() -> None:
    (account,) = read({"code": "0", "data": [position(), position(mmr="")]}) or ()
    assert account.maintenance is None


def test_balances_know_cash_and_no_margin() -> None:
    rows = [{"balData": [{"ccy": "USDT", "cashBal": "200.5"}], "posData": [], "pTime": "1700000000000"}]
    (account,) = read({"arg": {"channel": "balance_and_position", "uid": "7"}, "data": rows}) or ()
    assert (account.cash, account.use) == (200.5, None)


@pytest.mark.parametrize(
    "frame", [{"data": []}, {"topic": "wallet", "data": [ACCOUNT]}, {"data": [{"instId": "x"}]}, []]
)
def test_other_frames_are_not_ours(frame: object) -> None:
    assert read(frame) is None


def test_coins_of_an_account_without_shared_margin() -> None:
    used = {"ccy": "BTC", "eq": "2", "eqUsd": "200000", "imr": "0.2", "mmr": "0.1", "mgnRatio": "20", "uTime": "1"}
    idle = {"ccy": "ETH", "eq": "0", "eqUsd": "0", "imr": "", "mmr": "", "mgnRatio": "", "uTime": "1"}
    answer = {"data": [{"details": [used, idle]}]}
    (coin,) = currencies(answer)
    assert (coin.unit, coin.use, coin.stated_use) == ("BTC", 0.05, 0.05)
    assert owned(answer) == ({"BTC": 2.0, "ETH": 0.0}, {"BTC": 100_000.0})
    (silent,) = currencies({"data": [{"details": [used | {"mmr": "", "mgnRatio": ""}]}]})
    assert silent.use is None, "an empty field is unknown, never zero"
