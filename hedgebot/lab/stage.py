"""What a mishap is, what it may touch, and the deeds that mishaps are made of.

Owns the vocabulary: `Mishap`, `Stage`, and small deeds on links, orders and markets. The mishaps themselves are in the
modules beside this one; what must hold meanwhile is the oracle's and `criteria`'s to say.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.settings import EngineSettings
from hedgebot.exchange.faults import (
    Altered,
    LineFault,
    OrderFault,
    PushFault,
    PushFaultKind,
    RequestFault,
    RequestFaultKind,
)
from hedgebot.exchange.link import Link
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.trouble import Trouble
from hedgebot.exchange.types import Executed, Notice, OrderChanged, OrderRequest, OrderType
from hedgebot.lab.evidence import Evidence
from hedgebot.lab.host import Host


class Stage(Protocol):
    """What a mishap may touch. `hedge` is the main one of `hedges`."""

    exchange: Exchange
    link: Link
    reader_link: Link
    host: Host
    holder: str
    underlying: str
    hedge: InstrumentId
    hedges: tuple[InstrumentId, ...]

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        """Have something done after a while; not any more once there is peace."""

    def chance(self) -> float:
        """A number from 0 up to 1, of this run's seed."""


Deed = Callable[[Stage], None]
Criterion = Callable[[Evidence], str]
"""Says in a sentence what a fault's own criterion asks for and was not met; empty when it was."""

Due = Callable[[Evidence], int | None]
"""When the moment came from which an alert is owed; None when it never came."""


def nothing(_stage: Stage) -> None:
    """The deed that is none."""


def always_met(_evidence: Evidence) -> str:
    """The criterion of mishaps that only the invariants judge."""
    return ""


def at_once(evidence: Evidence) -> int | None:
    """An alert is owed from the begin on."""
    return evidence.begun_ns


