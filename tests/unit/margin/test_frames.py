from pathlib import Path

import msgspec
import pytest

from hedgebot.console.margin_frames import FrameFinding, FrameReport, shipped_records, verify_frames
from hedgebot.domain.health import AccountHealth, Holding, Relation
from hedgebot.margin.frames import Finding, Word, companions_of, judge

RECORDS = shipped_records()
HELD = Holding(
    instrument="ETH", contracts=-2.0, value=4_000.0, leverage=10.0, leverage_max=25.0, initial=400.0, maintenance=80.0
)
ACCOUNT = AccountHealth(
    venue="hyperliquid",
    account="cross",
    unit="USD",
    equity=1_000.0,
    initial=400.0,
    maintenance=80.0,
    printed=1e-6,
    holdings=(HELD,),
    complete=True,
)


def words(account: AccountHealth) -> dict[str, Word]:
    return {one.quantity: one.word for one in judge(account, RECORDS, {})}


def test_a_frame_with_all_inputs_is_reproduced() -> None:
    found = words(ACCOUNT)
    assert found == {
        "use": Word.CONSISTENT,
        "ETH initial margin": Word.REPRODUCED,
        "ETH maintenance margin": Word.REPRODUCED,
        "account initial margin": Word.REPRODUCED,
        "account maintenance margin": Word.REPRODUCED,
    }


def test_a_number_beyond_the_venues_rounding_differs() -> None:
    found = words(msgspec.structs.replace(ACCOUNT, maintenance=80.00001))
    assert found["account maintenance margin"] is Word.DIFFERS


def test_a_frame_that_contradicts_itself_is_not_held_against_a_model() -> None:
    broken = Relation(name="a = b", stated=1.0, other=2.0, off=0.1)
    account = msgspec.structs.replace(
        ACCOUNT, holdings=(msgspec.structs.replace(HELD, relations=(broken,), maintenance=9.0),)
    )
    found = words(account)
    assert found["ETH a = b"] is Word.CONTRADICTS
    assert found["ETH maintenance margin"] is Word.LACKS
    assert "account maintenance margin" not in found


def test_what_is_missing_is_said() -> None:
    account = msgspec.structs.replace(ACCOUNT, maintenance=None, missing=("no crossMaintenanceMarginUsed",))
    notes = {one.quantity: one.note for one in judge(account, RECORDS, {}) if one.word is Word.LACKS}
    assert notes == {
        "use": "no crossMaintenanceMarginUsed",
        "account maintenance margin": "the frame does not tell it",
    }


def test_a_bybit_position_must_hold_at_least_its_tier() -> None:
    row = Holding(instrument="BTCUSDT", contracts=0.1, value=5_000.0, leverage=10.0, maintenance=27.475, initial=500.0)
    account = AccountHealth(venue="bybit", account="p", unit="USDT", holdings=(row,))
    notes = {one.quantity: one for one in judge(account, RECORDS, {})}
    assert notes["BTCUSDT maintenance margin"].word is Word.LACKS
    assert "0.0550%" in notes["BTCUSDT maintenance margin"].note
    below = msgspec.structs.replace(account, holdings=(msgspec.structs.replace(row, maintenance=20.0),))
    assert words(below)["BTCUSDT maintenance margin"] is Word.DIFFERS


def test_a_balance_of_the_same_account_completes_a_position_frame() -> None:
    row = Holding(
        instrument="BTC-USDT-SWAP",
        contracts=10.0,
        mark=60_000.0,
        leverage=5.0,
        initial=1_200.0,
        maintenance=24.0,
        profit=-50.0,
    )
    account = AccountHealth(
        venue="okx", account="7", unit="USDT", stated_use=27.0 / 1_000.0, maintenance=24.0, holdings=(row,)
    )
    cash = companions_of([AccountHealth(venue="okx", account="7", unit="USDT", cash=1_050.0)])
    found = {one.quantity: one.word for one in judge(account, RECORDS, cash)}
    assert found["venue's ratio as use"] is Word.REPRODUCED
    assert words(account)["venue's ratio as use"] is Word.LACKS
    silent = msgspec.structs.replace(account, holdings=(msgspec.structs.replace(row, profit=None),))
    (ratio,) = [one for one in judge(silent, RECORDS, cash) if one.quantity == "venue's ratio as use"]
    assert (ratio.word, ratio.note) == (Word.LACKS, "the profit of each position")
    other = companions_of([AccountHealth(venue="okx", account="7", unit="USDT", cash=1_060.0)])
    assert {one.quantity: one.word for one in judge(account, RECORDS, other)}["venue's ratio as use"] is Word.DIFFERS


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> FrameReport:
    names = ("m01_venue_fixtures_nautilus", "m05_hyperliquid_cassettes", "m24_private_frames_roq_gct")
    return verify_frames([shared_data / name for name in names])


