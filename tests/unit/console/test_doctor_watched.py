"""The doctor at the venue of a watched account: a key that reads is well, one that can do more is a warning."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from hedgebot.config import AccountConnection
from hedgebot.console.doctor import Row, check_venue
from hedgebot.console.doctor_watched import CHECKS, _ask, rights_row
from hedgebot.domain.settings import AccountRole
from tests.support import stub_venue as stubs
from tests.support.connections import account_connection
from tests.support.stub_venue import Answer, StubVenue, stub_venue


def connection(venue: str, endpoint: str, secret: str = stubs.SECRET) -> AccountConnection:
    return account_connection(
        account="options",
        venue=venue,
        role=AccountRole.WATCHED,
        endpoint=endpoint,
        api_key=SecretStr(stubs.KEY),
        api_secret=SecretStr(secret),
        api_passphrase=SecretStr(stubs.PASSPHRASE),
    )


def asked(venue: str, fill: Callable[[StubVenue], None], **changes: Any) -> dict[str, Row]:
    async def visit() -> list[Row]:
        async with stub_venue() as stub:
            fill(stub)
            return await _ask(connection(venue, stub.address, **changes))

    return {one.check: one for one in asyncio.run(visit())}


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("account:read trade:read wallet:none", "ok"),
        ("account:read trade:read_write", "warn"),
        ("wallet:read", "fail"),
    ],
)
def test_deribits_scopes(scope: str, status: str) -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)

        def auth(request: stubs.Request) -> Answer:
            assert request.query["grant_type"] == "client_signature"
            assert stubs.SECRET not in json.dumps(request.query)
            return Answer(json.dumps({"result": {"scope": scope}}))

        stub.script("public/auth", auth)

    rows = asked("deribit", fill)
    assert tuple(rows) == CHECKS
    assert rows["key rights"].status == status
    assert rows["margin"].finding == "margin use of options is 5.2%"
    assert (rows["venue"].status, rows["clock"].status, rows["margin"].status) == ("ok", "ok", "ok")


def test_okx_and_binance_say_it_in_their_words() -> None:
    def okx(stub: StubVenue) -> None:
        stubs.okx(stub)
        stub.say("account/config", {"code": "0", "data": [{"perm": "read_only,trade", "acctLv": "4"}]})

    assert "trade" in asked("okx", okx)["key rights"].finding

    def binance(stub: StubVenue) -> None:
        stubs.binance(stub)
        stub.say("account/apiRestrictions", {"enableReading": True})

    assert asked("binance", binance)["key rights"].status == "ok"


def test_a_wrong_key_fails_both_and_shows_no_secret() -> None:
    rows = asked("okx", stubs.okx, secret="not-the-secret")  # a wrong one
    assert (rows["key rights"].status, rows["margin"].status) == ("fail", "fail")
    assert "not-the-secret" not in str(rows)


def test_positions_that_cannot_be_read_are_a_warning() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        stub.say("private/get_positions", {"error": {"message": "forbidden", "code": 13021}}, 400)

    row = asked("deribit", fill)["margin"]
    assert (row.status, "positions are not known" in row.finding) == ("warn", True)


def test_an_account_without_margins_fails() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        stub.say("private/get_account_summaries", stubs.deribit_account(stubs.deribit_summary()))

    assert asked("deribit", fill)["margin"].status == "fail"


def test_nobody_there_is_one_failure() -> None:
    rows = asyncio.run(_ask(connection("deribit", "http://127.0.0.1:9")))
    assert [one.status for one in rows] == ["fail", "skip", "skip", "skip"]
    assert [one.status for one in check_venue(connection("deribit", "http://127.0.0.1:9"), offline=True)] == [
        "skip"
    ] * 4


def test_rows() -> None:
    assert rights_row("options", (), ()).status == "ok"
    assert "tied to this machine" in rights_row("options", (), ("withdraw",)).advice
