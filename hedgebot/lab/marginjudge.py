"""The oracle's eye for the margin of an account by the exchange's own figures: what each order of ours did to it (I13).

Weighs the account as each order arrives and again once it is matched, so that neither a wrong report nor a wrong model
of ours hides what an order did. Reads the exchange's side; of the journal only where the buffer's floor stands. What
nobody could know yet is no fault: a margin that jumped within the time in which reports come. Orders that only shrink
a position are left out, as in the gate: without a margin model of ours it lets them pass.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.settings import EngineSettings
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import OrderRequest, SimOrder

NS_PER_S = 1_000_000_000
USE_SLACK = 0.002
"""What an order may cost in fees and in spread, as a share of what is left: margin use moves by that much at most."""

KNOWN_NS, LOOKED_NS = 20 * NS_PER_S, 35 * NS_PER_S
"""So long before an order the account must have stood as thin: a report comes every 15 s. And the look that shows it
is no older than that."""

IsOurs = Callable[[str | None], bool]


class _Weighed(NamedTuple):
    """The margin use of the account as an order arrived, and after all that was matched of it."""

    at_ns: int
    before: float
    after: float


def margin_use(exchange: Exchange, holder: str) -> float:
    """The true maintenance margin over equity; infinite when margin is due and nothing is left."""
    wallet = exchange.wallet(holder)
    needed, equity = wallet.maintenance_margin_usd, min(wallet.equity_usd, wallet.margin_balance_usd)
    if not needed:
        return 0.0
    return needed / equity if equity > 0.0 else float("inf")


class MarginWatch:
    """Weighs one account at each order of ours."""

    def __init__(self, exchange: Exchange, holder: str, is_ours: IsOurs) -> None:
        self._exchange = exchange
        self._holder = holder
        self._is_ours = is_ours
        self._arrived: dict[str, tuple[int, float]] = {}
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
            self._arrived[request.client_id or ""] = (self._exchange.now_ns, self.look())

    def matched(self, order: SimOrder) -> None:
        """An order of ours was matched, in part or whole, or ended."""
        client_id = order.client_id or ""
        arrived = self._arrived.get(client_id)
        if arrived is not None:
            self._weighed[client_id] = _Weighed(*arrived, margin_use(self._exchange, self._holder))

    def judge(
        self, entries: Sequence[ev.Stamped | cmd.Issued], settings: EngineSettings
    ) -> Iterator[tuple[str, int, str]]:
        """Each order that took the buffer below its floor, or what was left there of it."""
        floors = {one.name: settings.limits.floor_use(raised=False) for one in settings.accounts}
        for entry in entries:
            command = entry.command if isinstance(entry, cmd.Issued) else None
            match command:
                case cmd.RecordRegime():
                    floors[command.account] = command.floor_use
                case cmd.SubmitOrder():
                    intent = command.approved.intent
                    floor, one = floors[intent.account], self._weighed.get(command.client_id)
                    if one is not None and not intent.reduce_only and self._uses_up(one, floor):
                        moved = f"from {one.before:.1%} to {one.after:.1%}, its floor is {floor:.0%}"
                        yield "I13", one.at_ns, f"order {command.client_id} took the margin use at the venue {moved}"
                case _:
                    pass

    def _uses_up(self, one: _Weighed, floor: float) -> bool:
        """Whether an order took buffer that was not there, and had not been there for as long as a report may take."""
        effect = one.after - one.before
        if one.after <= floor or effect <= USE_SLACK:
            return False
        since = bisect_left(self._looks, (one.at_ns - LOOKED_NS, 0.0))
        looks = [look for look in self._looks[since:] if look[0] <= one.at_ns]
        return looks[0][0] <= one.at_ns - KNOWN_NS and min(use for _, use in looks) + effect > floor
