"""D04 and S03: a flipped bit and a tampering hand, against what a start and `journal verify` notice."""

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from hedgebot.domain.errors import HedgebotError, JournalCorrupt
from hedgebot.journal import schema
from hedgebot.journal.anchors import ANCHOR_FILE
from hedgebot.journal.chain import genesis, row_hash
from hedgebot.journal.opening import open_files
from hedgebot.journal.rows import read_rows
from hedgebot.journal.store import Journal
from hedgebot.journal.verify import verify
from tests.support.pages import live_bytes
from tests.unit.journal.world import Run, SmallEngine

FLIPS = 200
HEDGES = 60


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    """A cleanly closed journal of two runs, with snapshots."""
    state_dir = tmp_path / "state"
    for epoch in (1, 2):
        run = await Run.start(state_dir)
        for number in range(HEDGES):
            await run.hedge(f"{epoch}-{number}")
            if number % 25 == 0:
                await run.snapshot()
        await run.journal.close()
    return state_dir


async def start(state_dir: Path) -> str:
    """Why a start on this journal is refused; empty when it would arm."""
    try:
        journal = await Journal.open(state_dir)
        try:
            await journal.recover(SmallEngine)
        finally:
            await journal.close()
    except HedgebotError as error:
        return str(error)
    return ""


def verdict(state_dir: Path, anchors: Path | None = None) -> tuple[str, ...]:
    """What verification finds."""
    try:
        return verify(state_dir, anchors).problems
    except HedgebotError as error:
        return (str(error),)


async def test_d04_a_flipped_bit_in_live_bytes_is_seen_and_nothing_arms_on_it(journal: Path, tmp_path: Path) -> None:
    whole = (journal / schema.DB_FILE).read_bytes()
    places = live_bytes(journal / schema.DB_FILE)
    assert len(places) > 0.7 * len(whole), "the reading of the file format lost most of the file"
    chance = random.Random(4)
    seen, armed, unhelpful = 0, [], []
    for number, place in enumerate(chance.sample(places, FLIPS)):
        copy = tmp_path / f"flip-{number}"
        shutil.copytree(journal, copy)
        data = bytearray(whole)
        data[place] ^= 1 << chance.randrange(8)
        (copy / schema.DB_FILE).write_bytes(data)
        found = verdict(copy)
        refused = await start(copy)
        seen += bool(found or refused)
        if not refused:
            armed.append(f"byte {place} of page {place // 4096 + 1}: {found}")
        elif "backup" not in refused:
            unhelpful.append(refused)
        shutil.rmtree(copy)
    assert seen >= 0.99 * FLIPS, f"{seen} of {FLIPS}"
    assert len(armed) <= 0.01 * FLIPS, armed
    assert unhelpful == []


def tamper(state_dir: Path, *statements: str) -> None:
    link = sqlite3.connect(state_dir / schema.DB_FILE)
    for statement in statements:
        link.execute(statement)
    link.commit()
    link.close()


def rebuild(state_dir: Path, key: bytes) -> None:
    """Change what fees were paid and make every hash after it right again, with a guessed key."""
    link = sqlite3.connect(state_dir / schema.DB_FILE)
    previous = genesis(key)
    for row in list(read_rows(link)):
        payload = row.payload.replace(b"0.55", b"0.01")
        link.execute("UPDATE rows SET payload = ?, prev_hash = ? WHERE row = ?", (payload, previous, row.row))
        (fresh,) = read_rows(link, "row = ?", (row.row,))
        previous = row_hash(key, fresh)
        link.execute("UPDATE rows SET hash = ? WHERE row = ?", (previous, row.row))
    link.commit()
    link.close()


EDIT = "UPDATE rows SET payload = replace(payload, '0.55', '0.01') WHERE row = 9"
REORDER = tuple(f"UPDATE rows SET row = {new} WHERE row = {old}" for old, new in ((9, -1), (10, 9), (-1, 10)))
TAMPERINGS = {
    "edit": (EDIT,),
    "delete_middle": ("DELETE FROM rows WHERE row = 40",),
    "delete_middle_and_close_the_gap": (
        "DELETE FROM rows WHERE row = 40",
        "UPDATE rows SET row = row - 1 WHERE row > 40",
    ),
    "reorder": REORDER,
    "truncate_tail": ("DELETE FROM rows WHERE row > (SELECT max(row) - 7 FROM rows)", "DELETE FROM snapshots"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_s03_tampering_is_seen_and_nothing_arms_on_it(journal: Path, name: str) -> None:
    assert verdict(journal) == ()
    tamper(journal, *TAMPERINGS[name])
    assert verdict(journal) != ()
    assert "backup" in await start(journal)


async def test_s03_a_chain_rebuilt_without_the_key_is_seen(journal: Path) -> None:
    rebuild(journal, b"not the key" * 3)
    assert any("row 1 " in problem for problem in verdict(journal))
    assert "row 1 " in await start(journal)


async def test_s03_a_cut_tail_is_seen_by_an_anchor_kept_outside(journal: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "anchors-of-another-machine.log"
    shutil.copy(journal / ANCHOR_FILE, elsewhere)
    tamper(journal, *TAMPERINGS["truncate_tail"])
    # The thief takes our own anchors away as well: what is left is a shorter journal, and in itself a sound one.
    (journal / ANCHOR_FILE).unlink()
    assert verdict(journal) == ()
    assert any("cut off" in problem for problem in verdict(journal, elsewhere))


async def test_s03_an_anchor_kept_outside_that_was_made_up_is_named(journal: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "copy.log"
    elsewhere.write_bytes((journal / ANCHOR_FILE).read_bytes().replace(b'"at_ns":1', b'"at_ns":2'))
    assert any("not written with the journal's key" in problem for problem in verdict(journal, elsewhere))


async def test_a_start_says_that_rows_behind_its_anchors_are_gone(journal: Path) -> None:
    tamper(journal, *TAMPERINGS["truncate_tail"])
    with pytest.raises(JournalCorrupt, match=r"cut off.*backup"):
        open_files(journal, create=True)
