"""The classification of every code that the venue reference lists, written out again."""

import re

import pytest

from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.profile import Channel, Verdict, classify

TABLE = {
    Verdict.UNKNOWN: "10000 10016",
    Verdict.THROTTLED: "10006 10018 429 10429 10403 10019 20003",
    Verdict.DUPLICATE: "110072 170141",
    Verdict.CLOCK: "10002",
    Verdict.AUTH: "10003 10004",
    Verdict.PERMISSION: "10005 10010 10024 10027 10028 10029",
    Verdict.FUNDS: "110004 110006 110007 110012 110044 170131",
    Verdict.ORDER_GONE: "110001 170213 110008 110010 110079",
    Verdict.VENUE_STATE: "30228 110063 110066 110074 110023",
    Verdict.REJECTED: "110003 110017 110020 110094 170136 170140",
}
CASES = [(code, verdict) for verdict, codes in TABLE.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "verdict"), CASES)
def test_each_listed_code_over_http(code: str, verdict: Verdict) -> None:
    assert classify(BYBIT, Channel.REST, code=code, status=200) is verdict


@pytest.mark.parametrize(("code", "verdict"), CASES)
def test_each_listed_code_on_the_trade_socket(code: str, verdict: Verdict) -> None:
    expected = Verdict.THROTTLED if code == "10003" else verdict
    assert classify(BYBIT, Channel.TRADE, code=code) is expected


@pytest.mark.parametrize("code", ["110072", "170141", "110001", "110079", "10006", "20003", "10016", "10000"])
def test_these_never_count_as_refused(code: str) -> None:
    assert not classify(BYBIT, Channel.REST, code=code, status=200).proves_refusal


def test_every_category_is_enumerated() -> None:
    def labels(part: str) -> set[str]:
        return {query.label for query in getattr(BYBIT, part)}

    assert labels("positions") == {"linear settleCoin=USDT", "linear settleCoin=USDC", "inverse", "option"}
    assert labels("open_orders") == labels("positions") | {"spot"}
    assert labels("executions") == {
        *("linear", "inverse", "spot"),
        *(f"option baseCoin={coin}" for coin in ("BTC", "ETH", "SOL", "XRP", "MNT", "DOGE")),
    }


def test_client_ids_of_ours_fit() -> None:
    pattern = re.compile(BYBIT.client_id_pattern)
    assert pattern.fullmatch("4b00000001000001010000000100beef")
    for wrong in ("", "a" * 37, "with space", "ümlaut", "a.b"):
        assert not pattern.fullmatch(wrong)


def test_a_cancel_always_finds_what_orders_and_polls_leave() -> None:
    assert BYBIT.ip_reserve_orders + BYBIT.ip_reserve_cancels < BYBIT.ip_rate.burst
    # 600 requests in 5 seconds, then a ban.
    assert BYBIT.ip_rate.burst + 5 * BYBIT.ip_rate.per_s <= 600
