"""One run of the fault world: the daemon's own turn, an exchange, mishaps, all from one seed; then peace and judgement.

Safety first: the oracle's invariants hold at every moment, and each mishap's own criterion where no other disturbs it.
Then the mishaps end, and within a minute the book must be active and its true delta inside the band again; what was
latched on the way an operator takes back, as he would.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from hedgebot.core.engine import Engine, LoadStrategy
from hedgebot.core.forgetting import ORDERS_KEPT
from hedgebot.core.kill_rules import CHECK, PAUSES_HALT
from hedgebot.core.state import state_digest
from hedgebot.core.unkill import to_review
from hedgebot.core.view import book_view
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.ports import EventSink
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.exchange.link import Link
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.timeline import Timeline
from hedgebot.exchange.transfers import Wallet
from hedgebot.journal.redaction import RedactingSink, Redactor
from hedgebot.lab.canary import SECRETS, CarelessSink, leaks, spoken
from hedgebot.lab.draws import PEACE_S, QUIET_S, chance_of, draw
from hedgebot.lab.evidence import Evidence, Sample
from hedgebot.lab.host import Host
from hedgebot.lab.mishaps import MISHAPS
from hedgebot.lab.oracle import Oracle, Violation
from hedgebot.lab.outcome import Outcome, Played
from hedgebot.lab.pace import ORDINARY_PACE, Pace
from hedgebot.lab.simvenue import SimVenue
from hedgebot.lab.stage import Mishap
from hedgebot.lab.turnoverjudge import late_coin, option_vols
from hedgebot.lab.worldbooks import BookKind, book_of
from hedgebot.lab.worldspec import HEDGE, HOLDER, LINK, SCENARIO, SETTINGS, START_NS, TIGHT_REPEATS, UNDERLYING
from hedgebot.lab.worldvenues import venue_of

ALERTS_MAX = 50
"""Alerts that are up once all is over: each stands for something that is still wrong."""

READER_SEED = 7_919
"""What tells the chance of the second reader's link from that of the first."""

RECOVER_S = 60.0
OPERATOR_S = 5.0
OVER = "the mishaps are over"
"""How long after the last mishap an operator looks at what is latched, and between two of his tries."""

APART_S = 40.0
"""Mishaps that are nearer to each other than this disturb each other: then only the invariants judge them."""


