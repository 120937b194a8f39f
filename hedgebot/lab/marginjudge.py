"""The oracle's eye for the margin of an account by the exchange's own figures: what each order of ours did to it (I13).

Weighs the account as each order arrives and again once it is matched, so that neither a wrong report nor a wrong model
of ours hides what an order did. Reads the exchange's side; of the journal only whether the buffer's floor is raised:
where it stands is the configuration's to say. An order's fee and spread are left out (its price is I4's to judge). What
nobody could know yet is no fault: a margin that jumped within the time in which reports come. Orders that only shrink
a position are left out, as in the gate: without a margin model of ours it lets them pass.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.settings import EngineSettings
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import OrderRequest, SimOrder
from hedgebot.lab.datajudge import NORMAL, floor_use

USE_SLACK = 0.002
"""What all orders together may take below the floor, as a share of the equity: trades that were not heard of yet."""

KNOWN_NS, LOOKED_NS = 20 * NS_PER_S, 35 * NS_PER_S
"""So long before an order the account must have stood as thin: a report comes every 15 s. And the look that shows it
is no older than that."""

IsOurs = Callable[[str | None], bool]


class _Scale(NamedTuple):
    """The maintenance margin and the equity of the account at one moment, in USD."""

    needed_usd: float
    equity_usd: float

    @property
    def use(self) -> float:
        """Margin over equity; infinite when margin is due and nothing is left."""
        return _ratio(self.needed_usd, self.equity_usd)


class _Weighed(NamedTuple):
    """The account as an order arrived, and after all that was matched of it."""

    at_ns: int
    before: _Scale
    after: _Scale

    @property
    def taken(self) -> float:
        """What the order takes of the buffer by what is needed for it, as a share of the equity before it."""
        return _ratio(max(self.after.needed_usd - self.before.needed_usd, 0.0), self.before.equity_usd)


def margin_use(exchange: Exchange, holder: str) -> float:
    """The true maintenance margin over equity; infinite when margin is due and nothing is left."""
    return _scale(exchange, holder).use


def _scale(exchange: Exchange, holder: str) -> _Scale:
    wallet = exchange.wallet(holder)
    return _Scale(wallet.maintenance_margin_usd, min(wallet.equity_usd, wallet.margin_balance_usd))


def _ratio(needed_usd: float, equity_usd: float) -> float:
    if not needed_usd:
        return 0.0
    return needed_usd / equity_usd if equity_usd > 0.0 else float("inf")


class MarginWatch:
    """Weighs one account at each order of ours."""

    def __init__(self, exchange: Exchange, holder: str, is_ours: IsOurs) -> None:
        self._exchange = exchange
        self._holder = holder
        self._is_ours = is_ours
        self._arrived: dict[str, tuple[int, _Scale]] = {}
        self._weighed: dict[str, _Weighed] = {}
        self._looks: list[tuple[int, float]] = []
        exchange.arriving = self._on_arrival

    def look(self) -> float:
        """The margin use now, remembered."""
        use = margin_use(self._exchange, self._holder)
        self._looks.append((self._exchange.now_ns, use))
        return use

    def _on_arrival(self, request: OrderRequest) -> None:
        if request.account == self._holder and self._is_ours(request.client_id):
            self.look()
            self._arrived[request.client_id or ""] = (self._exchange.now_ns, _scale(self._exchange, self._holder))

    def matched(self, order: SimOrder) -> None:
        """An order of ours was matched, in part or whole, or ended."""
        client_id = order.client_id or ""
        arrived = self._arrived.get(client_id)
        if arrived is not None:
            self._weighed[client_id] = _Weighed(*arrived, _scale(self._exchange, self._holder))

    def judge(
        self, entries: Sequence[ev.Stamped | cmd.Issued], settings: EngineSettings
    ) -> Iterator[tuple[str, int, str]]:
        """Each order that took the buffer below its floor, or what was left there of it."""
        raised: dict[str, bool] = {}
        taken = 0.0
        for entry in entries:
            command = entry.command if isinstance(entry, cmd.Issued) else None
            match command:
                case cmd.RecordRegime():
                    raised[command.account] = command.after != NORMAL
                case cmd.SubmitOrder(approved=approved) if not approved.intent.reduce_only:
                    one = self._weighed.get(command.client_id)
                    floor = floor_use(settings, entry.at_ns, raised=raised.get(approved.intent.account, False))
                    if one is None:
                        continue
                    # Summed up for as long as the account is known to stand there: many little ones are a large one.
                    taken = taken + one.taken if self._stands_below(one, floor) else 0.0
                    if one.taken and taken > USE_SLACK:
                        moved = f"from {one.before.use:.1%} to {one.after.use:.1%}, its floor is {floor:.0%}"
                        yield "I13", one.at_ns, f"order {command.client_id} took the margin use at the venue {moved}"
                case _:
                    pass

    def _stands_below(self, one: _Weighed, floor: float) -> bool:
        """Whether with an order the buffer is below its floor, and would be at each look that a report may be of."""
        if one.after.use <= floor:
            return False
        since = bisect_left(self._looks, (one.at_ns - LOOKED_NS, 0.0))
        looks = [look for look in self._looks[since:] if look[0] <= one.at_ns]
        return looks[0][0] <= one.at_ns - KNOWN_NS and min(use for _, use in looks) + one.taken > floor