def of(report: FrameReport, word: Word) -> list[FrameFinding]:
    return [one for one in report.findings if one.finding.word is word]


@pytest.mark.needs_data
def test_recorded_frames_of_every_venue_are_read(recorded: FrameReport) -> None:
    assert recorded.unread == ()
    venues = {one.venue for one in recorded.findings}
    assert venues == {"binance", "bybit", "deribit", "hyperliquid", "kraken", "krakenfutures", "okx"}
    assert recorded.accounts >= 70


@pytest.mark.needs_data
def test_no_recorded_number_differs_where_the_frame_has_its_inputs(recorded: FrameReport) -> None:
    assert of(recorded, Word.DIFFERS) == []
    reproduced = of(recorded, Word.REPRODUCED)
    assert len(reproduced) >= 33
    # Margins above zero, by three venues' models; the ratio of OKX from two frames of one account.
    live = {(one.venue, one.finding.quantity) for one in reproduced if one.finding.stated}
    assert ("hyperliquid", "account maintenance margin") in live
    assert ("okx", "BTC-USDT-SWAP maintenance margin") in live
    assert ("okx", "venue's ratio as use") in live
    assert sum(one.finding.quantity.endswith("initial margin") for one in reproduced if one.finding.stated) >= 15
    assert all(
        abs((one.finding.stated or 0.0) - (one.finding.ours or 0.0)) <= (one.finding.off or 0.0) for one in reproduced
    )


@pytest.mark.needs_data
def test_recorded_frames_that_contradict_themselves_are_these(recorded: FrameReport) -> None:
    # Inventions of test suites among the recorded ones: their own numbers do not agree.
    assert {Path(one.file).stem for one in of(recorded, Word.CONTRADICTS)} == {
        "http_get_positions",
        "ws_account_position",
        "ws_account_position_short",
        "ws_account_position_with_open_time",
        "ws_account_wallet",
        "ws_account_wallet_locked_exceeds_total",
        "ws_account_wallet_small_order",
    }


@pytest.mark.needs_data
def test_a_recorded_margin_call_came_at_four_fifths(recorded: FrameReport) -> None:
    (use,) = [one.finding for one in recorded.findings if "margin_call" in one.file and one.finding.quantity == "use"]
    assert use.stated == pytest.approx(0.8064, abs=1e-4)
    (need,) = [
        one.finding
        for one in recorded.findings
        if "margin_call" in one.file and one.finding.quantity == "ETHUSDT maintenance margin"
    ]
    assert need.word is Word.LACKS
    assert "rates of 2020-04-24" in need.note


@pytest.mark.needs_data
def test_every_recorded_frame_that_lacks_inputs_says_which(recorded: FrameReport) -> None:
    lacking = of(recorded, Word.LACKS)
    assert len(lacking) > 50
    assert all(one.finding.note for one in lacking)


def test_a_report_fails_on_a_difference_and_on_nothing() -> None:
    def report(*found: Word) -> FrameReport:
        findings = [Finding(quantity="q", word=word) for word in found]
        placed = tuple(FrameFinding(file="f", venue="v", account="a", unit="USD", finding=one) for one in findings)
        return FrameReport(findings=placed, accounts=len(found), silent=0, unread=())

    codes = [
        report(*words).exit_code for words in ((Word.REPRODUCED, Word.LACKS), (Word.CONTRADICTS,), (Word.DIFFERS,), ())
    ]
    assert codes == [0, 3, 1, 1]
