"""What the journal says is held: contracts by account and instrument, and between which bounds the net delta stands.

Counts executions and what positions were set to. Imports nothing of the engine, and has no prices: an option may have
any delta that options can have, and dollars of inverse contracts are any number of coins.
"""

import math
from collections.abc import Iterator
from decimal import Decimal

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Instrument, InstrumentId, OptionType, category_of
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import DeltaConvention, UnderlyingSettings

ZERO = Decimal(0)


class HoldBook:
    """Positions of all accounts by the journal's own entries, in their order."""

    def __init__(self) -> None:
        self._contracts: dict[tuple[str, InstrumentId], Decimal] = {}
        self._rules: dict[InstrumentId, Instrument] = {}
        self._booked: set[str] = set()

    def take(self, event: ev.Event) -> None:
        """Follow an execution, once, or rules."""
        match event:
            case ev.InstrumentsLoaded(instruments=rules):
                self._rules |= {one.id: one for one in rules}
            case ev.FillReceived(trade_id=trade_id) if trade_id not in self._booked:
                self._booked.add(trade_id)
                key = (event.account, event.instrument)
                self._contracts[key] = self._contracts.get(key, ZERO) + event.qty_contracts * event.side.sign
            case _:
                pass

    def adjust(self, command: cmd.RecordAdjustment) -> None:
        """A position was set to the venue's number."""
        self._contracts[command.account, InstrumentId(command.subject)] = Decimal(command.after)

    def depends_on_price(self, settings: UnderlyingSettings) -> bool:
        """Whether the net delta changes with the price: options, and dollars unless their entry fixes their coins."""
        return any(category_of(name) == "option" for name, _ in self._of(settings)) or bool(self._dollars(settings))

    def unproven(self, intent: OrderIntent, settings: UnderlyingSettings) -> str:
        """Why an order is not proven to lower risk at every price; empty when it is."""
        held = self._contracts.get((intent.account, intent.instrument), ZERO)
        if not 0 < intent.qty_contracts <= -held * intent.side.sign:
            return f"it would not only shrink {held} contracts"
        (low, high), effect = self.bounds_coin(settings), intent.delta_effect_coin
        if low > -effect / 2.0 if effect < 0.0 else high < -effect / 2.0:
            return ""
        return f"the delta was anywhere from {low:g} to {high:g}"

    def bounds_coin(self, settings: UnderlyingSettings) -> tuple[float, float]:
        """The least and the most net delta of what is held, in coin, whatever options and dollars are worth.

        A call's delta is between 0 and 1, a put's between -1 and 0. Coins in wallets are not counted.
        """
        dollars = self._dollars(settings)
        low, high = -math.inf if dollars < 0 else 0.0, math.inf if dollars > 0 else 0.0
        for name, contracts in self._of(settings):
            rules = self._rules.get(name)
            if rules is None:
                return -math.inf, math.inf
            whole = float(contracts * rules.contract_size)
            if rules.kind.is_option:
                whole = whole if rules.option_type is OptionType.CALL else -whole
                low, high = low + min(whole, 0.0), high + max(whole, 0.0)
            elif not rules.kind.is_inverse:
                low, high = low + whole, high + whole
        return low, high

    def _of(self, settings: UnderlyingSettings) -> Iterator[tuple[InstrumentId, Decimal]]:
        """What is held of an underlying; of an instrument without rules nobody knows, it counts."""
        for (_, name), contracts in self._contracts.items():
            rules = self._rules.get(name)
            if contracts and (rules is None or rules.underlying == settings.underlying):
                yield name, contracts

    def _dollars(self, settings: UnderlyingSettings) -> Decimal:
        """USD of inverse contracts."""
        if settings.delta_convention is DeltaConvention.USD_NEUTRAL:
            return ZERO
        held = ((self._rules.get(name), one) for name, one in self._of(settings) if category_of(name) == "inverse")
        return sum((one * (rules.contract_size if rules else 1) for rules, one in held), ZERO)
