"""Topics about the venue's own limits and guards: price limits, liquidations, insurance funds, auto-deleveraging.

Source: docs/v5/websocket/public/{order-price-limit, all-liquidation, adl-alert, insurance-pool}.mdx.
"""

from hedgebot.exchange.troubles.insurance import AdlAlert
from hedgebot.exchange.types import Liquidated, Listing
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.routes_risk import alerts, insurance_rows
from hedgebot.exchange.wire.routes_statistics import price_limit_fields
from hedgebot.exchange.wire.topics import InstrumentTopic, Topic
from hedgebot.exchange.wire.words import SIDE, dec, ms, ms_text

GROUPS = {"linear": ("USDT", "USDC"), "inverse": ("inverse",)}
"""What adlAlert and insurance can be asked about on a channel: the contracts that settle in a coin, or inverse ones."""


class PriceLimitTopic(InstrumentTopic):
    """`priceLimit.SYMBOL`: highest buy and lowest sell, always whole; without a type, as at the venue."""

    def __init__(self, name: str, listing: Listing) -> None:
        super().__init__(name, listing)
        self._last: Fields = {}

    def publish(self, api: Api) -> None:
        """Send the limits if they moved."""
        fields = price_limit_fields(api, self.listing)
        changed = fields != self._last
        self._last = fields
        if changed or self.fresh:
            frame: Fields = {"topic": self.name, "ts": api.venue_ms, "data": fields}
            self._send(lambda: frame, frame if changed else None)


class LiquidationTopic(InstrumentTopic):
    """`allLiquidation.SYMBOL`: what was liquidated since the last flush; who comes late does not get the past."""

    def __init__(self, name: str, listing: Listing) -> None:
        super().__init__(name, listing)
        self.liquidations: list[Liquidated] = []

    def publish(self, api: Api) -> None:
        """Send the liquidations."""
        found, self.liquidations = self.liquidations, []
        self.fresh.clear()
        if found:
            data = [
                {
                    "T": ms(one.at_ns),
                    "s": self.listing.instrument.symbol,
                    "S": SIDE[one.position_side],
                    "v": dec(one.contracts),
                    "p": dec(one.price),
                }
                for one in found
            ]
            self._send(dict, {"topic": self.name, "type": "snapshot", "ts": api.venue_ms, "data": data})


class AdlTopic(Topic):
    """`adlAlert.GROUP`: how near each contract of a group is to auto-deleveraging, once a second."""

    def __init__(self, name: str, group: str) -> None:
        super().__init__(name)
        self._group = group

    def publish(self, api: Api) -> None:
        """Send all contracts of the group."""
        data = [_adl_row(symbol, alert) for symbol, alert in alerts(api, self._group)]
        frame: Fields = {"topic": self.name, "type": "snapshot", "ts": api.venue_ms, "data": data}
        self._send(lambda: frame, frame)


def _adl_row(symbol: str, alert: AdlAlert) -> Fields:
    """Numbers here, as in the documented frame; over HTTP the same figures are strings."""
    return {
        "c": alert.coin,
        "s": symbol,
        "b": float(alert.balance),
        "mb": float(alert.balance_max),
        "i_pr": alert.trigger_ratio,
        "pr": alert.pnl_ratio,
        "adl_tt": float(alert.trigger_balance),
        "adl_sr": alert.stop_ratio,
    }


class InsuranceTopic(Topic):
    """`insurance.GROUP`: balances of the group's funds as they change; each fund stands behind several contracts."""

    def __init__(self, name: str, group: str) -> None:
        super().__init__(name)
        self._group = group
        self._last: dict[str, str] = {}

    def publish(self, api: Api) -> None:
        """Send the funds that changed."""
        at = ms_text(api.exchange.now_ns)
        rows = [{**row, "updateTime": at} for row in insurance_rows(api, self._group)]
        changed = [row for row in rows if self._last.get(str(row["coin"])) != row["balance"]]
        self._last = {str(row["coin"]): str(row["balance"]) for row in rows}
        if changed or self.fresh:
            self._send(
                lambda: self._frame(api, "snapshot", rows), self._frame(api, "delta", changed) if changed else None
            )

    def _frame(self, api: Api, kind: str, rows: list[Fields]) -> Fields:
        return {"topic": self.name, "type": kind, "ts": api.venue_ms, "data": rows}
