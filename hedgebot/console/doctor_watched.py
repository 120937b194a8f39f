"""The doctor's questions to the venue of a watched account: does it answer, what may the key do, what is its margin.

Asks through the venue room's own client; reads only.
"""

import asyncio
import logging
import time

from hedgebot.config import AccountConnection
from hedgebot.console.doctor import Row, Status
from hedgebot.console.doctor_venue import VENUE_WAIT_S, clock_row, unreachable_row
from hedgebot.console.output import plain

CHECKS = ("venue", "clock", "key rights", "margin")


def ask_watched(connection: AccountConnection) -> list[Row]:
    """Ask everything; a venue that does not answer gives one failure, and the rest is skipped."""
    logging.getLogger("ccxt").setLevel(logging.WARNING)
    return asyncio.run(_ask(connection))


async def _ask(connection: AccountConnection) -> list[Row]:
    from hedgebot.daemon.reaching import venue_connection
    from hedgebot.venues.clock import measure, sign_with
    from hedgebot.venues.guard import FAULTS
    from hedgebot.venues.watched.client import open_client

    reached = venue_connection(connection)
    client = open_client(reached, lambda _reply: None)
    where = connection.endpoint or f"{connection.venue} {'testnet' if connection.testnet else '(real money)'}"
    try:
        async with asyncio.timeout(VENUE_WAIT_S):
            measured = await measure(connection.account, client, time.time_ns)
        sign_with(measured, client)
        answers = Row(
            check="venue", status=Status.OK, finding=f"{where} answers in {measured.round_trip_ms:.0f} ms, only watched"
        )
        return [
            answers,
            clock_row(measured.offset_ms),
            await _rights(connection, client),
            await _margin(connection, client),
        ]
    except FAULTS as error:
        skipped = [Row(check=one, status=Status.SKIP, finding="the venue does not answer") for one in CHECKS[1:]]
        return [unreachable_row(where, error), *skipped]
    finally:
        await client.close()


async def _rights(connection: AccountConnection, client: object) -> Row:
    from hedgebot.daemon.reaching import venue_connection
    from hedgebot.venues.guard import FAULTS
    from hedgebot.venues.watched.rights import rights_of
    from hedgebot.venues.watched.words import said

    try:
        async with asyncio.timeout(VENUE_WAIT_S):
            found = await rights_of(venue_connection(connection), client, time.time_ns() // 1_000_000)
    except FAULTS as error:
        finding = f"the venue does not say what the key of {connection.account} may do: {plain(said(error)[1])}"
        return Row(check="key rights", status=Status.FAIL, finding=finding, advice="check the key and its address")
    return rights_row(connection.account, found.lacks, found.more)


def rights_row(account: str, lacks: tuple[str, ...], more: tuple[str, ...]) -> Row:
    """A key that cannot read fails; one that can do more than read is a needless risk."""
    if lacks:
        finding = f"the key of {account} cannot read its margin: it lacks {plain(', '.join(lacks))}"
        advice = "give it the right to read account and positions, and no other"
        return Row(check="key rights", status=Status.FAIL, finding=finding, advice=advice)
    if more:
        finding = f"the key of {account} may do more than read: {plain(', '.join(more))}"
        advice = "the account is only watched: make a key that reads, tied to this machine's address"
        return Row(check="key rights", status=Status.WARN, finding=finding, advice=advice)
    return Row(check="key rights", status=Status.OK, finding=f"the key of {account} reads and can do nothing else")


async def _margin(connection: AccountConnection, client: object) -> Row:
    from hedgebot.daemon.reaching import venue_connection
    from hedgebot.domain.health import use_of
    from hedgebot.venues.guard import FAULTS
    from hedgebot.venues.watched.pockets import report_of
    from hedgebot.venues.watched.venue import reader_of
    from hedgebot.venues.watched.words import said

    try:
        async with asyncio.timeout(VENUE_WAIT_S):
            read = await reader_of(venue_connection(connection), client, time.time_ns).read()
            report = report_of(connection.account, read)
    except FAULTS as error:
        finding = f"the margin of {connection.account} cannot be read: {plain(said(error)[1])}"
        return Row(check="margin", status=Status.FAIL, finding=finding, advice="runbooks/RB-19 and RB-21")
    equity, maintenance, watched = report.equity_usd, report.maintenance_margin_usd, report.watched
    if equity is None or maintenance is None:
        finding = f"the venue names no margin of {connection.account}: its use would be unknown"
        return Row(check="margin", status=Status.FAIL, finding=finding, advice="check the account's margin mode")
    problem = watched.problem if watched else ""
    finding = f"margin use of {connection.account} is {use_of(float(maintenance), float(equity)):.1%}"
    if problem:
        advice = "without positions no model of ours stands beside the venue's number"
        finding = f"{finding}; its positions are not known: {plain(problem)}"
        return Row(check="margin", status=Status.WARN, finding=finding, advice=advice)
    return Row(check="margin", status=Status.OK, finding=finding)
