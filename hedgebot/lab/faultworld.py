"""One run of the fault world: the daemon's own turn, an exchange, mishaps, all from one seed; then peace and judgement.

Safety first: the oracle's invariants hold at every moment. Then the mishaps end, and within a minute the book must be
active and its true delta inside the band again; what was latched on the way an operator takes back, as he would.
"""

import random
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from hedgebot.core.engine import Engine, LoadStrategy
from hedgebot.core.unkill import to_review
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.kill import KillScope
from hedgebot.domain.settings import (
    AccountRole,
    AccountSettings,
    EngineSettings,
    LimitSettings,
    StrategySettings,
    UnderlyingSettings,
)
from hedgebot.exchange.latency import Latencies, Latency
from hedgebot.exchange.link import Link
from hedgebot.exchange.link_types import LinkSpec
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, ClientFlowSpec, HoldingSpec, Scenario, UnderlyingSpec
from hedgebot.exchange.timeline import Timeline
from hedgebot.lab.host import Host
from hedgebot.lab.mishaps import MISHAPS, Mishap
from hedgebot.lab.oracle import Interval, Oracle, Violation
from hedgebot.lab.simvenue import SimVenue
from hedgebot.turn.inbox import Inbox

START_NS = 1_790_000_000_000_000_000
NS_PER_S = 1_000_000_000
WARM_UP_S, PEACE_S, QUIET_S = 30.0, 90.0, 20.0
RECOVER_S = 60.0
MISHAPS_MAX = 4
HOLDER, UNDERLYING = "main", "BTC"
HEDGE = InstrumentId("bybit:linear:BTCUSDT")

SCENARIO = Scenario(
    name="fault world",
    step_ms=500,
    underlyings=(
        UnderlyingSpec(name=UNDERLYING, start_price=90_000.0, vol=0.7, option_expiries_days=(7.0,), option_strikes=3),
    ),
    accounts=(
        AccountSpec(
            name=HOLDER,
            api_key="key",
            api_secret="secret",  # noqa: S106  (nobody signs in process)
            coins={"USDT": Decimal(3_000_000), "USDC": Decimal(1_000_000)},
            positions=(
                HoldingSpec(instrument="option:BTC/0/0/C", contracts=Decimal(-2)),
                HoldingSpec(instrument="option:BTC/0/0/P", contracts=Decimal(-2)),
            ),
        ),
    ),
    client_flow=ClientFlowSpec(
        account=HOLDER,
        trades_per_minute=10.0,
        size_coin={UNDERLYING: 0.08},
        bound_coin={UNDERLYING: 0.8},
        products={"usdc_perp": 1.0},
    ),
)

SETTINGS = EngineSettings(
    config_hash="fault world",
    install=7,
    accounts=(AccountSettings(name=HOLDER, venue="bybit", role=AccountRole.SHARED),),
    underlyings=(
        UnderlyingSettings(
            underlying=UNDERLYING,
            hedge_account=HOLDER,
            hedge_instrument=HEDGE,
            band_coin=0.06,
            target_ratio=0.75,
            delta_limit_coin=3.0,
            collar_bps=20.0,
            spread_bps_max=50.0,
            order_qty_coin_max=1.0,
            order_notional_usd_max=200_000.0,
        ),
    ),
    strategies=(StrategySettings(name="delta_neutral", enabled=True, underlyings=(UNDERLYING,)),),
    limits=LimitSettings(daily_loss_usd_max=1e9, funding_cost_usd_per_day_max=1e9, repeat_orders_max=200),
)

LINK = LinkSpec(
    latencies=Latencies(
        request=Latency(floor_ms=1.0, median_ms=4.0, p99_ms=40.0),
        private=Latency(floor_ms=1.0, median_ms=5.0, p99_ms=60.0),
        public=Latency(floor_ms=1.0, median_ms=5.0, p99_ms=60.0),
    )
)


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """A mishap and when it was played, in seconds from the start."""

    id: str
    from_s: float
    until_s: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one seed. `stuck` says why the book did not come back, or did not stay; empty when it did.

    `only` are the ids that it was drawn from; empty for all.
    """

    seed: int
    minutes: float
    played: tuple[Played, ...]
    violations: tuple[Violation, ...]
    stuck: str
    hedges: int
    own_fills: int
    starts: int
    alerts: tuple[str, ...]
    only: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was broken and the book came back."""
        return not self.violations and not self.stuck