class FaultWorld:
    """A stage for mishaps."""

    def __init__(  # noqa: PLR0913  (what a world is drawn from, and what of it is given)
        self,
        seed: int,
        minutes: float,
        load_strategy: LoadStrategy,
        mishaps: Sequence[Mishap] = MISHAPS,
        *,
        scenario: Scenario = SCENARIO,
        begins: Sequence[tuple[str, float]] = (),
        book: BookKind | None = BookKind.ONE,
        kept: Sequence[str] | None = None,
        pace: Pace = ORDINARY_PACE,
        rules: str | None = "",
    ) -> None:
        """`begins` are mishaps by id with their seconds from the start, of a world that is played again.

        `kept` are those of the drawn mishaps that are played, each when it was drawn; None: all of them.
        `book` is the kind of book that it plays; None: the one that is drawn for the seed. `pace`: of long worlds.
        `rules`: the venue by whose rules it trades, before what a mishap asks for; empty: the scenario's, None: drawn.
        """
        self._seed = seed
        self._minutes = minutes
        self._load_strategy = load_strategy
        self._random = chance_of(seed)
        self._only = () if mishaps is MISHAPS else tuple(one.id for one in mishaps)
        drawn = draw(self._random, mishaps, minutes, seed)
        by_id = {one.id: one for one in mishaps}
        plan = tuple((by_id[name], from_s) for name, from_s in begins) or drawn.mishaps
        self._kept = None if kept is None else tuple(kept)
        self._plan = plan if kept is None else tuple(one for one in plan if one[0].id in kept)
        self._end_s = (minutes if begins else drawn.minutes) * 60.0
        self.settings = SETTINGS
        self._rules = venue_of(seed) if rules is None else rules or scenario.venue_rules
        scenario = msgspec.structs.replace(scenario, venue_rules=self._rules)
        for mishap, _ in self._plan:
            scenario = mishap.scenario(scenario) if mishap.scenario else scenario
            self.settings = mishap.settings(self.settings) if mishap.settings else self.settings
        self._book, self._pace = book_of(seed, book), pace
        self.settings = self._book.settings(self.settings)
        self.exchange = Exchange(msgspec.structs.replace(scenario, seed=seed), START_NS)
        self.timeline = Timeline(self.exchange)
        self.link = Link(self.exchange, HOLDER, self.timeline, LINK, seed=seed)
        self.reader_link = Link(self.exchange, HOLDER, self.timeline, LINK, seed=seed + READER_SEED)
        redactor = Redactor(SECRETS)
        self.host = Host(
            timeline=self.timeline,
            settings=self.settings,
            load_strategy=load_strategy,
            open_venue=self._open_venue,
            timer_ns_min=pace.market_ns if pace != ORDINARY_PACE else 0,
            front=lambda inbox: CarelessSink(RedactingSink(inbox, redactor)),
        )
        self.oracle = Oracle(self.exchange, HOLDER, self.host.journal, self.settings)
        self.holder, self.underlying, self.hedge = HOLDER, UNDERLYING, HEDGE
        self.hedges = self.settings.underlyings[0].hedge_instruments
        self._lasting: dict[str, Mishap] = {}
        self._evidence: dict[str, Evidence] = {}
        # Mishaps that met a book which an earlier one had latched: nothing could be tried, the invariants judge them.
        self._held: set[str] = set()
        self._peace = False

    # --- the stage

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        """Have something done after a while; not any more once there is peace."""
        self.timeline.after(round(seconds * NS_PER_S), lambda: None if self._peace else deed())

    def chance(self) -> float:
        """A number from 0 up to 1."""
        return self._random.random()

    def _open_venue(self, account: str, sink: EventSink) -> SimVenue:
        return SimVenue(
            account=account,
            holder=HOLDER,
            venue="bybit",
            exchange=self.exchange,
            link=self.link,
            timeline=self.timeline,
            sink=sink,
            clock=self.host.now_ns,
            reader_link=self.reader_link,
            pace=self._pace,
        )

    # --- the run

    def run(self) -> Outcome:
        """Play it to its end."""
        self.host.start()
        self._book.begin(self.exchange, self.later)
        for mishap, from_s in self._plan:
            self.later(from_s, lambda mishap=mishap: self._begin(mishap))  # type: ignore[misc]
        end_s = self._end_s
        self._advance_to(end_s - PEACE_S - QUIET_S)
        self._make_peace()
        stuck = self._recover()
        self._advance_to(end_s - QUIET_S)
        self.exchange.set_client_flow(enabled=False)
        if self.settings.limits.repeat_orders_max == TIGHT_REPEATS:
            # Clients alone trip a throttle as tight as that: somebody has to be there again.
            self._enable_strategies()
        self._advance_to(end_s)
        # Back for a moment is not back: nobody trades any more, so that the end is as it should be.
        stuck = stuck or self._problem()
        self.oracle.judge()
        if not stuck:
            self.oracle.judge_quiet()
        self._judge_replay()
        self._judge_secrets("the journal", spoken(self.host.journal.entries))
        self._look()
        self._judge_checks()
        if not stuck:
            self._judge_bounds()
        if all(mishap.may_halt for mishap, _ in self._plan) and self._plan and self._is_halted():
            stuck = ""
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
            unmet=tuple(self._judge_criteria()),
            only=self._only,
            lasted_minutes=self._end_s / 60.0,
            book=self._book.kind,
            kept=self._kept,
            rules=self._rules,
        )

    def _begin(self, mishap: Mishap) -> None:
        if self._is_held():
            self._held.add(mishap.id)
        self._evidence[mishap.id] = Evidence(
            hedge=self.hedge,
            settings=self.settings,
            oracle=self.oracle,
            journal=self.host.journal,
            alert_log=self.host.alert_log,
            begun_ns=self.timeline.now_ns,
        )
        self._lasting[mishap.id] = mishap
        mishap.begin(self)
        self._sample(mishap.id)
        self.later(mishap.seconds, lambda: self._end(mishap))

    def _end(self, mishap: Mishap) -> None:
        """End what has begun, once: a second end would be a mishap of its own (a wick that goes back twice)."""
        if self._lasting.pop(mishap.id, None) is not None:
            self._evidence[mishap.id].ended_ns = self.timeline.now_ns
            self._look()
            mishap.end(self)
            self.later(OPERATOR_S, self._operate)

    def _operate(self) -> None:
        """Somebody comes once all is over, and takes back what is latched: he tries until the checklist lets him."""
        if self._is_held() and not self._lasting:
            self._take_back()
            self.later(OPERATOR_S, self._operate)

    def _sample(self, name: str) -> None:
        """Look at the truth each second while a mishap lasts, and until the book is back in its band after it."""
        evidence = self._evidence[name]
        settings = self.settings.underlyings[0]
        delta = self.oracle.delta_coin(settings)
        vols = option_vols(self.exchange, HOLDER, UNDERLYING)
        known = evidence.samples[-1].vols if evidence.samples else vols
        sample = Sample(
            at_ns=self.timeline.now_ns,
            delta_coin=delta,
            unhedged_coin=delta - self.oracle.hedge_coin(settings),
            margin_use=self.oracle.margin_use(),
            vols=vols,
            late_coin=late_coin(self.exchange, HOLDER, UNDERLYING, known),
        )
        evidence.samples.append(sample)
        if evidence.ended_ns and in_band(settings, delta):
            evidence.back_ns = self.timeline.now_ns
        elif not evidence.ended_ns or self.timeline.now_ns < evidence.ended_ns + RECOVER_S * NS_PER_S:
            self.timeline.after(NS_PER_S, lambda: self._sample(name))

    def _make_peace(self) -> None:
        """Everything ends: faults, a broken disk, a stopped or dead process, a strategy switched off, thin margin."""
        self._peace = True
        for mishap, _ in self._plan:
            self._end(mishap)
        self.link.heal()
        self.reader_link.heal()
        self.exchange.order_faults.book.clear()
        self._top_up()
        self.host.journal.broken = ""
        if not self.host.running:
            self.host.start()

    def _recover(self) -> str:
        """Wait until the book is active, in its band and not held: an operator takes back what is. Empty when it is."""
        deadline_ns = self.timeline.now_ns + round(RECOVER_S * NS_PER_S)
        problem = "it never was looked at"
        while self.timeline.now_ns < deadline_ns:
            self.timeline.advance(self.timeline.now_ns + NS_PER_S)
            problem = self._problem()
            if not problem and not self._is_held():
                return ""
            if self.host.running:
                self._take_back()
        return problem

    def _take_back(self) -> None:
        self._judge_checks()
        for one in (state := self.host.engine.state).latches.values():
            word = ev.OperatorUnkilled(operator="lab", reason=OVER, scope=one.scope, name=one.name)
            seen = tuple(name for name, _ in to_review(state, one))
            self.host.put(msgspec.structs.replace(word, reviewed=seen))
        self._enable_strategies()

    def _enable_strategies(self) -> None:
        state = self.host.engine.state
        for strategy in sorted(state.tripped.keys() | {name for name, on in state.switches.items() if not on}):
            self.host.put(ev.StrategySwitched(strategy=strategy, enabled=True, operator="lab", reason=OVER))

    def _top_up(self) -> None:
        """What cures a book that its margin holds: coins that lie beside the account."""
        for coin, qty in self.exchange.transfers.funding(HOLDER).items():
            self.exchange.transfers.move(HOLDER, f"top-up {coin}", coin, qty, Wallet.FUND, Wallet.UNIFIED)

    def _problem(self) -> str:
        if not self.host.running:
            return "no process runs"
        state = self.host.engine.state
        if state.mode is not cmd.Mode.ACTIVE:
            return f"the book is {state.mode}: {state.mode_reason}"
        for settings in self.settings.underlyings:
            delta = self.oracle.delta_coin(settings)
            if not in_band(settings, delta):
                return f"the true delta of {settings.underlying} is {delta:+.4f}, the band {settings.band_coin:g}"
        return ""

    def _is_held(self) -> bool:
        """Whether a latch or a switch keeps the book from hedging: an operator ends that, once nothing lasts."""
        if not self.host.running:
            return False
        state = self.host.engine.state
        return bool(state.latches or state.tripped) or not all(state.switches.values())

    def _is_halted(self) -> bool:
        return self.host.running and bool(self.host.engine.state.latches)

    def _advance_to(self, seconds: float) -> None:
        self.timeline.advance(START_NS + round(seconds * NS_PER_S))

    def _judge_criteria(self) -> list[str]:
        """What single mishaps ask for, of those that no other one disturbed."""
        found = []
        for mishap, from_s in self._plan:
            evidence = self._evidence.get(mishap.id)
            if evidence is None or mishap.id in self._held or not self._undisturbed(mishap, from_s):
                continue
            evidence.state = self.host.engine.state if self.host.running else None
            found += [f"{mishap.id}: {said}" for said in (mishap.criterion(evidence), mishap.untold(evidence)) if said]
        return found

    def _undisturbed(self, mishap: Mishap, from_s: float) -> bool:
        """No other mishap near it, and time enough before the peace to see it end."""
        until_s = from_s + mishap.seconds
        return all(
            other is mishap or start_s > until_s + APART_S or start_s + other.seconds + APART_S < from_s
            for other, start_s in self._plan
        )

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
            self._broken("I8", f"the replay differs from seq {first.seq if first else 0} on")
        elif self.host.idle and state_digest(engine.state) != state_digest(self.host.engine.state):
            self._broken("I8", "the replay gives the same commands and another state")

    def _look(self) -> None:
        """Somebody asks how the book stands, and its state is kept: I10 of what he reads and of the snapshot."""
        if self.host.running:
            state = self.host.engine.state
            self._judge_secrets("the answer to status", (book_view(state, self.host.now_ns()),))
            self._judge_secrets("the snapshot of the state", (state,))

    def _judge_secrets(self, name: str, values: Iterable[object]) -> None:
        for found in leaks(name, values):
            self._broken("I10", found)

    def _judge_bounds(self) -> None:
        """Whatever happened, what the engine remembers stays bounded."""
        if not self.host.running:
            return
        state = self.host.engine.state
        sizes = {
            "orders": (len(state.orders), ORDERS_KEPT),
            "unsettled orders": (len(state.unsettled), len(self.settings.underlyings)),
            "alerts": (len(state.alerts), ALERTS_MAX),
            "pauses": (len(state.pauses), PAUSES_HALT),
            "repeats": (max(map(len, state.repeats.values()), default=0), self.settings.limits.repeat_orders_max + 1),
            "unseen executions": (sum(len(one.unseen) for one in state.accounts.values()), 0),
        }
        for name, (found, most) in sizes.items():
            if found > most:
                self._broken("I14", f"{found} {name} are kept at the end, at most {most}")

    def _judge_checks(self) -> None:
        """A check that failed halts the book instead of ending the process: here it is a fault of ours all the same."""
        for latch in self.host.engine.state.latches.values() if self.host.running else ():
            for cause, why in latch.causes.items():
                if cause.startswith(CHECK):
                    self._broken("I15", why)

    def _broken(self, invariant: str, sentence: str) -> None:
        self.oracle.violations.append(Violation(invariant=invariant, at_ns=self.timeline.now_ns, sentence=sentence))


def in_band(settings: UnderlyingSettings, delta_coin: float) -> bool:
    """Whether a true delta is where it should be; a trade of the client's in this second is not hedged yet."""
    return abs(delta_coin) <= settings.band_coin + 0.02
