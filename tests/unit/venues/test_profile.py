import pytest

from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.profile import Channel, SubQuery, Verdict, classify


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_proofs_prove(verdict: Verdict) -> None:
    proofs = {"rejected", "funds", "venue_state", "auth", "permission", "clock"}
    assert verdict.proves_refusal is (verdict.value in proofs)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_our_clock_our_funds_and_our_key_say_nothing_of_a_market(verdict: Verdict) -> None:
    assert verdict.is_of_market is (verdict.value in {"rejected", "venue_state"})


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 530])
def test_a_server_error_is_unknown_whatever_its_body_says(status: int) -> None:
    for code in (None, "0", "110007", "10001"):
        assert classify(BYBIT, Channel.REST, code=code, status=status) is Verdict.UNKNOWN


def test_what_is_not_listed_is_unknown() -> None:
    assert classify(BYBIT, Channel.REST, code="999999", status=200) is Verdict.UNKNOWN
    assert classify(BYBIT, Channel.REST, code=None, status=None) is Verdict.UNKNOWN
    assert classify(BYBIT, Channel.REST, code=None, status=404) is Verdict.UNKNOWN


def test_a_code_counts_before_the_status() -> None:
    assert classify(BYBIT, Channel.REST, code="10006", status=200) is Verdict.THROTTLED
    assert classify(BYBIT, Channel.REST, code="10024", status=403) is Verdict.PERMISSION
    assert classify(BYBIT, Channel.REST, code=None, status=403) is Verdict.THROTTLED
    assert classify(BYBIT, Channel.REST, code=None, status=401) is Verdict.AUTH


def test_one_code_can_mean_different_things_on_different_ways() -> None:
    assert classify(BYBIT, Channel.REST, code="10003") is Verdict.AUTH
    assert classify(BYBIT, Channel.TRADE, code="10003") is Verdict.THROTTLED


def test_a_sub_query_names_itself() -> None:
    assert SubQuery(category="linear", narrow={"settleCoin": "USDC"}).label == "linear settleCoin=USDC"
