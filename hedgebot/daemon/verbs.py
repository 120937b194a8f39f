"""What the verbs of the control socket mean: each is a look at the state or an event for the engine. Decides nothing.

An operator's word is an event; whether it is taken is the engine's answer, passed on as it was journaled.
"""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from hedgebot.config.changes import diff, loosened, restart_needed
from hedgebot.config.loader import Config, load_config
from hedgebot.config.plugins import known_strategies
from hedgebot.core.switch_state import MOVE_STRATEGY
from hedgebot.daemon.control import Reply, Request, refusal
from hedgebot.daemon.delivery import Trial, trial_code
from hedgebot.daemon.health import Health, describe
from hedgebot.daemon.killswitch import KillSwitch
from hedgebot.daemon.margin_files import check_margin
from hedgebot.daemon.plugins import load_strategy
from hedgebot.daemon.receipts import Receipts
from hedgebot.daemon.slips import exposure_lines, second_step, slips
from hedgebot.daemon.verbs_limits import LimitVerbs
from hedgebot.daemon.verbs_treasury import TreasuryVerbs
from hedgebot.daemon.words import (
    ANSWER_S_MAX,
    action_of,
    answered,
    names_of,
    operator_of,
    reason_of,
    scope_of,
    unanswered,
)
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode
from hedgebot.domain.errors import ConfigError, ExitCode
from hedgebot.domain.events import (
    AccessRefused,
    ConfigApplied,
    OperatorKilled,
    OperatorUnkilled,
    OrderResolved,
    StrategySwitched,
)
from hedgebot.domain.operator_events import Resolution
from hedgebot.domain.riskbook import RiskBook


class Shell(msgspec.Struct, kw_only=True):
    """What the verbs may ask of the daemon around them."""

    status: Callable[[], dict[str, Any]]
    health: Callable[[], Health]
    mode: Callable[[], Mode]
    request_stop: Callable[[str], None]
    alert: Callable[[AlertKind, str, str], None]
    try_alerts: Callable[[str], Awaitable[tuple[Trial, ...]]]
    risk_book: Callable[[], RiskBook]
    what_if: Callable[[dict[str, Any]], Awaitable[Reply]]


