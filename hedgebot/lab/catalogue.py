"""All faults of the project's table: id, weight, what goes wrong, at which layer, and where each is played.

Owns names and weights; the fault world and the tests refer to these. Weights: 3 costs money, 2 liveness, 1 comfort.
Layers as in the safety reference, section 12: L1 the fault world on virtual time, L2 the wire with real clients, L3 the
real process, L4 static. What is not played in the world has tests named after its id.
"""

from enum import StrEnum

import msgspec


class Layer(StrEnum):
    """Where a fault can be produced."""

    WORLD = "L1"
    WIRE = "L2"
    PROCESS = "L3"
    STATIC = "L4"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `in_world`: the fault world plays it."""

    id: str
    weight: int
    title: str
    layers: tuple[Layer, ...]
    in_world: bool

    @property
    def outside(self) -> bool:
        """Whether a test beyond the fault world owes its name to it."""
        return not self.in_world or self.layers != (Layer.WORLD,)

    @property
    def test_prefix(self) -> str:
        """What the names of its tests begin with."""
        return f"test_{self.id.lower()}_"


def _row(fault: str, weight: int, layers: str, title: str, *, world: bool | None = None) -> Fault:
    """`world` is said where it does not follow from the layer: scaled down there, or played by tests of its own."""
    found = tuple(Layer(one) for one in layers.split("+"))
    in_world = Layer.WORLD in found if world is None else world
    return Fault(id=fault, weight=weight, title=title, layers=found, in_world=in_world)


FAULTS: tuple[Fault, ...] = (
    _row("N01", 3, "L2", "the private stream breaks between a fill and its news", world=True),
    _row("N02", 3, "L2", "market data stand still on a connection that stands", world=True),
    _row("N04", 3, "L1+L2", "no connection to the venue can be made"),
    _row("N05", 3, "L1+L2", "orders are taken, their answers are lost"),
    _row("N06", 2, "L1", "orders are lost on their way"),
    _row("N08", 3, "L1", "fills come before the answer"),
    _row("N09", 3, "L1", "news come several times and out of order"),
    _row("N11", 2, "L2", "frames that cannot be read", world=True),
    _row("N12", 2, "L2", "each connection is cut after a second", world=True),
    _row("N15", 1, "L2", "each connection takes nine seconds", world=True),
    _row("V01", 3, "L1+L2", "an error after the order was carried out"),
    _row("V02", 3, "L2", "the address is banned", world=True),
    _row("V03", 2, "L1", "new orders are throttled, only reducing ones pass"),
    _row("V04", 3, "L1", "a cancel is confirmed, then its order fills"),
    _row("V05", 2, "L1", "orders are filled in part and the venue cancels the rest"),
    _row("V06", 3, "L1", "the hedge is auto-deleveraged"),
    _row("V08", 2, "L1+L2", "the venue restarts and forgets our orders"),
    _row("V10", 2, "L1", "the hedge instrument stops trading while a position is open"),
    _row("V12", 1, "L1", "funding changes its interval and its rate"),
    _row("V13", 3, "L1", "margins are doubled"),
    _row("V14", 3, "L1", "the list of positions comes back empty"),
    _row("V16", 3, "L1", "mark and index are wrong by a sixth"),
    _row("V17", 3, "L1", "the collateral loses a third of its worth"),
    _row("V18", 3, "L1", "option greeks are missing, no numbers, or turned over"),
    _row("V22", 3, "L1", "the venue is down while the price falls"),
    _row("P01", 3, "L3", "the process is killed on the order path", world=True),
    _row("P02", 2, "L3", "the process is asked to end with orders alive"),
    _row("P03", 3, "L3", "the process is stopped for a while", world=True),
    _row("P04", 2, "L3", "the loop is blocked"),
    _row("P06", 3, "L1", "a task of the daemon fails"),
    _row("P07", 3, "L3", "a second daemon is started on the account"),
    _row("P10", 2, "L3", "the process crashes again and again"),
    _row("P11", 2, "L1+L3", "it runs for a long time", world=False),
    _row("D01", 3, "L3", "the disk is full", world=True),
    _row("D03", 3, "L3", "the power fails in the middle of writes"),
    _row("D04", 2, "L3", "a bit of the journal flips"),
    _row("D07", 2, "L3", "another process holds the journal's lock"),
    _row("D08", 2, "L3", "the disk takes seconds for a write"),
    _row("C01", 3, "L3", "the clock steps forth and back", world=True),
    _row("C02", 2, "L1", "our clock is outside the venue's window"),
    _row("C04", 1, "L1", "our clock runs fast"),
    _row("O01", 3, "L3+L4", "a configuration with slipped digits"),
    _row("O02", 2, "L3", "a configuration that is half written"),
    _row("O03", 3, "L1", "somebody trades and cancels by hand"),
    _row("O05", 3, "L3", "a kill while orders are unknown", world=True),
    _row("O06", 2, "L1", "the key is revoked"),
    _row("O07", 3, "L2", "a key that may withdraw"),
    _row("O09", 3, "L3", "an un-kill while its cause lasts"),
    _row("O10", 2, "L1", "the strategy is switched off with an open hedge"),
    _row("M01", 3, "L1", "the price falls by a fifth in a minute"),
    _row("M02", 3, "L1", "the book has one side, none, next to nothing in it, is crossed or wide"),
    _row("M03", 2, "L1", "a wick of a sixth and back"),
    _row("M04", 2, "L1", "the price crosses an edge of the band every two seconds"),
    _row("M05", 1, "L1", "funding at its extremes, both signs"),
    _row("M06", 3, "L1", "prices that are none, or in another unit"),
    _row("M10", 3, "L1", "a build that hedges the wrong way or too much", world=False),
    _row("S01", 3, "L1+L2+L3", "secrets in everything that is written", world=False),
    _row("S02", 3, "L2", "strangers at the dashboard"),
    _row("S03", 2, "L3", "somebody edits the journal"),
    _row("S04", 2, "L4", "a dependency that is not what was locked"),
    _row("S06", 2, "L2", "the alert's address does not answer"),
)

BY_FAULT = {one.id: one for one in FAULTS}
