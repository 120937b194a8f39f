import msgspec
import pytest

from hedgebot.console.margin_frames import shipped_records
from hedgebot.domain.errors import DataError
from hedgebot.domain.health import Holding
from hedgebot.margin.frame_models import (
    fee_of,
    implied_fee,
    initial_of,
    maintenance_of,
    parse_frame_contracts,
    size_problem,
)

RECORDS = shipped_records()
LATE_NS = 1_780_000_000 * 1_000_000_000


def held(**known: object) -> Holding:
    return msgspec.convert({"instrument": "BTC-USDT-SWAP", "contracts": -10.0} | known, Holding)


def test_okx_by_its_first_tier() -> None:
    one = held(mark=60_000.0, leverage=5.0)
    assert maintenance_of(RECORDS, "okx", LATE_NS, one).value == pytest.approx(6_000.0 * 0.004)
    assert initial_of(RECORDS, "okx", LATE_NS, one).value == pytest.approx(1_200.0)
    assert fee_of(RECORDS, "okx", LATE_NS, one) == pytest.approx(3.0)


def test_deribit_grows_with_size() -> None:
    one = held(instrument="BTC-PERPETUAL", contracts=2_000_000.0, mark=50_000.0)
    assert maintenance_of(RECORDS, "deribit", LATE_NS, one).value == pytest.approx(40.0 * (0.01 + 0.00005 * 40.0))
    assert initial_of(RECORDS, "deribit", LATE_NS, one).value == pytest.approx(40.0 * (0.02 + 0.00005 * 40.0))


def test_binance_by_the_ladder_of_the_venues_own_record() -> None:
    one = held(instrument="BTCUSDT", contracts=2.0, mark=50_000.0, leverage=10.0)
    assert maintenance_of(RECORDS, "binance", LATE_NS, one).value == pytest.approx(100_000.0 * 0.005 - 50.0)
    assert initial_of(RECORDS, "binance", LATE_NS, one).value == pytest.approx(10_000.0)
    assert initial_of(RECORDS, "binance", LATE_NS, msgspec.structs.replace(one, leverage=None)).lacks == "leverage"


def test_every_contract_has_its_record() -> None:
    assert {one.figures for one in RECORDS.contracts.contracts} <= RECORDS.figures.keys()


def test_hyperliquid_is_half_of_the_largest_leverages_initial_margin() -> None:
    one = held(instrument="ETH", value=1_000.0, leverage=10.0, leverage_max=25.0)
    assert initial_of(RECORDS, "hyperliquid", 0, one).value == 100.0
    assert maintenance_of(RECORDS, "hyperliquid", 0, one).value == 20.0
    assert maintenance_of(RECORDS, "hyperliquid", 0, held(value=1_000.0)).lacks == "maxLeverage"


def test_bybit_is_a_lower_bound_without_the_accounts_fee() -> None:
    one = held(instrument="BTCUSDT", contracts=-0.1, value=5_000.0, leverage=10.0)
    ours = maintenance_of(RECORDS, "bybit", 0, one)
    assert (ours.value, ours.at_least) == (25.0, True)
    assert implied_fee(one, ours, 25.0 + 5_500.0 * 0.00055) == pytest.approx(0.00055)
    assert initial_of(RECORDS, "bybit", 0, one).value == 500.0
    assert (
        "tiers of XYZUSDT"
        in maintenance_of(RECORDS, "bybit", 0, msgspec.structs.replace(one, instrument="XYZUSDT")).lacks
    )


@pytest.mark.parametrize(
    ("venue", "at_ns", "known", "lacks"),
    [
        ("binance", LATE_NS, {"instrument": "DOGEUSDT"}, "no record"),
        ("deribit", 1_600_000_000 * 10**9, {"instrument": "BTC-PERPETUAL", "mark": 1.0}, "rates of 2020-09-13"),
        ("okx", LATE_NS, {}, "mark price"),
        (
            "okx",
            LATE_NS,
            {"mark": 60_000.0, "contracts": 1_000.0},
            "in okx-tier-20220101 are known up to 500,000 USD",
        ),
    ],
)
def test_what_is_lacking_is_said(venue: str, at_ns: int, known: dict[str, object], lacks: str) -> None:
    ours = maintenance_of(RECORDS, venue, at_ns, held(**known))
    assert ours.value is None
    assert lacks in ours.lacks
    assert fee_of(RECORDS, venue, at_ns, held(**known)) is None


def test_a_notional_that_is_not_the_size_at_its_mark() -> None:
    assert size_problem(RECORDS, "okx", held(mark=60_000.0, value=6_006.0)) == ""
    assert "notional 60000" in size_problem(RECORDS, "okx", held(mark=60_000.0, value=60_000.0))


def test_a_record_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(DataError, match=r"contracts of frames r\.json"):
        parse_frame_contracts(b'{"id": "x"}', "r.json")
