"""Topics about the venue's own limits and guards: price limits.

Source: docs/v5/websocket/public/order-price-limit.mdx.
"""

from hedgebot.exchange.types import Listing
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.routes_statistics import price_limit_fields
from hedgebot.exchange.wire.topics import InstrumentTopic


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
