from decimal import Decimal
from pathlib import Path

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import Side
from hedgebot.journal.query import JournalReader
from hedgebot.journal.summary import Summary
from tests.unit.journal.world import PERP, SECOND, SPOT, Run, book, fill


def summary(state_dir: Path, from_ns: int = 0, to_ns: int | None = None) -> Summary:
    with JournalReader(state_dir) as reader:
        return reader.summary(from_ns, to_ns)


async def test_hedges_fills_and_fees_are_counted(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(book())
    for number in range(3):
        await run.hedge(f"t{number}")
    await run.take(fill("h-t0", Side.SELL, client_id=run.sent[0].client_id, instrument=PERP))
    await run.take(fill("t0", instrument=SPOT, client_id="of another program"))
    await run.journal.close()
    found = summary(tmp_path)
    assert (found.hedges, found.hedges_filled, found.hedges_by_cause) == (3, 3, {"fill": 3})
    assert (found.fills_ours, found.fills_of_book) == (3, 3)
    assert found.fees == {"USDT": Decimal("1.65")}


async def test_a_breach_lasts_until_the_fill_that_ends_it(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(book())
    await run.take(fill("t0", qty="0.4"))
    client_id, began_ns = run.sent[0].client_id, run.now_ns
    run.now_ns += SECOND
    await run.take(fill("h1", Side.SELL, "0.3", client_id=client_id, instrument=PERP))
    run.now_ns += SECOND
    await run.take(fill("h2", Side.SELL, "0.1", client_id=client_id, instrument=PERP))
    await run.journal.close()
    (breach,) = summary(tmp_path).breaches
    assert (breach.started_at_ns, breach.ended_at_ns) == (began_ns, run.now_ns)
    assert (breach.delta_coin, breach.band_coin, breach.hedges) == (0.4, 0.05, (client_id,))
    assert breach.seconds == (run.now_ns - began_ns) / 1e9


async def test_a_breach_without_an_end_is_listed_as_such(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(fill("t0", qty="0.4"))
    await run.journal.close()
    (breach,) = summary(tmp_path).breaches
    assert (breach.ended_at_ns, breach.seconds, breach.cause) == (None, None, cmd.DecisionCause.FILL)


async def test_the_window_leaves_out_what_is_outside(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.hedge("t0")
    middle_ns = run.now_ns
    run.now_ns += SECOND
    await run.hedge("t1")
    await run.journal.close()
    assert summary(tmp_path, to_ns=middle_ns).hedges == 1
    assert summary(tmp_path, from_ns=middle_ns + 1).hedges == 1
    assert summary(tmp_path, from_ns=run.now_ns + 1).hedges == 0


async def test_rejects_unknown_outcomes_and_alerts_are_counted(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(fill("t0"))
    client_id = run.sent[0].client_id
    await run.take(
        ev.OrderOutcomeUnknown(account="main", client_id=client_id, code="timeout", message=""),
        ev.OrderRejected(account="main", client_id=client_id, code="110007", message="no money"),
    )
    alert = cmd.RaiseAlert(kind=AlertKind.RECON_BREAK, subject="main", summary="differs")
    await run.journal.write(
        [
            ev.Stamped(seq=run.turn.next_seq, at_ns=run.now_ns, event=ev.StopRequested(reason="end")),
            cmd.Issued(seq=run.turn.next_seq, index=1, at_ns=run.now_ns, command=alert),
        ],
        durable=True,
    )
    await run.journal.close()
    found = summary(tmp_path)
    assert (found.rejects, found.unknown_outcomes, found.alerts) == (1, 1, {"ReconBreak": 1})
    assert found.hedges_filled == 0
