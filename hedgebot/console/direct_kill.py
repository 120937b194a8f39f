"""`hedgebot kill --direct`: tells the daemon if it listens, and cancels at every venue from this process meanwhile.

Owns the words and the exit code; the cancelling is the venue room's. The daemon is asked in a thread of its own with a
short patience: whatever hangs there, nothing here waits for it.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from hedgebot.console.control import ask
from hedgebot.console.errors import DaemonUnreachable, WrongUse
from hedgebot.console.order_strategies import OrderStrategies
from hedgebot.console.output import emit, plain
from hedgebot.daemon.latch import KillLatch, file_name
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.errors import ExitCode, HedgebotError
from hedgebot.domain.kill import KillAction, KillScope, scope_words
from hedgebot.domain.settings import AccountRole

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from hedgebot.config import AccountConnection, Config
    from hedgebot.venues.direct import DirectCancel, IsOurs

DAEMON_WAIT_S = 2.0
WITHIN_S = 30.0


def kill_directly(
    config: "Config",
    operator: str,
    reason: str,
    *,
    scope: KillScope,
    name: str,
    action: KillAction,
    foreign: bool,
    as_json: bool,
) -> None:
    """Cancel what is ours in a scope (or everybody's) on every account that we may trade on; says what is not proven.

    Raises ConfigError when keys are missing, WrongUse for a scope that cannot be told from here. Ends with typer.Exit:
    0 proven, 5 not proven; also where neither the daemon nor a file holds the kill beyond this moment.
    """
    connections = [one for one in config.connections(trading=True) if _is_meant(one, scope, name)]
    if not connections:
        raise WrongUse(f"no account that we may trade on belongs to {scope_words(scope, name)}")
    senders = OrderStrategies(config.state_dir) if scope is KillScope.STRATEGY and not foreign else None
    is_ours = _everybody if foreign else _within(config, scope, name, senders)
    words = {"operator": operator, "reason": reason, "scope": scope.value, "name": name, "action": action.value}
    # An order of a hedge account is ours by declaration: together they go faster than the venue takes single cancels.
    by_account = scope in {KillScope.ALL, KillScope.VENUE, KillScope.ACCOUNT}
    cancels = {
        one.account: _cancel(one, is_ours, whole=foreign or (by_account and one.role is AccountRole.HEDGE))
        for one in connections
    }
    told, done = asyncio.run(_kill(config, cancels, words))
    latched = told or KillLatch(config.state_dir).stands(scope, name)
    proven = latched and all(not one.unproven for one in done)
    data = {"killed": latched, "daemon": told, "proven": proven, "accounts": msgspec.to_builtins(done)}
    lines = [_latch_line(config, scope, name, told=told, latched=latched)]
    if action is not KillAction.FREEZE:
        data["degraded"] = lines[0] = f"{lines[0]}; from here orders are cancelled only, {action} is the daemon's to do"
    if not foreign and _install_of(config) is None:
        lines.append(
            f"{config.state_dir} does not say which installation this is: orders of every hedgebot counted as ours"
        )
    lines += senders.notes() if senders else []
    for one in done:
        lines += _lines(one)
    emit(data, lines, as_json=as_json)
    raise typer.Exit(ExitCode.OK if proven else ExitCode.UNKNOWN)


def _latch_line(config: "Config", scope: KillScope, name: str, *, told: bool, latched: bool) -> str:
    if told:
        return "killed; the daemon has taken it"
    if latched:
        return "killed; the daemon did not answer: its next start stays killed"
    file = plain(str(config.state_dir / file_name(scope, name)))
    return (
        f"NOT LATCHED: the daemon did not answer and {file} could not be written: orders are cancelled now, a daemon "
        "that goes on or starts again TRADES; make that file by any means, or keep the daemon from running"
    )


def _is_meant(connection: "AccountConnection", scope: KillScope, name: str) -> bool:
    """Whether an account can hold orders of a scope."""
    if scope is KillScope.ACCOUNT:
        return connection.account == name
    return scope is not KillScope.VENUE or connection.venue == name


def _within(config: "Config", scope: KillScope, name: str, senders: OrderStrategies | None) -> "IsOurs":
    """Orders of ours in a scope, by their client ids, which name no underlying, and who sent them by the journal."""
    of_us = _of_installation(config)
    if scope is KillScope.ORDER:
        return lambda client_id: client_id == name and of_us(client_id)
    if senders is not None:
        return lambda client_id: of_us(client_id) and senders.may_be(client_id, name)
    return of_us


async def _kill(
    config: "Config", cancels: "Mapping[str, Coroutine[Any, Any, DirectCancel]]", words: dict[str, str]
) -> tuple[bool, list["DirectCancel"]]:
    daemon = asyncio.create_task(asyncio.to_thread(_tell_daemon, config, words))
    done = await all_of(cancels)
    return await daemon, done


async def all_of(cancels: "Mapping[str, Coroutine[Any, Any, DirectCancel]]") -> list["DirectCancel"]:
    """Every account's report, by its name; one that breaks ends no other, and is reported as not proven."""
    from hedgebot.venues.direct import DirectCancel

    found = await asyncio.gather(*cancels.values(), return_exceptions=True)
    done = []
    for account, one in zip(cancels, found, strict=True):
        if isinstance(one, BaseException):
            # Only our own words: another error's may carry what a request carried.
            words = f": {one}" if isinstance(one, HedgebotError) else ""
            one = DirectCancel(  # noqa: PLW2901
                account=account,
                cancelled=(),
                left_alone=0,
                unproven=(f"{type(one).__name__}{words}",),
                last_request_s=None,
                verified_s=None,
            )
        done.append(one)
    return done


async def _cancel(connection: "AccountConnection", is_ours: "IsOurs", *, whole: bool) -> "DirectCancel":
    from hedgebot.daemon.reaching import secrets_of, venue_connection
    from hedgebot.venues.direct import cancel_directly

    done = await cancel_directly(
        venue_connection(connection),
        is_ours,
        whole=whole,
        within_s=WITHIN_S,
        # Also a daemon that says it has halted may have sent an order just before: the venue takes it for so long.
        settle_s=lambda: connection.recv_window_ms / 1_000,
        now_ns=time.time_ns,
        now_s=time.monotonic,
    )
    # After the cancels, which wait for nothing. A venue may repeat in its refusal what the request was signed with.
    from hedgebot.journal.redaction import Redactor

    redactor = Redactor(secrets_of(connection))
    return msgspec.structs.replace(done, unproven=tuple(redactor.text(words) for words in done.unproven))


def _tell_daemon(config: "Config", words: dict[str, str]) -> bool:
    """Whether the daemon took the kill."""
    try:
        return ask(config.state_dir, "kill", timeout_s=DAEMON_WAIT_S, **words).ok
    except (DaemonUnreachable, HedgebotError):
        return False


def _everybody(_client_id: str | None) -> bool:
    return True


def _of_installation(config: "Config") -> "IsOurs":
    """Orders with this installation's mark; with any hedgebot's where the state folder does not say which this is."""
    install = _install_of(config)

    def is_ours(client_id: str | None) -> bool:
        made_by = decode_client_id(client_id)
        return made_by is not None and install in {None, made_by.install}

    return is_ours


def _install_of(config: "Config") -> int | None:
    try:
        return int((config.state_dir / "install_id").read_text("ascii").strip(), 16)
    except (OSError, ValueError):
        return None


def _lines(one: "DirectCancel") -> list[str]:
    left = f", {one.left_alone} other orders left alone" if one.left_alone else ""
    filled = [f"  FILLED {plain(why)}: a position came of it" for why in one.filled]
    if not one.unproven:
        done = f"{one.account}: {len(one.cancelled)} orders cancelled, {len(one.filled)} filled"
        return [f"{done}, none of ours alive after {one.verified_s} s{left}", *filled]
    return [
        f"{one.account}: NOT PROVEN that no order of ours is alive{left}",
        *(f"  {plain(why)}" for why in one.unproven),
        *filled,
    ]