class Mishap(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: it begins, lasts for `seconds`, and ends.

    `criterion` is what its row of the project's table asks for beyond the invariants. `alerts` are the kinds of which
    one must be raised within `alert_s` of `due`, for each subject at most `times` (as often as it really happens).
    `scenario` and `settings` make it a world of its own: then it is played `alone`.
    `may_halt`: the book may stay halted at the end, an operator has to do something first.
    """

    id: str
    title: str
    begin: Deed
    end: Deed = nothing
    seconds: float = 60.0
    criterion: Criterion = always_met
    alerts: tuple[AlertKind, ...] = ()
    alert_s: float = 5.0
    due: Due = at_once
    times: int = 1
    scenario: Callable[[Scenario], Scenario] | None = None
    settings: Callable[[EngineSettings], EngineSettings] | None = None
    alone: bool = False
    may_halt: bool = False

    @property
    def fault(self) -> str:
        """Id in the catalogue; what follows it tells several ways of one fault apart."""
        return self.id[:3]

    def untold(self, evidence: Evidence) -> str:
        """I9: the fault has its own alert in time, with a runbook, and once; in a sentence where it has not."""
        due_ns = self.due(evidence) if self.alerts else None
        if due_ns is None:
            return ""
        until_ns = due_ns + round(self.alert_s * NS_PER_S)
        told = evidence.alerts(*self.alerts, since_ns=due_ns)
        if not any(at_ns <= until_ns for at_ns, _ in told):
            kinds = " or ".join(self.alerts)
            late = f", it came after {(told[0][0] - due_ns) / NS_PER_S:.1f} s" if told else ""
            return f"I9: no alert {kinds} within {self.alert_s:g} s{late}"
        meanwhile = [subject for at_ns, subject in told if at_ns <= evidence.ended_ns]
        twice = [subject for subject in meanwhile if meanwhile.count(subject) > 1]
        if not twice or meanwhile.count(twice[0]) <= self.times:
            return ""
        return f"I9: the alert of {twice[0]} was raised {meanwhile.count(twice[0])} times"


# --- deeds


def both(*deeds: Deed) -> Deed:
    """One after the other."""

    def begin(stage: Stage) -> None:
        for deed in deeds:
            deed(stage)

    return begin


def link(*faults: RequestFault | PushFault | LineFault) -> Deed:
    """Faults of the book's connections."""

    def begin(stage: Stage) -> None:
        for fault in faults:
            stage.link.add(fault)

    return begin


def orders(*faults: OrderFault) -> Deed:
    """Faults of the venue's matching."""

    def begin(stage: Stage) -> None:
        for fault in faults:
            stage.exchange.order_faults.add(fault)

    return begin


def dropping(stream: str, *faults: RequestFault | PushFault | LineFault) -> Deed:
    """Faults, and the connection breaks at once. What takes all lines takes the second reader's, too."""

    def begin(stage: Stage) -> None:
        for fault in faults:
            stage.link.add(fault)
            if not stream:
                stage.reader_link.add(fault)
        stage.link.streams.drop(stream)

    return begin


def place(kind: RequestFaultKind, seconds: float = 60.0, probability: float = 0.5, **more: object) -> Deed:
    """Orders that meet a fault on their way."""
    fault = RequestFault(kind=kind, request="place", count=None, seconds=seconds, probability=probability)
    return link(msgspec.structs.replace(fault, **more))


def market(seconds: float, *fields: str, factor: float = 1.0, nan: bool = False, missing: bool = False) -> Deed:
    """Market data with wrong figures."""
    altered = Altered(fields=fields, factor=factor, nan=nan, missing=missing)
    return link(PushFault(kind=PushFaultKind.ALTER, topic="market", seconds=seconds, altered=altered))


def strike(trouble: Callable[[Stage], Trouble]) -> Deed:
    """A trouble of the world itself."""
    return lambda stage: stage.exchange.strike(trouble(stage))


def operator(event: ev.Event) -> Deed:
    """Somebody's word to the process."""
    return lambda stage: stage.host.put(event)


def client_trade(coins: str, client_id: str = "", *, on_hedge: bool = False, underlying: str = "") -> Deed:
    """Somebody else buys (or sells, when negative) in the book's account, so that there is something to hedge.

    In the other perpetual, as the client does; `on_hedge` in the hedge's own. Without `underlying`: the world's first.
    """

    def begin(stage: Stage) -> None:
        qty = Decimal(coins)
        stage.exchange.place(
            OrderRequest(
                account=stage.holder,
                instrument=stage.hedge if on_hedge else _client_perp(stage, underlying or stage.underlying),
                side=Side.of(qty),
                type=OrderType.MARKET,
                qty_contracts=abs(qty),
                # Letters and digits only: every venue takes such an id.
                client_id=f"{client_id}{stage.exchange.now_ns}" if client_id else None,
            )
        )

    return begin


def _client_perp(stage: Stage, underlying: str) -> InstrumentId:
    return next(
        one.instrument.id
        for one in stage.exchange.listings()
        if one.instrument.kind is InstrumentKind.LINEAR_PERP
        and one.instrument.underlying == underlying
        and one.instrument.settle == "USDC"
    )


def at_own_fill(deed: Deed) -> Deed:
    """Wait for the next execution of an order of ours, and do it in that very moment."""

    def begin(stage: Stage) -> None:
        def heard(notice: Notice) -> None:
            if isinstance(notice, Executed) and is_own(notice.execution.order.client_id):
                unlisten()
                deed(stage)

        unlisten = stage.exchange.listen(heard, market=False)

    return begin


def at_own_order(deed: Deed, number: int = 1) -> Deed:
    """Wait for orders of ours to reach the venue, and do it in the very moment at which the last of so many does."""

    def begin(stage: Stage) -> None:
        seen: dict[str, None] = {}

        def heard(notice: Notice) -> None:
            if isinstance(notice, OrderChanged) and is_own(notice.order.client_id):
                seen[notice.order.order_id] = None
                if len(seen) == number:
                    unlisten()
                    deed(stage)

        unlisten = stage.exchange.listen(heard, market=False)

    return begin


def is_own(client_id: str | None) -> bool:
    """Whether an order carries the mark of a hedgebot."""
    return decode_client_id(client_id) is not None
