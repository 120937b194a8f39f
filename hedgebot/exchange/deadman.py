"""Dead-man's switches: armed by an account, pushed back or kept alive by it, firing by cancelling its orders.

Owns what is armed, the countdowns and the daily budgets, by the venue's rules (`venue_rules.py`). It cancels orders,
never positions. Must not know the wire, nor read a clock: `advance` is given the time.

Keys say what a switch covers: an instrument's id, an underlying, a product ("derivatives", "options", "spot"), a
connection, or "" for the whole account, as the rules' scope has it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.instrument import Instrument, InstrumentKind
from hedgebot.exchange.checks import refuse
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.scenario import AccountSpec
from hedgebot.exchange.types import DeadManFired, DeadManState, EndReason, Refusal, RefusalReason, SimOrder
from hedgebot.exchange.venue_rules import DeadManKind, DeadManRules, DeadManScope

DAY_NS = 86_400 * NS_PER_S
PRODUCTS = ("derivatives", "options", "spot")
# Orders whose connection is remembered, over all accounts; the oldest is forgotten.
ROUTES_MAX = 100_000


@dataclass(slots=True)
class _Switch:
    """One armed switch. `fires_at_ns` is None while nothing counts down."""

    seconds: float
    fires_at_ns: int | None = None


@dataclass(slots=True)
class _Holder:
    """What an account has armed and connected."""

    permitted: bool
    switches: dict[str, _Switch] = field(default_factory=dict)
    # Connections and the keys that each keeps alive; those that subscribed during a countdown wait for a heartbeat.
    alive: dict[str, set[str]] = field(default_factory=dict)
    waiting: dict[str, set[str]] = field(default_factory=dict)
    locked_out: bool = False
    fired_day: int = 0
    fired: int = 0


class DeadMan:
    """The switches of all accounts on a venue."""

    def __init__(self, rules: DeadManRules, desk: Desk, accounts: Iterable[AccountSpec]) -> None:
        self._rules = rules
        self._desk = desk
        self._holders = {one.name: _Holder(one.dead_man or not rules.needs_permission) for one in accounts}
        self._routes: dict[str, str] = {}
        if rules.kind is DeadManKind.WS_DISCONNECT and rules.seconds_default is not None:
            # The venue's default window: nothing fires before a connection asked for it and was lost.
            for holder in self._holders.values():
                if holder.permitted and rules.scope is DeadManScope.PRODUCT:
                    holder.switches = {product: _Switch(rules.seconds_default) for product in PRODUCTS}

    # --- arming

    def arm(self, account: str, seconds: float, key: str = "") -> Refusal | None:
        """Arm, push back, or (0 seconds) disarm a switch; None when done. KeyError for an unknown account."""
        holder, rules = self._holders[account], self._rules
        if rules.kind is DeadManKind.NONE:
            return refuse(RefusalReason.DEAD_MAN_REFUSED, "this venue has no dead-man's switch")
        if not holder.permitted:
            return refuse(RefusalReason.NO_PERMISSION, f"account {account} may not use the dead-man's switch")
        if not self._exists(key):
            return refuse(RefusalReason.DEAD_MAN_REFUSED, f"{key!r} is no {rules.scope} that a switch can cover")
        timer = rules.kind is DeadManKind.NATIVE_TIMER
        if timer and seconds == 0:
            holder.switches.pop(key, None)
            return None
        if not rules.seconds_min <= seconds <= rules.seconds_max:
            allowed = f"{rules.seconds_min:g} to {rules.seconds_max:g}"
            return refuse(RefusalReason.DEAD_MAN_REFUSED, f"the window is {seconds:g} s, it must be {allowed} s")
        if rules.fires_per_day is not None and self._fired_today(holder) >= rules.fires_per_day:
            detail = f"the switch fired {rules.fires_per_day} times today; the next one is after 00:00 UTC"
            return refuse(RefusalReason.DEAD_MAN_REFUSED, detail)
        if timer:
            holder.switches[key] = _Switch(seconds, self._due_ns(seconds))
        else:
            # The countdown that runs, runs on.
            holder.switches.setdefault(key, _Switch(seconds)).seconds = seconds
        return None

    def _exists(self, key: str) -> bool:
        """Whether a key names what this venue's switches cover."""
        world = self._desk.world
        match self._rules.scope:
            case DeadManScope.ACCOUNT:
                return not key
            case DeadManScope.SYMBOL:
                return key in world.markets
            case DeadManScope.UNDERLYING:
                return key in world.coins
            case DeadManScope.PRODUCT:
                return key in PRODUCTS
            case DeadManScope.CONNECTION:
                return True

    def disarm(self, account: str, key: str = "") -> None:
        """Take a switch away. KeyError for an unknown account."""
        self._holders[account].switches.pop(key, None)

    def heartbeat(self, account: str, connection: str = "") -> None:
        """Push every timer of the account back, lift a lock-out; or (sockets) show that a connection is alive."""
        holder = self._holders[account]
        holder.locked_out = False
        if self._rules.kind is DeadManKind.NATIVE_TIMER:
            for switch in holder.switches.values():
                switch.fires_at_ns = self._due_ns(switch.seconds)
        for key in holder.waiting.pop(connection, ()):
            self._keeps_alive(holder, connection, key)

    def _due_ns(self, seconds: float) -> int:
        due_ns = self._desk.books.now_ns + round(seconds * NS_PER_S)
        every_ns = self._rules.checked_every_ms * NS_PER_MS
        return -(-due_ns // every_ns) * every_ns if every_ns else due_ns

    # --- connections

    def connected(self, account: str, connection: str, key: str = "") -> None:
        """Have a connection keep a key's switch from firing. During a countdown it counts from its next heartbeat."""
        holder = self._holders[account]
        counting = (switch := holder.switches.get(key)) is not None and switch.fires_at_ns is not None
        if counting and self._rules.heartbeats:
            holder.waiting.setdefault(connection, set()).add(key)
        else:
            self._keeps_alive(holder, connection, key)

    def _keeps_alive(self, holder: _Holder, connection: str, key: str) -> None:
        holder.alive.setdefault(connection, set()).add(key)
        switch = holder.switches.get(key)
        if switch is not None and self._rules.kind is DeadManKind.WS_DISCONNECT:
            switch.fires_at_ns = None

    def released(self, account: str, connection: str, key: str = "") -> None:
        """A living connection no longer keeps a key alive; that is no disconnection and starts nothing."""
        holder = self._holders[account]
        for kept in (holder.alive, holder.waiting):
            kept.get(connection, set()).discard(key)

    def disconnected(self, account: str, connection: str, *, logout: bool = False) -> None:
        """A connection is gone: what nobody keeps alive any more counts down. A logout starts nothing."""
        holder = self._holders.get(account)
        if holder is None:
            return
        holder.waiting.pop(connection, None)
        lost = holder.alive.pop(connection, set())
        if self._rules.kind is not DeadManKind.WS_DISCONNECT or logout:
            return
        for key in sorted(lost):
            switch = holder.switches.get(key)
            if switch is not None and not any(key in keys for keys in holder.alive.values()):
                switch.fires_at_ns = self._due_ns(switch.seconds)
        self.advance(self._desk.books.now_ns)

    def routed(self, order_id: str, connection: str) -> None:
        """Remember over which connection an order came."""
        if self._rules.scope is DeadManScope.CONNECTION and connection:
            self._routes[order_id] = connection
            if len(self._routes) > ROUTES_MAX:
                del self._routes[next(iter(self._routes))]

    # --- firing

    def due_ns(self) -> int | None:
        """When the next switch fires; None when nothing counts down."""
        # Asked for at every moment of a simulation, and nearly always nothing counts.
        next_ns: int | None = None
        for holder in self._holders.values():
            for switch in holder.switches.values():
                fires_ns = switch.fires_at_ns
                if fires_ns is not None and (next_ns is None or fires_ns < next_ns):
                    next_ns = fires_ns
        return next_ns

    def advance(self, now_ns: int) -> None:
        """Fire what is due, earliest first."""
        next_ns = self.due_ns()
        if next_ns is None or next_ns > now_ns:
            return
        due = [one for one in self._counting() if one[3] <= now_ns]
        for account, holder, key, _ in sorted(due, key=lambda one: (one[3], one[0], one[2])):
            self._fire(account, holder, key)

    def _counting(self) -> Iterator[tuple[str, _Holder, str, int]]:
        for account, holder in self._holders.items():
            for key, switch in holder.switches.items():
                if switch.fires_at_ns is not None:
                    yield account, holder, key, switch.fires_at_ns

    def _fire(self, account: str, holder: _Holder, key: str) -> None:
        rules = self._rules
        if rules.rearms:
            holder.switches[key].fires_at_ns = None
        else:
            del holder.switches[key]
        holder.locked_out = rules.locks_out
        holder.fired = self._fired_today(holder) + 1
        holder.fired_day = self._desk.books.now_ns // DAY_NS
        chosen = [order for order in self._desk.orders.open_orders(account) if self._covers(key, order)]
        for order in chosen:
            self._desk.end(order, EndReason.DEAD_MAN)
        books = self._desk.books
        books.tell(
            DeadManFired(
                account=account,
                key=key,
                order_ids=tuple(order.order_id for order in chosen),
                at_ns=books.now_ns,
                seq=books.next_seq(),
            )
        )

    def _covers(self, key: str, order: SimOrder) -> bool:
        instrument = self._desk.world.markets[order.instrument].instrument
        match self._rules.scope:
            case DeadManScope.ACCOUNT:
                return True
            case DeadManScope.SYMBOL:
                return instrument.id == key
            case DeadManScope.UNDERLYING:
                return instrument.underlying == key
            case DeadManScope.PRODUCT:
                return product_of(instrument) == key
            case DeadManScope.CONNECTION:
                return not key or self._routes.get(order.order_id) == key

    def _fired_today(self, holder: _Holder) -> int:
        return holder.fired if holder.fired_day == self._desk.books.now_ns // DAY_NS else 0

    # --- looking

    def permitted(self, account: str) -> bool:
        """Whether the venue lets this account use the switch. KeyError for an unknown account."""
        return self._holders[account].permitted

    def refusal(self, account: str) -> Refusal | None:
        """What is answered to a new order of an account that is locked out; None: it may go on."""
        holder = self._holders.get(account)
        if holder is None or not holder.locked_out:
            return None
        return refuse(RefusalReason.LOCKED_OUT, "a dead-man's switch fired; send a heartbeat first")

    def states(self, account: str) -> tuple[DeadManState, ...]:
        """What is armed, to be read back. KeyError for an unknown account."""
        holder, rules = self._holders[account], self._rules
        left = None if rules.fires_per_day is None else rules.fires_per_day - self._fired_today(holder)
        return tuple(
            DeadManState(
                key=key,
                seconds=switch.seconds,
                fires_at_ns=switch.fires_at_ns,
                kept_alive_by=tuple(name for name, keys in holder.alive.items() if key in keys),
                fires_left_today=left,
            )
            for key, switch in holder.switches.items()
        )


def product_of(instrument: Instrument) -> str:
    """The product that a switch by product counts an instrument to."""
    if instrument.kind.is_option:
        return "options"
    return "spot" if instrument.kind is InstrumentKind.SPOT else "derivatives"
