"""Starts one daemon: state directory, locks, log, identity, journal, recovery, and then the run itself.

The order matters: nothing is opened before the locks are held, nothing is sent before the journal is recovered and the
new epoch is durable. Decides nothing.
"""

import asyncio
import logging
import os
import resource
import signal
import sys
import time
import types
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec
import structlog

from hedgebot import __version__
from hedgebot.config.loader import AccountConnection, Config
from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state
from hedgebot.daemon import logs
from hedgebot.daemon.assembly import Run
from hedgebot.daemon.build import build, checkout
from hedgebot.daemon.channels import channel_secrets
from hedgebot.daemon.claim import AccountClaim
from hedgebot.daemon.clock import Clock
from hedgebot.daemon.crashloop import CrashLoop
from hedgebot.daemon.failpoints import Failpoint, Failpoints
from hedgebot.daemon.hold import SendHold
from hedgebot.daemon.identity import install_id, prepare_state_dir
from hedgebot.daemon.idle_options import option_doubts, unhedged
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.left_behind import check_left_behind
from hedgebot.daemon.lock import InstanceLocks, lock_folders
from hedgebot.daemon.loosened import check_loosened
from hedgebot.daemon.margin_files import check_margin
from hedgebot.daemon.notify import ServiceManager
from hedgebot.daemon.parts import Identity, Venue
from hedgebot.daemon.plugins import load_strategy
from hedgebot.daemon.tracking_budgets import budget_doubts
from hedgebot.domain.client_id import epoch_at
from hedgebot.domain.commands import Issued, MoveCollateral, SubmitOrder
from hedgebot.domain.errors import ConfigError, InstanceError, VenueUnreachable
from hedgebot.domain.events import ConfigApplied, RestoredOrder
from hedgebot.domain.ports import EventSink
from hedgebot.domain.settings import EngineSettings
from hedgebot.domain.treasury import CollateralMove
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.recover import Recovered
from hedgebot.journal.redaction import Redactor
from hedgebot.journal.store import Journal

# Longer than a disk stalls under load; what waits is lost only where the disk never answers.
CLOSE_S_MAX = 20.0


def run(config: Config, *, key_rights_of: frozenset[str] = frozenset()) -> int:
    """Run one daemon to its end, on uvloop where there is one; the exit code. Raises HedgebotError for a bad start.

    `key_rights_of` names venues whose keys may be able to move money out: an operator takes that on them.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(run_daemon(config, key_rights_of=key_rights_of))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def run_daemon(
    config: Config, *, environment: Mapping[str, str] | None = None, key_rights_of: frozenset[str] = frozenset()
) -> int:
    """Run one daemon inside this event loop; the exit code.

    Raises ConfigError, InstanceError (another daemon owns the state directory or an account, told within 2 s),
    JournalError and VenueUnreachable, all before anything was sent.
    """
    env = os.environ if environment is None else environment
    # A core file would hold the keys.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connections = config.connections(env)
    failpoints = Failpoints.from_environment(env)
    state_dir = prepare_state_dir(config.state_dir)
    with InstanceLocks() as locks:
        locks.take_state_dir(state_dir)
        claim = AccountClaim(locks, lock_folders(env), state_dir)
        for one in (one for one in connections if one.role.is_followed):
            claim.by_key(one)
        redactor = _set_up_logs(config, connections)
        return await _recover_and_run(config, connections, failpoints, env, redactor, key_rights_of, claim)


def _set_up_logs(config: Config, connections: tuple[AccountConnection, ...]) -> Redactor:
    from hedgebot.daemon.reaching import secrets_of

    secrets = [one for connection in connections for one in secrets_of(connection)]
    secrets += channel_secrets(config)
    level = logging.getLevelNamesMapping()[config.daemon.log_level.upper()]
    file = config.daemon.log_file
    if file is None:
        return logs.set_up(secrets, level=level, stream=sys.stderr)
    return logs.set_up(secrets, level=level, file=config.state_dir / file.expanduser())


async def _recover_and_run(
    config: Config,
    connections: tuple[AccountConnection, ...],
    failpoints: Failpoints,
    environment: Mapping[str, str],
    redactor: Redactor,
    key_rights_of: frozenset[str],
    claim: AccountClaim,
) -> int:
    log = structlog.stdlib.get_logger("hedgebot.daemon")
    operator, manager = environment.get("USER"), ServiceManager(environment)
    install = install_id(config.state_dir)
    settings = config.engine_settings(install)
    for one in settings.strategies:
        load_strategy(one)  # what cannot be built is refused before anything starts
    _tell_doubts(config, settings)
    crash_loop = CrashLoop(config.state_dir, time.time())  # from here on: a refused configuration is no crash
    journal = await Journal.open(config.state_dir, ballast_bytes=round(config.daemon.ballast_mb * 1e6))
    try:
        clock = Clock()
        recovered = await journal.recover(_engine_of)
        for note in recovered.notes:
            log.warning("journal", note=note)
        failpoints.passed(Failpoint.IN_RECOVERY)
        restored, confirmed = _taken_up(recovered, settings, config, clock, crash_loop)
        manifest = build_manifest(settings, version=__version__, operator=operator, **checkout()._asdict())
        header = await journal.begin_run(manifest)
        failpoints.passed(Failpoint.IN_RECOVERY)
        log.info("journal recovered", epoch=header.epoch, run_id=header.run_id, replayed=recovered.replayed)
        hold = SendHold(KillLatch(config.state_dir), clock.now_ns, settings.limits.order_deadline_ms)
        run_of = Run(
            config=config,
            identity=Identity(
                install=install,
                run_id=header.run_id,
                epoch=header.epoch,
                version=__version__,
                next_seq=header.first_seq,
                restored=restored,
                confirmed=confirmed,
                restored_moves=restored_moves(recovered.unreproduced),
                halted_because=crash_loop.problem,
                id_epoch=epoch_at(clock.now_ns()),
                build=await asyncio.to_thread(build),
            ),
            engine=recovered.engine,
            journal=journal,
            clock=clock,
            failpoints=failpoints,
            open_venue=_venue_opener(
                connections, clock, hold, claim, dict.fromkeys(key_rights_of, operator or "unknown")
            ),
            hold=hold,
            redactor=redactor,
        )
        journal.tell_housekeeping(run_of.journal_complaint)
        run_of.managed_by(manager)
        _listen(run_of)
        try:
            code = await run_of.run()
        except (VenueUnreachable, ConfigError, InstanceError):
            # No venue, a key that must not be used, somebody else's account: nothing began that could have crashed.
            crash_loop.never_began()
            raise
        if code == 0:
            crash_loop.ended_cleanly()
        return code
    finally:
        await _close(journal)


async def _close(journal: Journal) -> None:
    try:
        async with asyncio.timeout(CLOSE_S_MAX):
            await journal.close()
    except TimeoutError:
        log = structlog.stdlib.get_logger("hedgebot.daemon")
        log.error("the journal could not be closed", limit_s=CLOSE_S_MAX)  # noqa: TRY400  (the disk hangs: no trace)


def _tell_doubts(config: Config, settings: EngineSettings) -> None:
    """Log what is doubtful about a configuration that can be run."""
    log = structlog.stdlib.get_logger("hedgebot.daemon")
    for doubt in check_margin(config, time.time_ns()):
        log.warning("margin parameters", doubt=doubt)
    for doubt in budget_doubts(settings.strategies):
        log.warning("tracking budget", doubt=doubt)
    now_ns = time.time_ns()
    for doubt in unhedged(settings, now_ns) + option_doubts(settings, now_ns):
        log.warning("strategies", doubt=doubt)


def _engine_of(snapshot: bytes | None) -> Engine:
    return Engine(load_strategy, None if snapshot is None else decode_state(snapshot))


def _taken_up(
    recovered: Recovered[Engine], settings: EngineSettings, config: Config, clock: Clock, crash_loop: CrashLoop
) -> tuple[tuple[RestoredOrder, ...], ConfigApplied | None]:
    """Go on where the journal ends: the orders to look up, and an operator's word for limits that become looser.

    Raises ConfigError where these settings would forget an order, or loosen a hard limit that nobody has confirmed.
    """
    state = recovered.engine.state if recovered.replayed or recovered.snapshot_seq is not None else None
    restored = restored_orders(recovered.unreproduced)
    if state is not None:
        clock.not_before(state.at_ns)
    try:
        check_left_behind(state, restored, settings)
        confirmed = check_loosened(None if state is None else state.settings, settings, config)
    except ConfigError:
        crash_loop.never_began()
        raise
    return restored, confirmed


def restored_orders(unreproduced: Iterable[Issued]) -> tuple[RestoredOrder, ...]:
    """The journal's orders that the recovered engine does not know, for it to look up."""
    return tuple(
        RestoredOrder(client_id=one.command.client_id, intent=one.command.approved.intent, sent_at_ns=one.at_ns)
        for one in unreproduced
        if isinstance(one.command, SubmitOrder)
    )


