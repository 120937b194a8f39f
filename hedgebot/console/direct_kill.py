"""`hedgebot kill --direct`: tells the daemon if it listens, and cancels at every venue from this process meanwhile.

Owns the words and the exit code; the cancelling is the venue room's. The daemon is asked in a thread of its own with a
short patience: whatever hangs there, nothing here waits for it.
"""

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec
import typer

from hedgebot.console.control import ask
from hedgebot.console.errors import DaemonUnreachable
from hedgebot.console.output import emit, plain
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.errors import ExitCode, HedgebotError

if TYPE_CHECKING:
    from hedgebot.config import AccountConnection, Config
    from hedgebot.venues.direct import DirectCancel, IsOurs

DAEMON_WAIT_S = 2.0
WITHIN_S = 30.0


def kill_directly(config: "Config", operator: str, reason: str, *, everything: bool, as_json: bool) -> None:
    """Cancel what is ours (or everything) on every account that we may trade on; says what is not proven.

    Raises ConfigError when keys are missing. Ends with typer.Exit: 0 proven, 5 not proven.
    """
    connections = [one for one in config.connections() if one.role.may_trade]
    told, done = asyncio.run(_kill(config, connections, operator, reason, everything=everything))
    proven = all(not one.unproven for one in done)
    data = {"killed": True, "daemon": told, "proven": proven, "accounts": msgspec.to_builtins(done)}
    lines = [f"killed; the daemon {'has halted' if told else 'did not answer: its next start stays halted'}"]
    for one in done:
        lines += _lines(one)
    emit(data, lines, as_json=as_json)
    raise typer.Exit(ExitCode.OK if proven else ExitCode.UNKNOWN)


async def _kill(
    config: "Config", connections: list["AccountConnection"], operator: str, reason: str, *, everything: bool
) -> tuple[bool, list["DirectCancel"]]:
    is_ours = _everybody if everything else _of_installation(config)
    daemon = asyncio.create_task(asyncio.to_thread(_tell_daemon, config, operator, reason))
    cancels = [_cancel(one, is_ours, daemon) for one in connections]
    done = await asyncio.gather(*cancels)
    return await daemon, done


async def _cancel(connection: "AccountConnection", is_ours: "IsOurs", daemon: "asyncio.Task[bool]") -> "DirectCancel":
    from hedgebot.venues.connection import VenueConnection
    from hedgebot.venues.direct import cancel_directly

    venue = VenueConnection(
        account=connection.account,
        venue=connection.venue,
        role=connection.role,
        endpoint=connection.endpoint,
        testnet=connection.testnet,
        api_key=connection.api_key.get_secret_value(),
        api_secret=connection.api_secret.get_secret_value(),
        recv_window_ms=connection.recv_window_ms,
    )
    return await cancel_directly(
        venue,
        is_ours,
        within_s=WITHIN_S,
        # A daemon that says it has halted sends nothing more; one that does not may have an order under way.
        settle_s=lambda: 0.0 if daemon.done() and daemon.result() else connection.recv_window_ms / 1_000,
        now_ns=time.time_ns,
        now_s=time.monotonic,
    )


def _tell_daemon(config: "Config", operator: str, reason: str) -> bool:
    """Whether the daemon took the kill."""
    try:
        return ask(config.state_dir, "kill", timeout_s=DAEMON_WAIT_S, operator=operator, reason=reason).ok
    except (DaemonUnreachable, HedgebotError):
        return False


def _everybody(_client_id: str | None) -> bool:
    return True


def _of_installation(config: "Config") -> "IsOurs":
    """Orders with this installation's mark; with any hedgebot's where the state folder does not say which this is."""
    try:
        install: int | None = int((config.state_dir / "install_id").read_text("ascii").strip(), 16)
    except (OSError, ValueError):
        install = None

    def is_ours(client_id: str | None) -> bool:
        made_by = decode_client_id(client_id)
        return made_by is not None and install in {None, made_by.install}

    return is_ours


def _lines(one: "DirectCancel") -> list[str]:
    left = f", {one.left_alone} orders of others left alone" if one.left_alone else ""
    if not one.unproven:
        return [
            f"{one.account}: {len(one.cancelled)} orders cancelled, none of ours alive after {one.verified_s} s{left}"
        ]
    return [
        f"{one.account}: NOT PROVEN that no order of ours is alive{left}",
        *(f"  {plain(why)}" for why in one.unproven),
    ]
