"""`hedgebot treasury`: what an operator sees of segments and moves, and that nothing is approved without a daemon."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from hedgebot.console.main import app
from hedgebot.console.snapshot import BookSnapshot, MoveRow, TreasuryRow
from hedgebot.console.verbs_treasury import lines

ROW = TreasuryRow(
    account="main",
    coin="USDT",
    trading_qty=Decimal(8_000),
    buffer_qty=Decimal(15_000),
    emergency_qty=Decimal(5_000),
    age_ms=4_000.0,
    line_use=0.6,
    target_use=0.4,
    moved_by_itself_qty=Decimal(3_000),
    day_max_qty=Decimal(8_000),
    plan="4500 USDT would cure it",
)


def test_segments_plan_and_moves_stand_in_the_list() -> None:
    move = MoveRow(
        number=3,
        account="main",
        coin="USDT",
        qty=Decimal(4_500),
        status="proposed",
        why="margin use of main is 62.5%",
        age_ms=60_000.0,
        left_ms=3_540_000.0,
    )
    shown = lines(BookSnapshot(treasury=(ROW,), moves=(move,)))
    assert shown[0] == (
        "main: trading 8000, buffer 15000, emergency 5000 USDT (read 4 s ago); topped up above a use of 60% to 40%"
    )
    assert "3000 of 8000 USDT" in shown[1]
    assert shown[2] == "  plan: 4500 USDT would cure it"
    assert " ".join(shown[-1].split()) == ("3 main 4500 USDT proposed (59 min left) 1 min margin use of main is 62.5%")


def test_what_trading_can_spare_is_told_with_who_may_move_it() -> None:
    shown = lines(BookSnapshot(treasury=(msgspec.structs.replace(ROW, plan="", spare_qty=Decimal("12000.50")),)))
    assert shown[2] == (
        "  spare: 12000.5 USDT in trading are more than it keeps for itself; nothing moves back by itself, "
        "at the venue you may"
    )
    assert not any("spare" in one for one in lines(BookSnapshot(treasury=(ROW,))))


def test_nothing_configured_is_said() -> None:
    assert lines(BookSnapshot()) == ["no [treasury.ACCOUNT] is configured: nothing moves, top-ups are only told"]
    unread = TreasuryRow(account="main", coin="USDT", problem="PermissionDenied: no")
    shown = lines(BookSnapshot(treasury=(unread,)))
    assert "trading unknown" in shown[0]
    assert "never read" in shown[0]
    assert shown[2] == "  the funding wallet cannot be read: PermissionDenied: no"


RESOLVE = ["3", "--operator", "eve", "--evidence", "ticket 42"]


@pytest.mark.parametrize("verb", ["adopt", "forget"])
@pytest.mark.parametrize("said", [[], ["--confirm", "yes"]])
def test_a_lost_move_is_not_ended_without_its_phrase(tmp_path: Path, verb: str, said: list[str]) -> None:
    result = CliRunner().invoke(app, ["treasury", verb, *RESOLVE, *said, "-s", str(tmp_path)])
    assert result.exit_code != 0
    assert f'confirm it with --confirm "{verb} move 3"' in str(result.exception)


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["approve", "3", "--reason", "r"],
        ["reject", "3", "--reason", "r"],
        ["adopt", *RESOLVE, "--confirm", "adopt move 3"],
        ["forget", *RESOLVE, "--confirm", "forget move 3"],
    ],
)
def test_without_a_daemon_nothing_is_decided(tmp_path: Path, words: list[str]) -> None:
    result = CliRunner().invoke(app, ["treasury", *words, "-s", str(tmp_path)])
    assert result.exit_code != 0
    assert "no daemon runs" in str(result.exception)