class FaultWorld:
    """A stage for mishaps."""

    def __init__(
        self,
        seed: int,
        minutes: float,
        load_strategy: LoadStrategy,
        mishaps: Sequence[Mishap] = MISHAPS,
        *,
        scenario: Scenario = SCENARIO,
    ) -> None:
        self.exchange = Exchange(msgspec.structs.replace(scenario, seed=seed), START_NS)
        self.timeline = Timeline(self.exchange)
        self.link = Link(self.exchange, HOLDER, self.timeline, LINK, seed=seed)
        self.host = Host(
            timeline=self.timeline, settings=SETTINGS, load_strategy=load_strategy, open_venue=self._open_venue
        )
        self.oracle = Oracle(self.exchange, HOLDER, self.host.journal, SETTINGS)
        self.holder, self.underlying, self.hedge = HOLDER, UNDERLYING, HEDGE
        self._seed = seed
        self._minutes = minutes
        self._load_strategy = load_strategy
        self._random = random.Random(f"{seed}/mishaps")
        self._only = () if mishaps is MISHAPS else tuple(one.id for one in mishaps)
        self._plan = self._draw(mishaps)
        self._lasting: dict[str, Mishap] = {}
        self._blind: list[Interval] = []
        self._peace = False

    # --- the stage

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        """Have something done after a while; not any more once there is peace."""
        self.timeline.after(round(seconds * NS_PER_S), lambda: None if self._peace else deed())

    def chance(self) -> float:
        """A number from 0 up to 1."""
        return self._random.random()

    def _open_venue(self, account: str, inbox: Inbox) -> SimVenue:
        return SimVenue(
            account=account,
            holder=HOLDER,
            venue="bybit",
            exchange=self.exchange,
            link=self.link,
            timeline=self.timeline,
            sink=inbox,
        )

    # --- the run

    def _draw(self, mishaps: Sequence[Mishap]) -> list[tuple[Mishap, float]]:
        """Up to four mishaps, one after the other or two at a time, so that each can be told from the rest."""
        latest_s = self._minutes * 60.0 - PEACE_S - QUIET_S
        chosen = self._random.sample(list(mishaps), min(self._random.randint(1, MISHAPS_MAX), len(mishaps)))
        plan = []
        for mishap in chosen:
            room_s = latest_s - WARM_UP_S - mishap.seconds
            if room_s > 0:
                plan.append((mishap, WARM_UP_S + room_s * self._random.random()))
        return sorted(plan, key=lambda one: one[1])

    def run(self) -> Outcome:
        """Play it to its end."""
        self.host.start()
        for mishap, from_s in self._plan:
            self.later(from_s, lambda mishap=mishap: self._begin(mishap))  # type: ignore[misc]
        end_s = self._minutes * 60.0
        self._advance_to(end_s - PEACE_S - QUIET_S)
        self._make_peace()
        stuck = self._recover()
        self._advance_to(end_s - QUIET_S)
        self.exchange.set_client_flow(enabled=False)
        self._advance_to(end_s)
        # Back for a moment is not back: nobody trades any more, so that the end is as it should be.
        stuck = stuck or self._problem()
        self.oracle.judge(blind=self._blind)
        if not stuck:
            self.oracle.judge_quiet()
        self._judge_replay()
        return Outcome(
            seed=self._seed,
            minutes=self._minutes,
            played=tuple(
                Played(id=one.id, from_s=round(from_s, 3), until_s=round(from_s + one.seconds, 3))
                for one, from_s in self._plan
            ),
            violations=tuple(self.oracle.violations),
            stuck=stuck,
            hedges=len(self.host.journal.orders()),
            own_fills=self.oracle.own_fills,
            starts=self.host.epoch,
            alerts=tuple(sorted({kind for _, kind, _ in self.host.alert_log})),
            only=self._only,
        )

    def _begin(self, mishap: Mishap) -> None:
        mishap.begin(self)
        self._lasting[mishap.id] = mishap
        now_ns = self.timeline.now_ns
        until_ns = now_ns + round(mishap.seconds * NS_PER_S)
        if mishap.blind:
            self._blind.append((now_ns, until_ns))
        self.later(mishap.seconds, lambda: self._end(mishap))

    def _end(self, mishap: Mishap) -> None:
        """End what has begun, once: a second end would be a mishap of its own (a wick that goes back twice)."""
        if self._lasting.pop(mishap.id, None) is not None:
            mishap.end(self)

    def _make_peace(self) -> None:
        """Everything ends: faults, a broken disk, a stopped or dead process, a strategy that was switched off."""
        self._peace = True
        for mishap, _ in self._plan:
            self._end(mishap)
        self.link.heal()
        self.exchange.order_faults.book.clear()
        self.host.journal.broken = ""
        if not self.host.running:
            self.host.start()

    def _recover(self) -> str:
        """Wait until the book is active and in its band; an operator takes back what is latched. Empty when it is."""
        deadline_ns = self.timeline.now_ns + round(RECOVER_S * NS_PER_S)
        problem = "it never was looked at"
        while self.timeline.now_ns < deadline_ns:
            self.timeline.advance(self.timeline.now_ns + NS_PER_S)
            problem = self._problem()
            if not problem:
                return ""
            if not self.host.running:
                continue
            state = self.host.engine.state
            if state.latched:
                reviewed = tuple(name for name, _ in to_review(state, state.latches[KillScope.ALL]))
                self.host.put(ev.OperatorUnkilled(operator="lab", reason="the mishaps are over", reviewed=reviewed))
            for strategy in state.tripped:
                self.host.put(
                    ev.StrategySwitched(strategy=strategy, enabled=True, operator="lab", reason="the mishaps are over")
                )
        return problem

    def _problem(self) -> str:
        if not self.host.running:
            return "no process runs"
        state = self.host.engine.state
        if state.mode is not cmd.Mode.ACTIVE:
            return f"the book is {state.mode}: {state.mode_reason}"
        settings = SETTINGS.underlyings[0]
        delta = self.oracle.delta_coin(settings)
        # A trade of the client's in this second is not hedged yet.
        if abs(delta) > settings.band_coin + 0.02:
            return f"the true delta is {delta:+.4f}, the band {settings.band_coin:g}"
        return ""

    def _advance_to(self, seconds: float) -> None:
        self.timeline.advance(START_NS + round(seconds * NS_PER_S))

    def _judge_replay(self) -> None:
        """The journal gives the same commands again."""
        engine = Engine(self._load_strategy)
        given = [
            cmd.Issued(seq=one.seq, index=index, at_ns=one.at_ns, command=command)
            for one in self.host.journal.events()
            for index, command in enumerate(engine.step(one), start=1)
        ]
        journaled = [one for one in self.host.journal.entries if isinstance(one, cmd.Issued)]
        if given != journaled:
            first = next((a for a, b in zip(given, journaled, strict=False) if a != b), None)
            seq = first.seq if first else 0
            self.oracle.violations.append(
                Violation(invariant="I8", at_ns=self.timeline.now_ns, sentence=f"the replay differs from seq {seq} on")
            )