def restored_moves(unreproduced: Iterable[Issued]) -> tuple[CollateralMove, ...]:
    """The journal's moves of collateral that the recovered engine does not know, for it to look up."""
    return tuple(one.command.move for one in unreproduced if isinstance(one.command, MoveCollateral))


def _venue_opener(
    connections: tuple[AccountConnection, ...],
    clock: Clock,
    hold: SendHold,
    claim: AccountClaim,
    accepted: Mapping[str, str] = types.MappingProxyType({}),
) -> Callable[[str, EventSink], Venue]:
    # ccxt takes 1.5 s to import: only after the locks are held and the journal is recovered.
    from hedgebot.daemon.reaching import venue_connection
    from hedgebot.venues.registry import open_venue, take_time_from

    hold.beat()
    by_name = {one.account: one for one in connections}
    take_time_from(clock.now_ns)

    def open_one(account: str, sink: EventSink) -> Venue:
        one = by_name[account]
        connection = msgspec.structs.replace(
            venue_connection(one),
            order_timeout_ms=one.order_timeout_ms,
            order_entry="ws" if one.order_entry == "ws" else "rest",
            drop_copy=one.drop_copy,
            moves_collateral=one.moves_collateral,
            rights_accepted_by=accepted.get(one.venue, ""),
        )
        venue = open_venue(connection, sink, clock.now_ns)
        venue.hold_orders(hold.problem)
        venue.claim_account(partial(claim.by_uid, one))
        return venue

    return open_one


def _listen(run_of: Run) -> None:
    """Signals: TERM and INT stop (again: at once), USR1 kills; what no task caught is told."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, run_of.request_stop, signal.Signals(number).name)
    loop.add_signal_handler(signal.SIGUSR1, run_of.request_kill, "signal", "SIGUSR1")
    log = structlog.stdlib.get_logger("hedgebot.loop")

    def on_stray(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        log.error("stray failure", problem=str(context.get("message")), exc_info=error)
        task = context.get("task") or context.get("future")
        name = task.get_name() if isinstance(task, asyncio.Task) else "loop"
        run_of.task_complaint(name, f"{context.get('message')}: {error!r}")

    loop.set_exception_handler(on_stray)
