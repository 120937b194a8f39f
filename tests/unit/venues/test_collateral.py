"""Moves of collateral: one request, one answer, read from the venue's raw code; looked up by id; the wallet read."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedgebot.domain.commands import MoveCollateral, QueryMove
from hedgebot.domain.settings import AccountRole
from hedgebot.domain.treasury import (
    CollateralMove,
    FundingWalletRead,
    MoveAnswered,
    MoveFound,
    MoveLookedUp,
    MoveOutcome,
    move_id,
)
from hedgebot.venues.buckets import Budget
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.collateral import CollateralDesk
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.queries import Queries
from tests.unit.venues.double import Sink

NOW_NS = 1_790_000_000_000_000_000
ID = move_id(7, 3, 1)
MOVE = CollateralMove(
    account="main",
    number=1,
    transfer_id=ID,
    coin="USDT",
    qty=Decimal("2500.50"),
    sent_at_ns=NOW_NS,
    deadline_ns=NOW_NS + 5_000_000_000,
)
Script = Callable[[dict[str, Any]], dict[str, Any]]


class Client:
    """The venue behind the three calls; each is answered by its script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.options: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []
        self.windows: list[int] = []

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        self.windows.append(self.options.get("recvWindow", 0))
        return self.script(request)

    privatePostV5AssetTransferInterTransfer = _ask  # noqa: N815  (its name)
    privateGetV5AssetTransferQueryInterTransferList = _ask  # noqa: N815
    privateGetV5AssetTransferQueryAccountCoinsBalance = _ask  # noqa: N815


def desk(script: Script, now_ns: int = NOW_NS) -> tuple[CollateralDesk, Client, Sink]:
    client, sink, budget = Client(script), Sink(), Budget(BYBIT, lambda: 0.0)
    connection = VenueConnection(account="main", venue="bybit", role=AccountRole.HEDGE, order_timeout_ms=100)
    queries = Queries(client, BYBIT, budget)
    return CollateralDesk(connection, BYBIT, client, queries, budget, sink, lambda: now_ns), client, sink


def fails(error: Exception) -> Script:
    def script(_request: dict[str, Any]) -> dict[str, Any]:
        raise error

    return script


def quoted(code: int) -> ccxt.BadRequest:
    return ccxt.BadRequest(f'bybit {{"retCode":{code},"retMsg":"no"}}')


async def outcome(script: Script, now_ns: int = NOW_NS) -> tuple[MoveAnswered, Client]:
    made, client, sink = desk(script, now_ns)
    await made.move(MoveCollateral(account="main", move=MOVE))
    (answer,) = sink.of(MoveAnswered)
    assert answer.transfer_id == ID
    return answer, client


async def test_a_success_under_our_own_id_is_done() -> None:
    answer, client = await outcome(lambda one: {"result": {"transferId": one["transferId"], "status": "SUCCESS"}})
    assert answer.outcome is MoveOutcome.DONE
    (asked,) = client.asked
    assert asked == {
        "transferId": ID,
        "coin": "USDT",
        "amount": "2500.5",
        "fromAccountType": "FUND",
        "toAccountType": "UNIFIED",
    }
    # What arrives later than its window is refused by the venue.
    assert client.windows == [5_000]


@pytest.mark.parametrize(
    "script",
    [
        lambda one: {"result": {"transferId": one["transferId"], "status": "PENDING"}},
        lambda one: {"result": {"transferId": one["transferId"], "status": "STATUS_UNKNOWN"}},
        lambda one: {"result": {"transferId": one["transferId"], "status": "FAILED"}},
        lambda _one: {"result": {"transferId": "another", "status": "SUCCESS"}},
        lambda _one: {"result": None},
        fails(ccxt.RequestTimeout("no answer")),
        fails(ccxt.ExchangeNotAvailable("502")),
        fails(quoted(131214)),
        fails(quoted(131200)),
        fails(quoted(131216)),
        fails(quoted(10006)),
        fails(quoted(999999)),
    ],
)
async def test_what_proves_nothing_is_unknown(script: Script) -> None:
    answer, _ = await outcome(script)
    assert answer.outcome is MoveOutcome.UNKNOWN


@pytest.mark.parametrize("code", [131203, 131206, 131210, 131212, 131215, 131217, 10002, 10005])
async def test_a_listed_code_is_proof_that_nothing_moved(code: int) -> None:
    answer, _ = await outcome(fails(quoted(code)))
    assert (answer.outcome, answer.code) == (MoveOutcome.REFUSED, str(code))


async def test_a_failure_without_a_code_of_the_venue_is_named_as_ours() -> None:
    answer, _ = await outcome(fails(ccxt.NetworkError("cut")))
    assert (answer.outcome, answer.code, answer.message) == (MoveOutcome.UNKNOWN, "local:NetworkError", "cut")


async def test_after_its_deadline_nothing_leaves() -> None:
    answer, client = await outcome(fails(AssertionError("asked")), MOVE.deadline_ns)
    assert (answer.outcome, client.asked) == (MoveOutcome.REFUSED, [])


def listed(*rows: tuple[str, str]) -> Script:
    return lambda _one: {"result": {"list": [{"transferId": name, "status": status} for name, status in rows]}}


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (listed((ID, "SUCCESS")), MoveFound.SUCCESS),
        (listed((ID, "FAILED")), MoveFound.FAILED),
        (listed((ID, "PENDING")), MoveFound.PENDING),
        (listed((ID, "SOMETHING_NEW")), MoveFound.PENDING),
        (listed(), MoveFound.ABSENT),
        # A filter that the venue ignored must not find another's.
        (listed(("another", "SUCCESS")), MoveFound.ABSENT),
        (lambda _one: {"result": {}}, MoveFound.UNREADABLE),
        (fails(ccxt.NetworkError("cut")), MoveFound.UNREADABLE),
    ],
)
async def test_a_move_is_looked_up_by_its_id(script: Script, found: MoveFound) -> None:
    made, client, sink = desk(script)
    await made.look_up(QueryMove(account="main", transfer_id=ID, since_ns=NOW_NS))
    (answer,) = sink.of(MoveLookedUp)
    assert (answer.found, answer.asked_at_ns) == (found, NOW_NS)
    assert client.asked[0]["transferId"] == ID
    assert client.asked[0]["startTime"] == str(NOW_NS // 1_000_000 - 60_000)


async def test_the_funding_wallet_is_what_may_leave_it() -> None:
    rows = [{"coin": "USDT", "walletBalance": "900", "transferBalance": "800.5"}]
    made, client, sink = desk(lambda _one: {"result": {"balance": rows}})
    await made.read()
    assert sink.of(FundingWalletRead)[0].balances == {"USDT": Decimal("800.5")}
    assert client.asked == [{"accountType": "FUND"}]


async def test_a_wallet_that_cannot_be_read_is_unknown_and_not_empty() -> None:
    made, _, sink = desk(fails(ccxt.PermissionDenied("no")))
    await made.read()
    (read,) = sink.of(FundingWalletRead)
    assert (read.balances, read.problem) == (None, "PermissionDenied: no")
    made.refused(MoveCollateral(account="main", move=MOVE), "local:stopped", "not sent")
    assert sink.of(MoveAnswered)[0].outcome is MoveOutcome.REFUSED
