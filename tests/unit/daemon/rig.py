"""Verbs of the console whose engine answers at once, or never."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hedgebot.config.loader import load_config
from hedgebot.core.state import Latch
from hedgebot.daemon.control import Reply, Request
from hedgebot.daemon.delivery import Trial
from hedgebot.daemon.health import Health
from hedgebot.daemon.killswitch import KillSwitch
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.receipts import Receipts
from hedgebot.daemon.verbs import Shell, Verbs
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Issued, Mode, RecordOperator
from hedgebot.domain.riskbook import RiskBook
from tests.unit.daemon.fakes import OrderBlock, write_config

Answer = Callable[[ev.Event], tuple[Command, ...]]


def yes(_event: ev.Event) -> tuple[Command, ...]:
    return (RecordOperator(operator="ada", action="a", accepted=True, explanation="done"),)


def no(_event: ev.Event) -> tuple[Command, ...]:
    return (RecordOperator(operator="ada", action="a", accepted=False, explanation="order 7 is unknown"),)


class Rig(OrderBlock):
    """Verbs whose engine answers at once."""

    def __init__(self, folder: Path, answer: Answer | None = yes, mode: Mode = Mode.ACTIVE) -> None:
        super().__init__()
        self.folder = folder
        self.path = write_config(folder)
        self.events: list[ev.Event] = []
        self.stops: list[str] = []
        self.alerts: list[tuple[AlertKind, str, str]] = []
        self.answer = answer
        self.on_disk = True
        self.blocked_at_event: list[bool] = []
        self.latch = KillLatch(folder)
        self.latches: dict[str, Latch] = {}
        self.against: tuple[str, ...] = ()
        self.latched_at_event: list[bool] = []
        self.receipts = Receipts(self)
        self.health = Health(live=True, ready=True, not_live=(), not_ready=())
        self.mode = mode
        self.verbs = Verbs(
            shell=Shell(
                status=lambda: {"book": {}},
                health=lambda: self.health,
                mode=lambda: self.mode,
                request_stop=self.stops.append,
                alert=lambda kind, subject, problem: self.alerts.append((kind, subject, problem)),
                try_alerts=self.try_alerts,
                risk_book=lambda: RiskBook(at_ns=1, underlyings=()),
                what_if=lambda args: asyncio.sleep(0, Reply(ok=True, data=args)),
            ),
            receipts=self.receipts,
            switch=KillSwitch(
                gate=self,
                standing=lambda: self.latches,
                unproven=lambda _latch: [],
                unmet=self.unmet,
                latch=self.latch,
                receipts=self.receipts,
                sink=self,
            ),
            config=load_config(self.path, state_dir=folder),
            install=7,
        )

    def put(self, event: ev.Event) -> None:
        self.events.append(event)
        self.latched_at_event.append(self.latch.is_set)
        self.blocked_at_event.append(self.blocked)
        if self.answer is not None:
            issued = [Issued(seq=1, index=n, at_ns=0, command=one) for n, one in enumerate(self.answer(event), 1)]
            see = self.receipts.observe if self.on_disk else self.receipts.observe_unwritten
            see([ev.Stamped(seq=1, at_ns=0, event=event), *issued])

    async def unmet(self, _told: Mapping[str, Any]) -> tuple[str, ...]:
        return self.against

    async def try_alerts(self, operator: str) -> tuple[Trial, ...]:
        return (
            Trial(channel="ops", kind="webhook", problem=f"no answer to {operator}", seconds=3.0),
            Trial(channel="page", kind="command", problem="", seconds=0.1),
        )

    async def ask(self, verb: str, **args: Any) -> Reply:
        return await self.verbs.handle(Request(verb=verb, args=args))
