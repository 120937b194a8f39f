"""ccxt's own suites, bounded: one product over both transports; all of them are `make conformance`."""

from pathlib import Path

import pytest

from tests.wire.ccxt_plans import FIELDS, NEVER_EMPTY, PLANS, TOPICS, skips_of
from tests.wire.ccxt_suites import Instrument, Outcome, hold_to_the_log, read_output, run

pytestmark = pytest.mark.wire
LINEAR = next(plan for plan in PLANS if plan.account == "linear")
PERP = Instrument(LINEAR, "BTCUSDT", "BTC/USDT:USDT")
# All that ccxt 4.5.90 has for the product over HTTP, but for what `skips_of` names: nothing may drop out unseen.
REST = {
    *("afterConstruct", "features", "fetchBalance", "fetchClosedOrders", "fetchCurrencies", "fetchFundingRateHistory"),
    *("fetchLedger", "fetchMyTrades", "fetchOHLCV", "fetchOpenInterestHistory", "fetchOpenOrders", "fetchOrderBook"),
    *("fetchPositions", "fetchTicker", "fetchTickers", "fetchTrades", "loadMarkets", "fetchStatus", "fetchDeposits"),
    *("fetchWithdrawals", "fetchTransfers"),
}
END = "[INFO] END PRIVATE_TESTS bybit"


def outcome(*lines: str, ended: bool = True) -> Outcome:
    return read_output("a run", "\n".join((*lines, END)), {"fetchX": "a reason"}, ended=ended)


@pytest.mark.timeout(240)
def test_the_linear_perpetual_passes_them(tmp_path: Path) -> None:
    outcomes = run([LINEAR], base=True, at_once=3, folder=tmp_path)
    report = "\n".join(line for one in outcomes for line in one.lines())
    assert not any(one.failed for one in outcomes), report
    sockets, rest = (next(one for one in outcomes if f"linear {kind}" in one.name) for kind in ("websocket", "rest"))
    assert sockets.passed == set(TOPICS), report
    assert rest.passed == REST, report
    assert sum("base" in one.passed for one in outcomes) == 2


def test_a_pass_a_failure_and_a_skip_are_read() -> None:
    found = outcome(
        "[INFO] TESTING            bybit loadMarkets",
        "[INFO] TESTING DONE       bybit loadMarkets",
        '[INFO] TESTING            bybit fetchTicker (["BTC/USDT"])',
        '[INFO] TESTING            bybit fetchTrades (["BTC/USDT"])',
        "[INFO] TESTING DONE       bybit fetchTicker",
        "[INFO] TESTING FAILED     bybit fetchTrades",
        '[TEST_FAILURE] bybit fetchTrades ["BTC/USDT"] [BadRequest] Traceback (most recent call last):',
        "  File somewhere",
        "ccxt.base.errors.BadRequest: bybit no such thing",
        "[TEST_FAILURE] bybit PUBLIC_TESTS Failed methods : fetchTrades",
        "[INFO] SKIPPED_TEST       bybit fetchX",
        "[INFO] UNIMPLEMENTED_TEST bybit fetchTime",
        "[INFO] UNSUPPORTED_TEST   bybit fetchMoon",
    )
    assert (found.passed, found.skipped, found.no_test) == ({"fetchTicker"}, {"fetchX": "a reason"}, {"fetchTime"})
    assert found.failed == {"fetchTrades": "bybit no such thing"}
    assert "  failed fetchTrades: bybit no such thing" in list(found.lines())


@pytest.mark.parametrize(
    ("lines", "failed"),
    [
        (('[INFO] TESTING            bybit watchOrders (["BTC/USDT"])',), "watchOrders"),
        (("[INFO] NOT_SUPPORTED bybit fetchY [] url",), "fetchY"),
        (("[TEST_WARNING] bybit fetchZ [] Method could not be tested due to a repeated Network issue",), "fetchZ"),
    ],
)
def test_what_did_not_end_well_is_a_failure(lines: tuple[str, ...], failed: str) -> None:
    assert set(outcome(*lines).failed) == {failed}


def test_a_run_that_broke_off_is_a_failure() -> None:
    assert set(outcome(ended=False).failed) == {"the run"}
    assert "not come as far" in read_output("a run", "Traceback", {}, ended=True).failed["the run"]


def test_a_websocket_test_counts_only_with_frames_in_the_exchanges_log() -> None:
    found = Outcome(name="a run", passed={"watchTicker", "watchOrders", "watchTrades", "loadMarkets"})
    delivered = {
        ("linear", "", "tickers.BTCUSDT"): 3,
        ("private", "spot", "order"): 9,
        ("spot", "", "publicTrade.BTCUSDT"): 9,
    }
    hold_to_the_log(found, PERP, delivered)
    assert found.passed == {"watchTicker", "loadMarkets"}
    assert set(found.failed) == {"watchOrders", "watchTrades"}


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.account)
def test_each_skip_has_a_reason(plan: object) -> None:
    skips = skips_of(plan)  # type: ignore[arg-type]
    reasons = [one for one in skips.values() if isinstance(one, str)]
    reasons += [why for one in skips.values() if isinstance(one, dict) for why in one.values()]
    assert all(len(reason) > 5 for reason in reasons)
    assert set(FIELDS) <= set(skips)
    # Emptiness is checked wherever the method is not skipped whole.
    assert all("emptyResponse" in skips[name] for name in NEVER_EMPTY if not isinstance(skips[name], str))
