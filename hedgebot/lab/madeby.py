"""Whose positions are: how much of each one was made by orders of one installation, the rest being the client's.

Owns the count, from the exchange's own executions; must be there before the first order. Must not know the engine:
an order is known by its client id. What a venue closes by force or delivers is taken from both in proportion.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import ExecKind, Executed, Execution, FundingSettlement, Notice, PositionIndex

_FORCED = frozenset({ExecKind.ADL, ExecKind.BUST, ExecKind.DELIVERY})

Key = tuple[str, InstrumentId, PositionIndex]


class MadeBy:
    """Contracts that one installation's orders made of each position of some accounts, signed."""

    def __init__(self, exchange: Exchange, holders: Iterable[str], install: int) -> None:
        self._exchange = exchange
        self._holders = frozenset(holders)
        self._install = install
        self._contracts: dict[Key, Decimal] = defaultdict(Decimal)
        exchange.listen(self._on_notice, market=False)

    def made(self, row: Execution) -> bool:
        """Whether an execution is of one of its orders."""
        made_by = decode_client_id(row.order.client_id)
        return made_by is not None and made_by.install == self._install

    def share(self, paid: FundingSettlement) -> float:
        """What part of a position's funding is its own; above 1 or below 0 where the client holds the other side."""
        held = self._contracts.get((paid.account, paid.instrument, paid.position_index), Decimal(0))
        return float(held / paid.contracts) if paid.contracts else 0.0

    def _on_notice(self, notice: Notice) -> None:
        if not isinstance(notice, Executed) or notice.execution.account not in self._holders:
            return
        row = notice.execution
        key = row.account, row.instrument, row.order.position_index
        moved = row.qty_contracts * row.side.sign
        if self.made(row):
            self._contracts[key] += moved
        elif row.kind in _FORCED and key in self._contracts:
            position = self._exchange.position(*key)
            after = position.contracts if position is not None else Decimal(0)
            before = after - moved
            self._contracts[key] = self._contracts[key] * after / before if before else Decimal(0)
