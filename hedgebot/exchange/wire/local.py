"""What the model's public face does not offer yet, done from outside in the smallest way: a price shock.

Owns nothing that should stay: once `Exchange` has a `shock` of its own, this module goes.
"""

from dataclasses import replace

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.pricepath import PathBlock, PricePath
from hedgebot.exchange.world import World


class ShockedPath:
    """A price path whose blocks are multiplied."""

    def __init__(self, inner: PricePath, ratio: float) -> None:
        self.start_price = inner.start_price
        self._inner = inner
        self._ratio = ratio

    def next_block(self) -> PathBlock:
        """The inner path's next block, moved."""
        return scaled(self._inner.next_block(), self._ratio)


def scaled(block: PathBlock, ratio: float) -> PathBlock:
    """A block with every price multiplied."""
    return replace(
        block, index=block.index * ratio, spot=block.spot * ratio, perp=block.perp * ratio, mark=block.mark * ratio
    )


def shock(exchange: Exchange, underlying: str, ratio: float) -> None:
    """Multiply an underlying's prices from its next step on. KeyError for an unknown one."""
    world: World = vars(exchange)["_world"]
    coin = world.coins[underlying]
    coin.path, coin.block = ShockedPath(coin.path, ratio), scaled(coin.block, ratio)
