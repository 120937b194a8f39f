from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.client_id import ClientId
from hedgebot.domain.instrument import Side
from hedgebot.journal.chain import Row
from hedgebot.journal.codec import encode, keys_of, kind_of
from hedgebot.journal.manifest import RunHeader, RunRecord, build_manifest
from hedgebot.journal.order_checks import OrderChecks
from hedgebot.journal.rows import RUN_IDX, RUN_KIND
from tests.unit.journal.test_chain import row
from tests.unit.journal.world import SECOND, SETTINGS, START_NS, fill, order

MANIFEST = build_manifest(SETTINGS, version="1")


def client_id(intent: int = 0, epoch: int = 1) -> str:
    return ClientId(install=7, epoch=epoch, strategy=1, intent=intent).encode()


def submit(name: str) -> cmd.SubmitOrder:
    return order(name, Side.BUY, Decimal(1), Decimal(1), 1)


def of(value: ev.Event | cmd.Command, at_s: float = 0.0, epoch: int = 1) -> Row:
    subject, name = keys_of(value)
    at_ns = START_NS + int(at_s * SECOND)
    idx = 1 if isinstance(value, cmd.Command) else 0
    return row(
        kind=kind_of(value), payload=encode(value), client_id=name, subject=subject, at_ns=at_ns, idx=idx, epoch=epoch
    )


def run_row(epoch: int) -> Row:
    header = RunHeader(run_id="x", epoch=epoch, first_seq=1, started_at_ns=0)
    payload = msgspec.json.encode(RunRecord(header=header, settled_seq=0, manifest=MANIFEST))
    return row(kind=RUN_KIND, payload=payload, idx=RUN_IDX, epoch=epoch)


def problems(*rows: Row) -> list[str]:
    found: list[str] = []
    checks = OrderChecks(found.append)
    for one in (run_row(1), *rows):
        checks.take(one)
    checks.finish()
    return found


LATER = of(ev.TimerFired(), 120)


@pytest.mark.parametrize(
    "answer",
    [
        ev.OrderAccepted(account="main", client_id=client_id(), order_id="1", definitive=True),
        ev.OrderRejected(account="main", client_id=client_id(), code="1", message=""),
        ev.OrderOutcomeUnknown(account="main", client_id=client_id(), code="1", message=""),
        fill("1", client_id=client_id()),
    ],
)
def test_an_answered_order_is_in_order(answer: ev.Event) -> None:
    assert problems(of(submit(client_id())), of(answer, 1), LATER) == []


def test_an_order_that_nothing_became_of_shows_when_time_went_by() -> None:
    sent = of(submit(client_id()))
    assert "no answer" in problems(sent, LATER)[0]
    assert problems(sent, of(ev.TimerFired(), 10)) == []


def test_time_in_which_no_process_ran_does_not_count() -> None:
    sent = of(submit(client_id()))
    hours_later = [of(ev.TimerFired(), 7_200, 2), of(ev.TimerFired(), 7_201, 2)]
    assert problems(sent, run_row(2), *hours_later) == []
    assert problems(sent, run_row(2), *hours_later, of(ev.TimerFired(), 7_300, 2)) != []


def test_a_client_id_belongs_to_one_order_of_its_epoch() -> None:
    sent = of(submit(client_id()))
    assert "again" in problems(sent, sent)[0]
    assert "epoch 0" in problems(of(submit(client_id(epoch=0))))[0]
    assert not problems(of(submit(client_id(epoch=9)))), "ids go on beyond what the venue has seen"
    assert "not a client id" in problems(of(submit("mine")))[0]


def test_a_fill_of_ours_needs_its_intent() -> None:
    assert "no intent" in problems(of(fill("1", client_id=client_id(5))))[0]
    assert problems(of(fill("1", client_id="someone's")), of(fill("2"))) == []


def test_a_broken_run_row_is_named() -> None:
    assert "opening row" in problems(row(kind=RUN_KIND, idx=RUN_IDX, payload=b"{}"))[0]
