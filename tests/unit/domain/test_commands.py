"""Commands: one closed union, each member survives the journal, and only orders wait for the disk."""

from typing import get_args

import msgspec
import pytest

from hedgebot.domain import commands
from hedgebot.domain.commands import (
    Command,
    Issued,
    MoveCollateral,
    RecordCommand,
    ShellCommand,
    SubmitOrder,
    VenueCommand,
    adds_risk,
)
from tests.unit.domain.samples import sample

MEMBERS = get_args(Command)


def test_the_union_has_every_command() -> None:
    assert set(MEMBERS) == set(commands._Command.__subclasses__())


def test_each_command_has_one_receiver() -> None:
    parts = (*get_args(VenueCommand), *get_args(ShellCommand), *get_args(RecordCommand))
    assert len(parts) == len(set(parts))
    assert set(parts) == set(MEMBERS)


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("full", [True, False])
def test_a_command_survives_json(kind: type[msgspec.Struct], full: bool) -> None:
    issued = Issued(seq=1, index=0, at_ns=5, command=sample(kind, full=full))
    assert msgspec.json.decode(msgspec.json.encode(issued), type=Issued) == issued


@pytest.mark.parametrize("kind", MEMBERS)
def test_only_orders_and_moves_wait_for_the_disk(kind: type[msgspec.Struct]) -> None:
    assert adds_risk(sample(kind, full=True)) == (kind in {SubmitOrder, MoveCollateral})


def test_an_unknown_command_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type": "WithdrawCoins"}', type=Command)
