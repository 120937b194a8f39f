"""Dated margin parameters of venues as their files have them: one record for each model, with source and grade.

Owns the shapes and their checks; someone above reads a file and hands in its bytes. What the figures mean is
`venue_models.py`'s. Bybit's unified account has a record of its own (`parameters.py`). Source: margin reference
section 7.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from hedgebot.domain.decoding import decoded
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.deribit_portfolio import DeribitParameters
from hedgebot.margin.deribit_standard import ShortRates
from hedgebot.margin.tiers import Ladder
from hedgebot.margin.venue_portfolio import OkxParameters


class Grade(StrEnum):
    """How well a model is verified, in the words of the margin reference."""

    V15 = "V15"
    VP = "VP"
    INF = "INF"
    DOC = "DOC"
    SEC = "SEC"
    UNK = "UNK"

    @property
    def meaning(self) -> str:
        """In a few words."""
        return _MEANINGS[self]


_MEANINGS = {
    Grade.V15: "recomputed, equal to 14-15 digits",
    Grade.VP: "recomputed, equal to the printed digits",
    Grade.INF: "inferred from one published sample",
    Grade.DOC: "the venue's documentation, no number to check it by",
    Grade.SEC: "from a secondary source",
    Grade.UNK: "unknown",
}


class Product(StrEnum):
    """What a model may be asked for."""

    LINEAR = "linear"
    INVERSE = "inverse"
    OPTION = "option"


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="model"):
    """What every record says: of which model and day its figures are, from where, how sure, and what is left out.

    Without `modes` no account has a model of it: recorded frames are judged by its figures, and nothing else.
    """

    id: str
    modes: tuple[MarginMode, ...]
    as_of: str
    read_at: str
    source: str
    grade: Grade
    status: str
    covers: tuple[Product, ...]
    uncovered: tuple[str, ...] = ()


class Tiered(Record, frozen=True, kw_only=True, tag="tiered"):
    """Ladders by underlying, summed over positions. An initial rate of 0: the venue's minimum is not known.

    `value_max_usd` is where a table is known to end. `whole_position`: the rate holds for all of a position, not for
    each slab. `nets_pairs`: longs and shorts of one underlying pay the larger of both, not their sum.
    """

    ladders: Mapping[str, Ladder]
    value_max_usd: Mapping[str, float] = {}
    whole_position: bool = False
    nets_pairs: bool = False


class SizeRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates that rise with the size in coins and hold for the whole position."""

    initial: float
    maintenance: float
    per_coin: float


class BySize(Record, frozen=True, kw_only=True, tag="by_size"):
    """Deribit's standard margin: futures by size, short options by a formula of their own."""

    rates: Mapping[str, SizeRates]
    short_options: Mapping[str, ShortRates] = {}


class DeribitPortfolio(Record, frozen=True, kw_only=True, tag="deribit_portfolio"):
    """Deribit's portfolio margin by currency: `currencies` of products settled in USD and of accounts margined whole.

    `coins` are those of a currency that is margined by itself in its own coin.
    """

    currencies: Mapping[str, DeribitParameters]
    coins: Mapping[str, DeribitParameters] = {}


class OkxPortfolio(Record, frozen=True, kw_only=True, tag="okx_portfolio"):
    """OKX' portfolio margin by underlying; `stable_usd` is what its stablecoins are valued at."""

    units: Mapping[str, OkxParameters]
    stable_usd: float = 1.0


class ParadexUnit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cells of one class: edge move (vol up only), inner moves (vol up and down), tails as (move, weight)."""

    edge: float
    moves: tuple[float, ...]
    vol_up: float
    vol_down: float
    tails: tuple[tuple[float, float], ...]
    unhedged_rate: float
    hedged_rate: float
    maintenance_factor: float


class ParadexPortfolio(Record, frozen=True, kw_only=True, tag="paradex_portfolio"):
    """Paradex' portfolio margin by underlying."""

    units: Mapping[str, ParadexUnit]


class DerivePortfolio(Record, frozen=True, kw_only=True, tag="derive_portfolio"):
    """Derive's PMRM2: one set of parameters and cells for each underlying's own sub-account."""

    parameters: Mapping[str, float]
    cells: tuple[tuple[float, str, float], ...]
    underlyings: tuple[str, ...]


AnyRecord = Tiered | BySize | DeribitPortfolio | OkxPortfolio | ParadexPortfolio | DerivePortfolio


class VenueRecords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One venue's file. `missing` says, by margin mode, why there is no model of it."""

    venue: str
    records: tuple[AnyRecord, ...]
    missing: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse two records for one mode: which of them rules would be chance."""
        modes = [mode for one in self.records for mode in one.modes]
        if len(set(modes)) != len(modes):
            msg = f"{self.venue} has two records for one margin mode: {', '.join(modes)}"
            raise ValueError(msg)


def parse_records(content: bytes, name: str) -> VenueRecords:
    """Read a venue's file; DataError names the file and the key that is wrong."""
    return decoded(content, VenueRecords, "margin parameters", name)
