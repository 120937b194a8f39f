"""The doctor's questions to a venue: does it answer, is its clock ours, what may the key do, how are positions kept.

Asks through the venue room's own query client; signed reads only, never an order.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from hedgebot.config import AccountConnection
from hedgebot.console.doctor import Row, Status
from hedgebot.console.output import plain
from hedgebot.venues.replies import bare_sentence

CLOCK_WARN_MS = 500.0
CLOCK_FAIL_MS = 1_000.0
VENUE_WAIT_S = 15.0


def ask_venue(connection: AccountConnection) -> list[Row]:
    """Ask everything; a venue that does not answer gives one failure, and the rest is skipped."""
    logging.getLogger("ccxt").setLevel(logging.WARNING)
    return asyncio.run(_ask(connection))


async def _ask(connection: AccountConnection) -> list[Row]:
    from hedgebot.daemon.reaching import venue_connection
    from hedgebot.venues.bybit_profile import BYBIT
    from hedgebot.venues.client import open_query_client
    from hedgebot.venues.clock import measure, sign_with
    from hedgebot.venues.guard import FAULTS
    from hedgebot.venues.keys import account_uid, key_problem, move_problem

    client = open_query_client(venue_connection(connection), observe=lambda _reply: None)
    where = connection.endpoint or f"{connection.venue} {'testnet' if connection.testnet else '(real money)'}"
    try:
        async with asyncio.timeout(VENUE_WAIT_S):
            measured = await measure(connection.account, client, time.time_ns)
            sign_with(measured, client)
            rows = [
                Row(check="venue", status=Status.OK, finding=f"{where} answers in {measured.round_trip_ms:.0f} ms"),
                clock_row(measured.offset_ms),
                depth_row(connection.venue, shows_sizes=BYBIT.shows_sizes),
            ]
    except (*FAULTS, TimeoutError) as error:
        rows = [
            unreachable_row(where, error),
            *skipped("clock", "key rights", "position mode", "dead man's switch", "wallet"),
        ]
    else:

        async def rights() -> Row:
            answer = await client.privateGetV5UserQueryApi()
            found, moves = answer.get("result") or {}, connection.moves_collateral
            lacks = move_problem(BYBIT, found) if moves else ""
            uids.append(account_uid(found))
            return key_row(connection, key_problem(BYBIT, connection.role, found, moves=moves), lacks)

        async def mode() -> Row:
            answer = await client.privateGetV5PositionList({"category": "linear", "settleCoin": "USDT"})
            return mode_row(answer)

        async def wallet() -> Row:
            answer = await client.privateGetV5AccountWalletBalance({"accountType": "UNIFIED"})
            return wallet_row(connection, answer)

        async def switch() -> Row:
            return dead_man_row(connection, await client.privateGetV5AccountQueryDcpInfo())

        uids: list[str] = []
        rows += [await _asked("key rights", rights, FAULTS), *(owner_row(connection, uid) for uid in uids)]
        rows.append(await _asked("position mode", mode, FAULTS))
        rows.append(await _asked("dead man's switch", switch, FAULTS))
        rows.append(await _asked("wallet", wallet, FAULTS))
    finally:
        await client.close()
    return rows


async def _asked(check: str, question: Callable[[], Awaitable[Row]], faults: tuple[type[Exception], ...]) -> Row:
    """Ask one thing; a refusal is a failed row, not the end of the visit."""
    caught: tuple[type[Exception], ...] = (*faults, TimeoutError)
    try:
        async with asyncio.timeout(VENUE_WAIT_S):
            return await question()
    except caught as error:
        words = plain(bare_sentence(error))
        return Row(
            check=check, status=Status.FAIL, finding=words, advice="check the key, and the address it is tied to"
        )


def clock_row(offset_ms: float) -> Row:
    """The venue refuses requests from a clock that is too far off."""
    finding = f"the venue's clock is {offset_ms:+.0f} ms from this machine's"
    if abs(offset_ms) <= CLOCK_WARN_MS:
        return Row(check="clock", status=Status.OK, finding=finding)
    status = Status.FAIL if abs(offset_ms) > CLOCK_FAIL_MS else Status.WARN
    return Row(check="clock", status=status, finding=finding, advice="let a time service (chrony, NTP) set this clock")


def depth_row(venue: str, *, shows_sizes: bool) -> Row:
    """Whether an order is held against what stands at the price that it hits."""
    if shows_sizes:
        finding = f"{venue} shows how much stands at a price: an order takes at most order_top_ratio_max times that"
        return Row(check="book depth", status=Status.OK, finding=finding)
    finding = f"not checked: {venue} does not show how much stands at a price"
    advice = "keep order_qty_coin_max and order_notional_usd_max to what its book takes"
    return Row(check="book depth", status=Status.WARN, finding=finding, advice=advice)


def key_row(connection: AccountConnection, problem: str | None, lacks: str = "") -> Row:
    """A key that can move money out is refused, here and at every start; `lacks` is what its moves need."""
    account = connection.account
    if problem is None and lacks:
        advice = f"give it that right, bound to this machine's address, or take [treasury.{account}] out"
        return Row(check="key rights", status=Status.WARN, finding=plain(lacks), advice=advice)
    if problem is None:
        moves = " but from its own funding wallet" if connection.moves_collateral else ""
        finding = f"the key of {account} trades and cannot move money{moves or ' out'}"
        return Row(check="key rights", status=Status.OK, finding=finding)
    advice = "make a key that trades only, without wallet rights, tied to this machine's address"
    return Row(check="key rights", status=Status.FAIL, finding=plain(problem), advice=advice)


def owner_row(connection: AccountConnection, uid: str) -> Row:
    """Whether a daemon with another key of the same account would be noticed."""
    if uid:
        finding = f"{connection.account} is the venue's {plain(uid)}: one daemon has it here, whichever its key"
        return Row(check="account", status=Status.OK, finding=finding)
    advice = "see to it that no other daemon has a key of this account"
    finding = "the venue does not say whose the key is: a daemon with another key of this account is not noticed"
    return Row(check="account", status=Status.WARN, finding=finding, advice=advice)


def mode_row(answer: dict[str, Any]) -> Row:
    """One-way mode: with two positions on one instrument a hedge may open in place of closing."""
    rows = (answer.get("result") or {}).get("list") or []
    if any(str(row.get("positionIdx", "0")) != "0" for row in rows):
        advice = "switch the account to one-way mode; hedgebot never does that itself"
        return Row(check="position mode", status=Status.FAIL, finding="the account is in hedge mode", advice=advice)
    finding = "one-way" if rows else "no position to tell it by; one-way is the default"
    return Row(check="position mode", status=Status.OK, finding=finding)


def wallet_row(connection: AccountConnection, answer: dict[str, Any]) -> Row:
    """Whether a coin lies in the wallet that may be exposure and is not counted; it is told, nothing is stopped."""
    from hedgebot.core.unnamed import sentences
    from hedgebot.venues.bybit_profile import BYBIT
    from hedgebot.venues.normalise import Scope
    from hedgebot.venues.normalise_account import wallet

    rows = (answer.get("result") or {}).get("list") or []
    if not rows:
        finding, advice = "the venue's answer names no wallet", "run it again; status shows what the daemon reads"
        return Row(check="wallet", status=Status.WARN, finding=finding, advice=advice)
    held = wallet(Scope(account=connection.account, profile=BYBIT, instruments={}), rows[0], 0)
    found = sentences(connection.account, held.balances, held.prices_usd, connection.named_coins)
    if not found:
        return Row(check="wallet", status=Status.OK, finding="every coin of the wallet is named, or cash")
    finding = plain("; ".join(one.partition(";")[0] for one in found))
    advice = "name it in `tokens` of its underlying, or accept it in `no_exposure` of the account"
    return Row(check="wallet", status=Status.WARN, finding=finding, advice=advice)


def dead_man_row(connection: AccountConnection, answer: dict[str, Any]) -> Row:
    """What the venue has, what it granted this account, and what is asked for; it cancels orders, keeps positions."""
    from hedgebot.venues.deadman_table import AS_OF, capability

    has, wanted = capability(connection.venue), connection.dead_man_s
    listed = (answer.get("result") or {}).get("dcpInfos") or []
    granted = [f"{one.get('product')} {one.get('timeWindow')} s" for one in listed if one.get("dcpStatus") == "ON"]
    known = f"{has.venue} ({has.kind.value}, {has.caveat}; as of {AS_OF})"
    check = "dead man's switch"
    if granted:
        use = f"{wanted:g} s is asked for" if wanted else "not asked for, so that nothing may rest"
        finding = plain(f"granted to this account: {', '.join(granted)}; {use}; {known}")
        return Row(check=check, status=Status.OK, finding=finding)
    finding = f"none for this account: immediate-or-cancel orders only, nothing rests; {known}"
    if wanted is None:
        return Row(check=check, status=Status.OK, finding=finding)
    advice = f"take accounts.{connection.account}.dead_man_s out, or have the venue grant it"
    return Row(check=check, status=Status.WARN, finding=finding, advice=advice)


def unreachable_row(where: str, error: BaseException) -> Row:
    """Nobody answers."""
    finding = f"{where} does not answer: {plain(bare_sentence(error))}"
    advice = "check the network; for a simulated exchange: hedgebot exchange serve"
    return Row(check="venue", status=Status.FAIL, finding=finding, advice=advice)


def skipped(*checks: str) -> list[Row]:
    """Rows that need an answer first."""
    return [Row(check=one, status=Status.SKIP, finding="the venue does not answer") for one in checks]
