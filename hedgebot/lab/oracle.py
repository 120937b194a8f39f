"""The oracle: what must never happen, judged from the exchange's side and the journal alone.

Imports nothing of the engine: what the engine believes is what is on trial. Invariants are those of the safety
reference, section 2; each has its name there. Owns no fault and changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId, category_of, venue_of
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.settings import EngineSettings, UnderlyingSettings
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import ExecKind, Executed, Execution, Notice, OrderChanged, SimOrder
from hedgebot.lab.alertjudge import judge_alerts
from hedgebot.lab.datajudge import judge_data
from hedgebot.lab.hedgejudge import opposed_problem
from hedgebot.lab.journaljudge import judge_journal, moves_position
from hedgebot.lab.marginjudge import MarginWatch
from hedgebot.lab.memory import MemoryJournal
from hedgebot.lab.truth import delta_coin

KILL_WITHIN_NS = 10 * NS_PER_S
REST_NS_MAX = 30 * NS_PER_S
_DELTA_SLACK_COIN = 1e-6

_FORCED = (ExecKind.ADL, ExecKind.BUST)


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """An invariant that was broken, when, and how."""

    invariant: str
    at_ns: int
    sentence: str


class _Life(NamedTuple):
    """How long an order of ours was alive at the venue; no end while it is."""

    client_id: str
    from_ns: int
    ended_ns: int | None


class Oracle:
    """Watches one account of the exchange, and reads the journal of the book that trades on it."""

    def __init__(self, exchange: Exchange, holder: str, journal: MemoryJournal, settings: EngineSettings) -> None:
        self._exchange = exchange
        self._holder = holder
        self._journal = journal
        self._settings = settings
        self._limits = {one.underlying: one for one in settings.underlyings}
        self._seen: dict[str, SimOrder] = {}
        # What the venue closed by itself: deleveragings and liquidations.
        self.forced: list[Execution] = []
        self._accepted: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self._moments: list[int] = []
        self._lives: dict[str, _Life] = {}
        # When an order arrived, the true delta before it, and what it was to move: by client id.
        self._arrivals: dict[str, tuple[int, float, float]] = {}
        self.violations: list[Violation] = []
        self.own_fills = 0
        self.own_executions: list[Execution] = []
        # Everybody's on the account, in order.
        self.executions: list[Execution] = []
        self._margin = MarginWatch(exchange, holder, self._is_ours)
        exchange.listen(self._on_notice, market=False)

    # --- while it happens

    def _on_notice(self, notice: Notice) -> None:
        if isinstance(notice, Executed) and notice.execution.account == self._holder:
            self.executions.append(notice.execution)
        match notice:
            case OrderChanged(order=order) if self._is_ours(order.client_id):
                self._on_order(order)
            case Executed(execution=row) if row.account == self._holder and row.kind in _FORCED:
                self.forced.append(row)
            case Executed(execution=row) if row.account == self._holder and self._is_ours(row.order.client_id):
                self.own_fills += 1
                self.own_executions.append(row)
                effect = float(row.qty_contracts) * row.side.sign
                self._on_own_fill(row.instrument, effect, row.at_ns)
            case _:
                pass

    @property
    def own_orders(self) -> list[SimOrder]:
        """Every order of ours that the venue took, as it was seen first."""
        return list(self._seen.values())

    def _is_ours(self, client_id: str | None) -> bool:
        made_by = decode_client_id(client_id)
        return made_by is not None and made_by.install == self._settings.install

    def _on_order(self, order: SimOrder) -> None:
        if order.order_id not in self._seen:
            self._on_new_order(order)
        self._margin.matched(order)
        known = self._lives[order.order_id]
        if order.status.is_terminal and known.ended_ns is None:
            self._lives[order.order_id] = known._replace(ended_ns=order.updated_at_ns)

    def _on_new_order(self, order: SimOrder) -> None:
        client_id = order.client_id or ""
        self._seen[order.order_id] = order
        self._lives[order.order_id] = _Life(client_id, order.created_at_ns, None)
        self._moments.append(order.created_at_ns)
        self._on_worst_case(order)
        intent = self._journal.durable_intent(client_id)
        if intent is None:
            self._broken(
                "I3", order.created_at_ns, f"order {client_id} reached the venue before its intent was durable"
            )
            return
        self._accepted[client_id] += order.qty_contracts
        if self._accepted[client_id] > intent.qty_contracts:
            self._broken(
                "I1",
                order.created_at_ns,
                f"intent {client_id} of {intent.qty_contracts} was accepted for {self._accepted[client_id]}",
            )

    def _on_worst_case(self, order: SimOrder) -> None:
        """What an order of ours may still fill must not take the true delta over its limit, or further beyond it."""
        listing = self._exchange.listing(order.instrument)
        underlying = self._limits.get(listing.instrument.underlying) if listing else None
        if listing is None or underlying is None:
            return
        mark = float(self._exchange.ticker(order.instrument).mark or 0)
        whole = listing.instrument.delta_coin(float(order.qty_contracts) * order.side.sign, mark)
        done = listing.instrument.delta_coin(float(order.filled_contracts) * order.side.sign, mark)
        now = self.delta_coin(underlying)
        self._arrivals[order.client_id or ""] = (order.created_at_ns, now - done, whole)
        worst = now + whole - done
        if abs(worst) > underlying.delta_limit_coin and abs(worst) > abs(now) + _DELTA_SLACK_COIN:
            told = (
                f"order {order.client_id} may take the delta of {underlying.underlying} from {now:+.4f} to {worst:+.4f}"
            )
            self._broken("I4", order.created_at_ns, told)
        others = [one for one in self.executions if not self._is_ours(one.order.client_id)]
        told = opposed_problem(self._exchange, self._holder, underlying, order, others, delta_coin=now - done)
        if told:
            self._broken("I4", order.created_at_ns, told)

    def _on_own_fill(self, instrument: InstrumentId, effect_contracts: float, at_ns: int) -> None:
        """A fill of ours must not take the true delta over its limit, or further beyond it."""
        listing = self._exchange.listing(instrument)
        underlying = self._limits.get(listing.instrument.underlying) if listing else None
        if listing is None or underlying is None:
            return
        after = self.delta_coin(underlying)
        mark = float(self._exchange.ticker(instrument).mark or 0)
        size = float(listing.instrument.contract_size)
        effect = effect_contracts * size / (mark if listing.instrument.kind.is_inverse else 1.0)
        before = after - effect
        limit = underlying.delta_limit_coin
        if abs(after) > limit and abs(after) > abs(before) + _DELTA_SLACK_COIN:
            self._broken(
                "I4",
                at_ns,
                f"a fill of ours took the delta of {underlying.underlying} from {before:+.4f} to {after:+.4f}",
            )

    def delta_coin(self, underlying: UnderlyingSettings) -> float:
        """The true net delta, by the venue's own positions, coins and greeks."""
        return delta_coin(self._exchange, self._holder, underlying.underlying, underlying.tokens)

    def hedge_coin(self, underlying: UnderlyingSettings) -> float:
        """The contracts of the hedge, as the venue has them."""
        held, hedges = self._exchange.held(self._holder), underlying.hedge_instruments
        return float(sum(one.contracts for one in held if one.instrument.id in hedges))

    def margin_use(self) -> float:
        """The true maintenance margin over equity; infinite when margin is due and nothing is left."""
        return self._margin.look()

    # --- afterwards

    def judge(self) -> list[Violation]:
        """Hold the journal and the end against the invariants."""
        self._judge_owners()
        self._judge_doubles()
        self._judge_modes()
        self._judge_kills()
        self._judge_frozen()
        # What the venue took, and what was sent at all: a storm of orders that it refuses shows in the second only.
        self._judge_pace(self._moments)
        self._judge_pace([one.at_ns for one in self._journal.orders()])
        self._judge_lives()
        for judge in (judge_data, judge_journal, judge_alerts, self._margin.judge):
            for invariant, at_ns, sentence in judge(self._journal.entries, self._settings):
                self._broken(invariant, at_ns, sentence)
        return self.violations

    def judge_quiet(self) -> list[Violation]:
        """Hold the journal's position against the venue's; only when nothing has been under way for a while."""
        lots = {one.instrument.id: one.instrument.lot_size for one in self._exchange.listings()}
        ours = positions_of(self._journal.entries)
        theirs: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for one in self._exchange.positions(self._holder):
            theirs[one.instrument] += one.contracts
        for name in sorted({*ours, *theirs}):
            if abs(ours.get(name, ZERO) - theirs[name]) > lots.get(InstrumentId(name), ZERO):
                self._broken(
                    "I6",
                    self._exchange.now_ns,
                    f"{name}: the journal has {ours.get(name, ZERO)}, the venue {theirs[name]}",
                )
        return self.violations

    def _judge_doubles(self) -> None:
        """No new hedge before every execution of the ones before is booked: the peers' hedge that was sent twice."""
        booked: set[str] = set()
        # Orders before this one and what they hedge, by the journal: its clock may be ahead of the venue's.
        sent: dict[str | None, str] = {}
        rows = [one for one in self.own_executions if one.order.client_id]
        for entry in self._journal.entries:
            if isinstance(entry, ev.Stamped):
                if isinstance(entry.event, ev.FillReceived):
                    booked.add(entry.event.trade_id)
            elif isinstance(entry.command, cmd.SubmitOrder):
                intent = entry.command.approved.intent
                missed = [
                    row
                    for row in rows
                    if row.at_ns < entry.at_ns
                    and sent.get(row.order.client_id) == intent.underlying
                    and row.exec_id not in booked
                ]
                if missed:
                    self._broken(
                        "I1",
                        entry.at_ns,
                        f"order {entry.command.client_id} was decided while a fill of {missed[0].order.client_id} was "
                        "not booked",
                    )
                    return
                sent[entry.command.client_id] = intent.underlying

    def _judge_owners(self) -> None:
        journaled = {
            one.command.client_id for one in self._journal.orders() if isinstance(one.command, cmd.SubmitOrder)
        }
        for order in self._seen.values():
            if order.client_id not in journaled:
                self._broken("I2", order.created_at_ns, f"order {order.client_id} is owned by no intent of the journal")

    def _judge_modes(self) -> None:
        """No new risk in REDUCING, nothing in RECOVERING or HALTED; HALTED is left by an accepted unkill only."""
        mode, latched = cmd.Mode.RECOVERING, False
        for entry in self._journal.entries:
            command = entry.command if isinstance(entry, cmd.Issued) else None
            match command:
                case cmd.RecordMode():
                    if latched and command.after is not cmd.Mode.HALTED and not self._unkilled(entry.seq):
                        self._broken("I7", entry.at_ns, f"HALTED was left for {command.after} without an unkill")
                    mode, latched = command.after, command.latched
                case cmd.SubmitOrder():
                    allowed = mode is cmd.Mode.ACTIVE or (mode is cmd.Mode.REDUCING and command.approved.risk_reducing)
                    if not allowed:
                        self._broken("I4", entry.at_ns, f"order {command.client_id} was sent while the book was {mode}")
                    elif mode is cmd.Mode.REDUCING:
                        self._judge_reducing(command.client_id, entry.at_ns)
                case _:
                    pass

    def _judge_reducing(self, client_id: str, at_ns: int) -> None:
        """What the book called reducing was: by the true delta that the order met, where nobody traded in between."""
        at_venue = self._arrivals.get(client_id)
        if at_venue is None or at_venue[0] - at_ns > NS_PER_S:
            return
        arrived_ns, before, effect = at_venue
        if any(
            at_ns - NS_PER_S <= one.at_ns <= arrived_ns and not self._is_ours(one.order.client_id)
            for one in self.executions
        ):
            return
        if abs(before + effect) > abs(before) + _DELTA_SLACK_COIN:
            moved = f"takes the true delta from {before:+.4f} to {before + effect:+.4f}"
            self._broken("I4", at_ns, f"order {client_id} was sent while the book was reducing and {moved}")

    def _judge_lives(self) -> None:
        """Nothing of ours rests for more than half a minute, and after a kill nothing lives for long."""
        now_ns = self._exchange.now_ns
        kills = [
            one.at_ns
            for one in self._journal.entries
            if isinstance(one, ev.Stamped) and isinstance(one.event, ev.OperatorKilled)
        ]
        for life in self._lives.values():
            until_ns = now_ns if life.ended_ns is None else life.ended_ns
            if until_ns - life.from_ns > REST_NS_MAX:
                self._broken("I2", until_ns, f"order {life.client_id} of ours rested for more than 30 s")
            survived = [at for at in kills if life.from_ns <= at and until_ns > at + KILL_WITHIN_NS]
            if survived:
                self._broken("I7", survived[0], f"order {life.client_id} was alive 10 s after the kill")

    def _unkilled(self, seq: int) -> bool:
        return any(
            isinstance(one, ev.Stamped) and one.seq == seq and isinstance(one.event, ev.OperatorUnkilled)
            for one in self._journal.entries
        )

    def _judge_kills(self) -> None:
        """From an operator's kill to an accepted unkill nothing is sent, whatever the book calls its mode."""
        killed = False
        for entry in self._journal.entries:
            if isinstance(entry, ev.Stamped):
                killed |= isinstance(entry.event, ev.OperatorKilled)
            elif isinstance(entry.command, cmd.RecordOperator) and entry.command.action == "unkill":
                killed &= not entry.command.accepted
            elif isinstance(entry.command, cmd.SubmitOrder) and killed:
                self._broken("I7", entry.at_ns, f"order {entry.command.client_id} was sent after the kill")

    def _judge_frozen(self) -> None:
        """An underlying that a latch has frozen alone gets no order until the latch is lifted; others do."""
        frozen: set[str] = set()
        for entry in self._journal.entries:
            command = entry.command if isinstance(entry, cmd.Issued) else None
            match command:
                case cmd.RecordLatch(scope=KillScope.UNDERLYING, name=name):
                    stops = command.held and (command.done or command.action is KillAction.FREEZE)
                    frozen = frozen | {name} if stops else frozen - {name}
                case cmd.SubmitOrder(approved=approved) if approved.intent.underlying in frozen:
                    sentence = f"order {command.client_id} was sent on {approved.intent.underlying}, which is frozen"
                    self._broken("I7", entry.at_ns, sentence)
                case _:
                    pass

    def _judge_pace(self, moments: Sequence[int]) -> None:
        """Orders in any one second: the bucket's burst and what refills it."""
        limits = self._settings.limits
        most = limits.order_burst_max + limits.orders_per_second_max + 1
        first = 0
        for number, moment in enumerate(moments):
            while moment - moments[first] > NS_PER_S:
                first += 1
            if number - first + 1 > most:
                self._broken("I11", moment, f"{number - first + 1} orders within a second, at most {most:g}")
                return

    def _broken(self, invariant: str, at_ns: int, sentence: str) -> None:
        self.violations.append(Violation(invariant=invariant, at_ns=at_ns, sentence=sentence))


def positions_of(entries: Sequence[ev.Stamped | cmd.Issued]) -> dict[str, Decimal]:
    """Contracts by instrument as the journal has them: each execution once, adjustments as they were recorded.

    Coins of a wallet are no positions: an adjustment whose subject is no instrument is passed over.
    """
    held: dict[str, Decimal] = defaultdict(lambda: ZERO)
    booked: set[tuple[str, str, str]] = set()
    for entry in entries:
        if isinstance(entry, cmd.Issued):
            command = entry.command
            if moves_position(command):
                held[command.subject] = Decimal(command.after)
            continue
        fill = entry.event
        if not isinstance(fill, ev.FillReceived):
            continue
        venue, category = venue_of(fill.instrument), category_of(fill.instrument)
        key = (fill.account, f"{venue}:{category}", fill.trade_id)
        if key in booked or category == "spot":
            continue
        booked.add(key)
        held[fill.instrument] += fill.qty_contracts * fill.side.sign
    return {name: contracts for name, contracts in held.items() if contracts}


def tally(violations: Iterable[Violation]) -> Counter[str]:
    """How often each invariant was broken."""
    return Counter(one.invariant for one in violations)
