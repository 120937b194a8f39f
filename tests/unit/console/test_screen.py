import io
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from hedgebot.console.screen import fit, screen
from hedgebot.console.snapshot import read_snapshot
from tests.unit.console.conftest import ALERT

SIZES = [(80, 24), (120, 40), (60, 20), (200, 50)]


def lines(answer: dict[str, Any], width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, record=True, file=io.StringIO(), color_system=None)
    console.print(screen(read_snapshot(answer), width=width, height=height, note="Ctrl-C ends the demo; 0:37 to go"))
    return console.export_text().rstrip("\n").split("\n")


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("alerts", [0, 1, 12])
def test_it_fits_and_nothing_is_cut(answer: dict[str, Any], width: int, height: int, alerts: int) -> None:
    answer["book"]["alerts"] = [ALERT] * alerts
    drawn = lines(answer, width, height)
    assert len(drawn) <= height
    assert max(len(line) for line in drawn) <= width
    if width >= 80:
        assert not any("…" in line for line in drawn)


@pytest.mark.parametrize(("width", "height"), SIZES[:2])
def test_the_key_facts_are_there(answer: dict[str, Any], width: int, height: int) -> None:
    text = "\n".join(lines(answer, width, height))
    for fact in (
        *("PAPER", "ACTIVE", "demo", "up 1:23", "epoch 1", "config 88aaa617", "feeds fresh, account reconciled"),
        *("net delta +0.1834 BTC", "+16,508 USD", "band ±0.25 BTC", "limit ±1.00"),
        *("net delta -4.213 ETH", "-12,690 USD", "band ±4 ETH", "limit ±16.00"),
        *("gamma -0.0213 BTC/1 %", "worst 0.2017 BTC", "hedge < 89,112 or > 90,912 USD"),
        *(
            "margin use 12.3 %",
            "equity 1,234,567 USD",
            "public 84 ms",
            "private 412 ms",
            "trade 1.8 s",
            "clock +0.3 ms",
        ),
        *("orders 1 open", "0 unknown", "funding +12.31 USD/day", "12 hedges", "1 refused"),
        *(
            "linear BTCUSDT",
            "-3.214 contracts",
            "after a fill",
            "sell 0.0940 BTC",
            "alerts none",
            "Ctrl-C ends the demo",
        ),
    ):
        assert fact in text


def test_a_small_screen_says_what_it_leaves_out(answer: dict[str, Any]) -> None:
    text = "\n".join(lines(answer, 80, 24))
    assert "positions: 10, 5 smaller not shown" in text
    answer["book"]["alerts"] = [ALERT] * 5
    assert "more alerts: hedgebot status" in "\n".join(lines(answer, 80, 24))


def test_a_large_screen_shows_every_position_and_decision(answer: dict[str, Any]) -> None:
    drawn = lines(answer, 120, 40)
    assert "── positions: 10 ─" in "\n".join(drawn)
    assert sum("beyond" in line for line in drawn) == 12


def test_every_alert_names_its_page_worst_first(answer: dict[str, Any]) -> None:
    mild = ALERT | {"severity": "warn", "kind": "ClockSkew", "runbook": "RB-22"}
    answer["book"]["alerts"] = [mild, ALERT]
    drawn = [line for line in lines(answer, 120, 40) if "runbooks/" in line]
    assert drawn[0].startswith("CRIT UnknownOrderAge  runbooks/RB-07-*.md  4b0011")
    assert drawn[1].startswith("WARN ClockSkew  runbooks/RB-22-*.md")


def test_what_is_unknown_is_not_shown_as_zero(answer: dict[str, Any]) -> None:
    for one in answer["book"]["underlyings"]:
        one |= {"delta_coin": None, "delta_usd": None, "gamma_coin_per_pct": None, "worst_case_coin": None}
    answer["book"]["accounts"][0] |= {"margin_use": None, "equity_usd": None, "clock_offset_ms": None}
    text = "\n".join(lines(answer, 80, 24))
    assert "net delta ? BTC" in text
    assert "margin use ? %" in text
    assert "●" not in text


def test_a_halted_book_and_a_lost_stream_are_said_first(answer: dict[str, Any]) -> None:
    answer["book"] |= {"mode": "halted", "latched": True, "mode_reason": "private stream silent for 120 s"}
    answer["book"]["accounts"][0]["streams"][1]["up"] = False
    answer["book"]["accounts"][0]["reconciled"] = False
    drawn = lines(answer, 80, 24)
    assert "HALTED latched" in drawn[0]
    assert drawn[1].startswith("private stream silent for 120 s")
    assert "private 412 ms DOWN" in "\n".join(drawn)


def test_text_of_the_venue_cannot_move_the_cursor(answer: dict[str, Any]) -> None:
    answer["book"]["mode_reason"] = "evil \x1b[2J\nreason"
    assert "\x1b" not in "\n".join(lines(answer, 80, 24))


def test_an_empty_answer_is_a_screen_too() -> None:
    assert any("UNKNOWN" in line for line in lines({}, 80, 24))


def test_pieces_are_left_out_whole() -> None:
    assert fit([("one", ""), ("two", ""), ("three", "")], 9).plain == "one  two"
    assert fit([("much too long", "")], 6).plain == "much …"
    assert isinstance(fit([], 10), Text)