class Verbs:
    """Handles the requests of the control socket."""

    def __init__(self, *, shell: Shell, receipts: Receipts, switch: KillSwitch, config: Config, install: int) -> None:
        self._shell = shell
        self._receipts = receipts
        self._switch = switch
        self._config = config
        self._install = install
        self._log = structlog.stdlib.get_logger("hedgebot.operator")
        self._handlers: dict[str, Callable[[dict[str, Any]], Awaitable[Reply]]] = {
            "status": self._status,
            "health": self._health,
            "kill": self._kill,
            "unkill": self._unkill,
            "adopt": self._adopt,
            "forget": self._forget,
            "enable": self._enable,
            "disable": self._disable,
            "apply": self._apply,
            "stop": self._stop,
            "alerts-test": self._test_alerts,
            "refused": self._refused,
            "risk-book": self._risk_book,
            "margin-what-if": shell.what_if,
            "limit-raise": LimitVerbs(receipts).raise_limit,
            "limit-restore": LimitVerbs(receipts).restore,
            "treasury-approve": TreasuryVerbs(receipts).approve,
            "treasury-reject": TreasuryVerbs(receipts).reject,
            "treasury-adopt": TreasuryVerbs(receipts).adopt,
            "treasury-forget": TreasuryVerbs(receipts).forget,
        }

    @property
    def config(self) -> Config:
        """The configuration that was put in force last."""
        return self._config

    async def handle(self, request: Request) -> Reply:
        """Answer one request; unknown verbs and missing arguments get a sentence and the usage code."""
        handler = self._handlers.get(request.verb)
        if handler is None:
            return refusal(f"unknown verb {request.verb!r}: there are {', '.join(self._handlers)}", ExitCode.USAGE)
        return await handler(request.args)

    async def _status(self, _args: dict[str, Any]) -> Reply:
        codes: dict[Mode, int] = {
            Mode.ACTIVE: ExitCode.OK,
            Mode.HALTED: ExitCode.HALTED,
            Mode.REDUCING: ExitCode.DEGRADED,
            Mode.RECOVERING: ExitCode.DEGRADED,
        }
        return Reply(ok=True, code=codes[self._shell.mode()], data=self._shell.status())

    async def _health(self, _args: dict[str, Any]) -> Reply:
        health = self._shell.health()
        code = ExitCode.OK if health.ready else ExitCode.DEGRADED
        if self._shell.mode() is Mode.HALTED:
            code = ExitCode.HALTED
        return Reply(ok=True, code=code if health.live else ExitCode.FAILED, data=describe(health))

    async def _kill(self, args: dict[str, Any]) -> Reply:
        try:
            (scope, name), action = scope_of(args), action_of(args)
        except ValueError as error:
            return refusal(f"kill: {error}", ExitCode.USAGE)
        event = OperatorKilled(
            operator=operator_of(args),
            reason=reason_of(args, "no reason given"),
            scope=scope,
            name=name,
            action=action,
        )
        return await self._switch.kill(event)

    async def _unkill(self, args: dict[str, Any]) -> Reply:
        reason = reason_of(args, "")
        if not reason:
            return refusal("unkill needs a reason: what was wrong, and why it is over", ExitCode.USAGE)
        try:
            scope, name = scope_of(args)
        except ValueError as error:
            return refusal(f"unkill: {error}", ExitCode.USAGE)
        reviewed = names_of(args, "reviewed")
        event = OperatorUnkilled(operator=operator_of(args), reason=reason, scope=scope, name=name, reviewed=reviewed)
        return await self._switch.unkill(event, args)

    async def _adopt(self, args: dict[str, Any]) -> Reply:
        return await self._resolve(args, Resolution.ADOPT)

    async def _forget(self, args: dict[str, Any]) -> Reply:
        return await self._resolve(args, Resolution.FORGET)

    async def _resolve(self, args: dict[str, Any], resolution: Resolution) -> Reply:
        client_id = str(args.get("order") or "")
        if not client_id:
            return refusal(f"{resolution} needs the order's client id", ExitCode.USAGE)
        event = OrderResolved(
            operator=operator_of(args), reason=reason_of(args, ""), client_id=client_id, resolution=resolution
        )
        return answered(resolution.value, await self._receipts.put(event, ANSWER_S_MAX))

    async def _enable(self, args: dict[str, Any]) -> Reply:
        return await self._turn(args, enabled=True)

    async def _disable(self, args: dict[str, Any]) -> Reply:
        return await self._turn(args, enabled=False)

    async def _turn(self, args: dict[str, Any], *, enabled: bool) -> Reply:
        name = str(args.get("strategy") or args.get("name") or "")
        configured = tuple(one.name for one in self._config.engine_settings(self._install).strategies)
        # Moves of hedges have no section of their own, and can be latched off all the same: the engine knows.
        if name not in configured and not (enabled and name == MOVE_STRATEGY):
            there = ", ".join(configured) or "none"
            known = ", ".join(known_strategies()) or "none"
            return refusal(f"strategy {name!r} is not configured: configured {there}; known {known}", ExitCode.REFUSED)
        event = StrategySwitched(
            strategy=name, enabled=enabled, operator=operator_of(args), reason=reason_of(args, "no reason given")
        )
        return answered("enable" if enabled else "disable", await self._receipts.put(event, ANSWER_S_MAX))

    async def _apply(self, args: dict[str, Any]) -> Reply:
        path = Path(str(args.get("path") or self._config.path))
        limits = Path(str(args["limits"])) if args.get("limits") else None
        if args.get("dry_run") is True:
            return self._would_apply(path, limits)
        try:
            new = load_config(path, limits, state_dir=self._config.state_dir)
            changes = self._changes(new)
        except ConfigError as error:
            self._log.warning("configuration refused", problem=str(error), kept=self._config.hash)
            self._shell.alert(AlertKind.CONFIG_REJECTED, path.name, f"{path} was refused: {error}")
            return refusal(f"{error}\nThe running configuration {self._config.hash} stays.", ExitCode.REFUSED)
        self._shell.alert(AlertKind.CONFIG_REJECTED, path.name, "")
        if not changes:
            return Reply(ok=True, data={"explanation": "nothing changed", "changes": [], "config_hash": new.hash})
        if (unlikely := slips(changes)) and args.get("confirm") != second_step(new.hash):
            return self._asked_twice(new, unlikely)
        event = ConfigApplied(
            settings=new.engine_settings(self._install),
            changes=tuple(changes),
            operator=operator_of(args),
            reason=reason_of(args, "no reason given"),
        )
        reply = answered("apply", await self._receipts.put(event, ANSWER_S_MAX))
        if not reply.ok:
            return reply
        self._config = new
        return Reply(ok=True, data=(reply.data or {}) | {"changes": changes, "config_hash": new.hash})

    def _asked_twice(self, new: Config, unlikely: list[str]) -> Reply:
        """Refuse once what looks like a slip, with what it would do to the book; the old configuration stays."""
        before, after = self._config.engine_settings(self._install), new.engine_settings(self._install)
        exposure = exposure_lines(before, after, self._shell.status()["book"])
        words = f"apply {new.book.name} {second_step(new.hash)}"
        lines = [
            f"{len(unlikely)} values look like a slip of unit or sign: {'; '.join(unlikely)}",
            *exposure,
            f'The running configuration {self._config.hash} stays. If it is meant, confirm it with --confirm "{words}"',
        ]
        data = {"check_the_unit": unlikely, "exposure": exposure, "confirm": words, "config_hash": new.hash}
        return Reply(ok=False, code=ExitCode.REFUSED, error="\n".join(lines), data=data)

    def _would_apply(self, path: Path, limits: Path | None) -> Reply:
        """What applying would change in the running configuration; changes nothing and alerts nobody."""
        try:
            new = load_config(path, limits, state_dir=self._config.state_dir)
            changes = self._changes(new)
        except ConfigError as error:
            return refusal(f"{error}\nThe running configuration {self._config.hash} would stay.", ExitCode.REFUSED)
        data = {"dry_run": True, "changes": changes, "config_hash": new.hash, "running_hash": self._config.hash}
        return Reply(ok=True, data=data)

    def _changes(self, new: Config) -> list[str]:
        """Lines of the difference; raises ConfigError when a running daemon cannot take it over."""
        changes = _changes(self._config, new)
        for one in new.engine_settings(self._install).strategies:
            try:
                load_strategy(one)  # the engine must never meet parameters that cannot be built
            except (ValueError, TypeError, LookupError, ArithmeticError) as error:
                raise ConfigError(f"parameters of strategy {one.name!r}: {error}") from error
        check_margin(new, time.time_ns())
        return changes

    async def _test_alerts(self, args: dict[str, Any]) -> Reply:
        trials = await self._shell.try_alerts(operator_of(args))
        return Reply(ok=True, code=trial_code(trials), data={"trials": msgspec.to_builtins(trials)})

    async def _refused(self, args: dict[str, Any]) -> Reply:
        """Journal that a door of the shell refused somebody; the book hears of it and does nothing."""
        action = reason_of({"reason": args.get("action")}, "something")
        event = AccessRefused(operator=operator_of(args), action=action, reason=reason_of(args, "no reason given"))
        answer = await self._receipts.put(event, ANSWER_S_MAX)
        return unanswered("refused", "") if answer is None else Reply(ok=True, data={"on_disk": answer.on_disk})

    async def _risk_book(self, _args: dict[str, Any]) -> Reply:
        """The book as risk numbers need it; whoever asks does the sums."""
        return Reply(ok=True, data=msgspec.to_builtins(self._shell.risk_book()))

    async def _stop(self, args: dict[str, Any]) -> Reply:
        self._shell.request_stop(f"{operator_of(args)}: {reason_of(args, 'asked to stop')}")
        return Reply(ok=True, data={"explanation": "stopping: no new orders from here on"})


def _changes(old: Config, new: Config) -> list[str]:
    """Lines of the difference; raises ConfigError when a running daemon cannot take it over."""
    changes = diff(old, new)
    if fixed := restart_needed(changes):
        second = f"; hard limits become looser, so that it takes `hedgebot config confirm {new.path}` too"
        looser = second if loosened(fixed) else ""
        raise ConfigError(f"these settings need a restart: {'; '.join(fixed)}{looser}")
    if added := sorted(new.file.strategies.keys() - old.file.strategies.keys()):
        raise ConfigError(f"a strategy that was not configured at the start needs a restart: {', '.join(added)}")
    return changes
