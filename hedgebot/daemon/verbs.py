"""What the verbs of the control socket mean: each is a look at the state or an event for the engine. Decides nothing.

An operator's word is an event; whether it is taken is the engine's answer, passed on as it was journaled.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from hedgebot.config.loader import Config, diff, load_config, restart_needed
from hedgebot.config.plugins import known_strategies
from hedgebot.daemon.control import Reply, Request, refusal
from hedgebot.daemon.delivery import Trial, trial_code
from hedgebot.daemon.failpoints import Failpoint, Failpoints
from hedgebot.daemon.health import Health, describe
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.plugins import load_strategy
from hedgebot.daemon.receipts import Answer, Receipts
from hedgebot.daemon.slips import exposure_lines, second_step, slips
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode, RecordMode, RecordOperator
from hedgebot.domain.errors import ConfigError, ExitCode
from hedgebot.domain.events import AccessRefused, ConfigApplied, OperatorKilled, OperatorUnkilled, StrategySwitched

# Below the five seconds that the console waits.
ANSWER_S_MAX = 4.0
LATCH_S_MAX = 2.0
NOT_ON_DISK = "In force, not on disk: a restart may forget it."
OPERATOR_CHARS_MAX = 64
REASON_CHARS_MAX = 300


class Shell(msgspec.Struct, kw_only=True):
    """What the verbs may ask of the daemon around them."""

    status: Callable[[], dict[str, Any]]
    health: Callable[[], Health]
    mode: Callable[[], Mode]
    request_stop: Callable[[str], None]
    alert: Callable[[AlertKind, str, str], None]
    test_alerts: Callable[[str], Awaitable[tuple[Trial, ...]]]
    block_orders: Callable[[], None]
    kills: Callable[[], int]
    unblock_orders: Callable[[int], bool]


class Verbs:
    """Handles the requests of the control socket."""

    def __init__(
        self,
        *,
        shell: Shell,
        receipts: Receipts,
        latch: KillLatch,
        config: Config,
        install: int,
        failpoints: Failpoints | None = None,
    ) -> None:
        self._shell = shell
        self._receipts = receipts
        self._latch = latch
        self._config = config
        self._install = install
        self._failpoints = failpoints or Failpoints()
        self._log = structlog.stdlib.get_logger("hedgebot.operator")
        self._handlers: dict[str, Callable[[dict[str, Any]], Awaitable[Reply]]] = {
            "status": self._status,
            "health": self._health,
            "kill": self._kill,
            "unkill": self._unkill,
            "enable": self._enable,
            "disable": self._disable,
            "apply": self._apply,
            "stop": self._stop,
            "alerts-test": self._test_alerts,
            "refused": self._refused,
        }

    async def handle(self, request: Request) -> Reply:
        """Answer one request; unknown verbs and missing arguments get a sentence and the usage code."""
        handler = self._handlers.get(request.verb)
        if handler is None:
            return refusal(f"unknown verb {request.verb!r}: there are {', '.join(self._handlers)}", ExitCode.USAGE)
        return await handler(request.args)

    async def kill(self, operator: str, reason: str) -> Reply:
        """Halt the book: orders are blocked and the engine is told before anything waits for a disk."""
        self._shell.block_orders()
        self._latch.told = True
        pending = self._receipts.send(OperatorKilled(operator=operator, reason=reason))
        self._failpoints.passed(Failpoint.IN_KILL)
        problem = await self._write_latch(operator, reason)
        self._failpoints.passed(Failpoint.IN_KILL)
        answer = await self._receipts.answer(pending, ANSWER_S_MAX - LATCH_S_MAX)
        self._failpoints.passed(Failpoint.IN_KILL)
        if answer is None:
            said = "The kill file is written." if problem is None else problem
            return _unanswered("kill", f"Orders are blocked. {said}")
        data = _outcome(answer) | {"latch": str(self._latch.path), "warning": problem}
        return Reply(ok=True, data=data)

    async def _write_latch(self, operator: str, reason: str) -> str | None:
        """Write the kill file in a thread; why it is not certain to be there, None when it is."""
        writing = asyncio.ensure_future(asyncio.to_thread(self._latch.set, operator, reason))
        await asyncio.wait({writing}, timeout=LATCH_S_MAX)
        if not writing.done():
            writing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            why = f"the disk has not answered within {LATCH_S_MAX:.0f} s"
        elif isinstance(error := writing.exception(), OSError):
            why = error.strerror or str(error)
            # Whoever makes the file by hand now must be heard.
            self._latch.told = False
        else:
            writing.result()
            return None
        self._log.error("kill file not written", problem=why)
        return f"the kill file could not be written ({why}): a restart may forget this kill"

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
        return await self.kill(_operator(args), _reason(args, "no reason given"))

    async def _unkill(self, args: dict[str, Any]) -> Reply:
        reason = _reason(args, "")
        if not reason:
            return refusal("unkill needs a reason: what was wrong, and why it is over", ExitCode.USAGE)
        kills = self._shell.kills()
        answer = await self._receipts.put(OperatorUnkilled(operator=_operator(args), reason=reason), ANSWER_S_MAX)
        # An engine that is not halted when it answers took an earlier unkill whose answer came too late for its caller.
        if answer is not None and (_accepted(answer.commands) or self._shell.mode() is not Mode.HALTED):
            if not self._shell.unblock_orders(kills):
                return refusal("unkill: another kill came meanwhile; it stands", ExitCode.REFUSED)
            await asyncio.to_thread(self._latch.clear)
        return _answer("unkill", answer)

    async def _enable(self, args: dict[str, Any]) -> Reply:
        return await self._switch(args, enabled=True)

    async def _disable(self, args: dict[str, Any]) -> Reply:
        return await self._switch(args, enabled=False)

    async def _switch(self, args: dict[str, Any], *, enabled: bool) -> Reply:
        name = str(args.get("strategy") or args.get("name") or "")
        configured = tuple(one.name for one in self._config.engine_settings(self._install).strategies)
        if name not in configured:
            there = ", ".join(configured) or "none"
            known = ", ".join(known_strategies()) or "none"
            return refusal(f"strategy {name!r} is not configured: configured {there}; known {known}", ExitCode.REFUSED)
        event = StrategySwitched(
            strategy=name, enabled=enabled, operator=_operator(args), reason=_reason(args, "no reason given")
        )
        return _answer("enable" if enabled else "disable", await self._receipts.put(event, ANSWER_S_MAX))

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
            operator=_operator(args),
            reason=_reason(args, "no reason given"),
        )
        reply = _answer("apply", await self._receipts.put(event, ANSWER_S_MAX))
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
        return changes

    async def _test_alerts(self, args: dict[str, Any]) -> Reply:
        trials = await self._shell.test_alerts(_operator(args))
        return Reply(ok=True, code=trial_code(trials), data={"trials": msgspec.to_builtins(trials)})

    async def _refused(self, args: dict[str, Any]) -> Reply:
        """Journal that a door of the shell refused somebody; the book hears of it and does nothing."""
        action = _reason({"reason": args.get("action")}, "something")
        event = AccessRefused(operator=_operator(args), action=action, reason=_reason(args, "no reason given"))
        answer = await self._receipts.put(event, ANSWER_S_MAX)
        return _unanswered("refused", "") if answer is None else Reply(ok=True, data={"on_disk": answer.on_disk})

    async def _stop(self, args: dict[str, Any]) -> Reply:
        self._shell.request_stop(f"{_operator(args)}: {_reason(args, 'asked to stop')}")
        return Reply(ok=True, data={"explanation": "stopping: no new orders from here on"})


def _changes(old: Config, new: Config) -> list[str]:
    """Lines of the difference; raises ConfigError when a running daemon cannot take it over."""
    changes = diff(old, new)
    if fixed := restart_needed(changes):
        raise ConfigError(f"these settings need a restart: {'; '.join(fixed)}")
    if added := sorted(new.file.strategies.keys() - old.file.strategies.keys()):
        raise ConfigError(f"a strategy that was not configured at the start needs a restart: {', '.join(added)}")
    return changes


def _operator(args: dict[str, Any]) -> str:
    return str(args.get("operator") or "local")[:OPERATOR_CHARS_MAX]


def _reason(args: dict[str, Any], default: str) -> str:
    return " ".join(str(args.get("reason") or default).split())[:REASON_CHARS_MAX]


def _outcome(answer: Answer) -> dict[str, Any]:
    words = [one.explanation for one in answer.commands if isinstance(one, RecordOperator)]
    modes = [str(one.after) for one in answer.commands if isinstance(one, RecordMode)]
    if not answer.on_disk:
        words.append(NOT_ON_DISK)
    return {"explanation": " ".join(words), "mode": modes[-1] if modes else None, "on_disk": answer.on_disk}


def _accepted(commands: tuple[Command, ...]) -> bool:
    """Whether the engine said yes; silence is no."""
    words = [one.accepted for one in commands if isinstance(one, RecordOperator)]
    return bool(words) and all(words)


def _answer(verb: str, answer: Answer | None) -> Reply:
    if answer is None:
        return _unanswered(verb, "")
    data = _outcome(answer)
    if _accepted(answer.commands):
        return Reply(ok=True, data=data)
    why = data["explanation"] or "the engine gave no answer"
    return Reply(ok=False, code=ExitCode.REFUSED, data=data, error=f"{verb} refused: {why}")


def _unanswered(verb: str, more: str) -> Reply:
    sentence = f"{verb}: the engine did not answer within {ANSWER_S_MAX:.0f} s; see `hedgebot status`. {more}"
    return refusal(sentence.strip(), ExitCode.UNKNOWN)
