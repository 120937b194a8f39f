"""Keys, signatures and the receive window."""

import orjson
import pytest

from hedgebot.exchange.types import InstrumentStatus
from hedgebot.exchange.wire.api import CATCH_UP_NS_MAX, REQUESTS_KEPT, Api, sign
from hedgebot.exchange.wire.codes import WireError


def code_of(check: object, *args: object) -> int | None:
    try:
        check(*args)  # type: ignore[operator]
    except WireError as error:
        return error.code
    return None


def test_a_key_has_an_owner(api: Api) -> None:
    assert api.key_owner("key").name == "book"
    assert code_of(api.key_owner, "nobody") == 10003


def test_the_signature_is_hmac_of_the_origin(api: Api) -> None:
    # The worked value: HMAC-SHA256 of "payload" under "secret", made with another tool.
    assert sign("secret", "payload") == "b82fcb791acec57859b989b430a826488ce2e479fdf92326bd0a2e8375a42ba4"
    spec = api.key_owner("key")
    assert code_of(api.check_signature, spec, "payload", sign("secret", "payload").upper()) is None
    assert code_of(api.check_signature, spec, "payload", sign("secret-2", "payload")) == 10004


@pytest.mark.parametrize(
    ("offset_ms", "window", "code"),
    [(0, "5000", None), (-4_900, "5000", None), (-5_100, "5000", 10002), (900, "", None), (1_100, "", 10002)],
)
def test_the_receive_window(api: Api, offset_ms: int, window: str, code: int | None) -> None:
    assert code_of(api.check_timestamp, str(api.venue_ms + offset_ms), window) == code


@pytest.mark.parametrize(("stamp", "window"), [("", "5000"), ("soon", ""), ("1", "wide")])
def test_what_is_no_time_is_refused(api: Api, stamp: str, window: str) -> None:
    assert code_of(api.check_timestamp, stamp, window) == 10002


def test_the_skew_moves_the_venues_clock_only(api: Api) -> None:
    before = api.venue_ms
    api.faults.skew_ms = 60_000
    assert api.venue_ms - before >= 60_000
    api.advance()
    assert api.exchange.now_ns // 1_000_000 - before < 30_000


def test_a_sleep_is_caught_up_in_bounded_steps(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    start_ns = api.exchange.now_ns
    monkeypatch.setattr("time.time_ns", lambda: start_ns + 3_600_000_000_000)
    api.advance()
    assert api.exchange.now_ns == start_ns + CATCH_UP_NS_MAX


def test_instruments_are_found_by_category(api: Api) -> None:
    spot, linear = api.find("spot", "BTCUSDT"), api.find("linear", "BTCUSDT")
    assert spot is not None
    assert linear is not None
    assert spot.instrument.id != linear.instrument.id
    assert api.find("option", "BTCUSDT") is None
    assert {one.instrument.category for one in api.listings("option")} == {"option"}
    assert all(one.status is InstrumentStatus.TRADING for one in api.listings("linear", settled=True))


def test_requests_are_remembered_within_a_bound(api: Api) -> None:
    for number in range(REQUESTS_KEPT + 3):
        api.note("book", "GET", f"/{number}", {}, 0)
    assert len(api.seen) == REQUESTS_KEPT
    assert api.seen[0].path == "/3"


def test_signatures_that_are_no_ascii_are_wrong_and_no_crash(api: Api) -> None:
    for signature in ("\u00e9", "\udcff", "x" * 100_000):
        with pytest.raises(WireError) as caught:
            api.check_signature(api.key_owner("key"), "origin\udcff", signature)
        assert caught.value.code == 10004
        assert orjson.dumps(caught.value.message)


def test_what_is_remembered_is_bounded_and_can_be_written(api: Api) -> None:
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    api.note(None, "GET", "/x", {"a" * 1_000: "b" * 1_000, "deep": deep, "raw": "\udcff", "many": ["x"] * 1_000}, 0)
    kept = api.seen[-1].params
    assert orjson.dumps(kept)
    assert len(orjson.dumps(kept)) < 3_000
    assert kept["raw"] == "?"
