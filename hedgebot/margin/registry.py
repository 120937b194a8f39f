"""Every margin model there is, by venue and margin mode: one list, made from dated records that someone above reads.

Owns which formula a record is computed with, and what is said where there is no model. Must not read files or know
accounts. Source: margin reference sections 6 and 7.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hedgebot.domain.errors import DataError
from hedgebot.domain.settings import MarginMode
from hedgebot.margin import venue_models, venue_records, venue_scenarios
from hedgebot.margin.bybit_portfolio import UNCOVERED
from hedgebot.margin.parameters import ParameterSet, parse_parameters
from hedgebot.margin.positions import CoinBook
from hedgebot.margin.venue_models import Need, VenueModel
from hedgebot.margin.venue_records import AnyRecord, Grade, Product, VenueRecords, parse_records

BYBIT = "bybit"
SECONDS_PER_DAY = 86_400.0

_FORMULAS: Mapping[type, Callable[[Any, str, CoinBook], Need]] = {
    venue_records.Tiered: venue_models.tiered,
    venue_records.BySize: venue_models.by_size,
    venue_records.DeribitPortfolio: venue_scenarios.deribit,
    venue_records.OkxPortfolio: venue_scenarios.okx,
    venue_records.ParadexPortfolio: venue_scenarios.paradex,
    venue_records.DerivePortfolio: venue_scenarios.derive,
}


class NoModelError(DataError):
    """There is no model of a venue in a margin mode; the message says why, and which there are."""


class Registry:
    """The models of some venues. `missing` says why there is none of a venue in a mode."""

    def __init__(self, models: Iterable[VenueModel], missing: Mapping[tuple[str, MarginMode], str]) -> None:
        self._models = {(one.venue, one.mode): one for one in models}
        self.missing = missing

    def __iter__(self) -> Iterator[VenueModel]:
        """Every model, by venue, then isolated, cross, portfolio."""
        order = list(MarginMode)
        return iter(sorted(self._models.values(), key=lambda one: (one.venue, order.index(one.mode))))

    @property
    def venues(self) -> tuple[str, ...]:
        """Venues with a model, or with a reason why not."""
        return tuple(sorted({venue for venue, _ in (*self._models, *self.missing)}))

    def of(self, venue: str, mode: MarginMode) -> VenueModel:
        """The model of a venue in a mode; NoModelError where there is none."""
        found = self._models.get((venue, mode))
        if found is not None:
            return found
        if venue not in self.venues:
            msg = f"no margin model of venue {venue!r}: there are {', '.join(self.venues) or 'none'}"
            raise NoModelError(msg)
        modes = ", ".join(mode for name, mode in self._models if name == venue) or "none"
        why = self.missing.get((venue, mode), "there is no record of it")
        msg = f"no margin model of {venue} {mode}: {why}; modelled are: {modes}"
        raise NoModelError(msg)


def registry(contents: Mapping[str, tuple[bytes, str]]) -> Registry:
    """Models from files' contents and names by venue; DataError for a file that cannot be read."""
    models: list[VenueModel] = []
    missing: dict[tuple[str, MarginMode], str] = {}
    for venue, (content, name) in contents.items():
        if venue == BYBIT:
            models += bybit_models(parse_parameters(content, name))
            continue
        records = parse_records(content, name)
        if records.venue != venue:
            msg = f"margin parameters {name} are of {records.venue}, not of {venue}"
            raise DataError(msg)
        models += models_of(records)
        missing |= {(venue, MarginMode(mode)): why for mode, why in records.missing.items()}
    return Registry(models, missing)


def need_by(record: AnyRecord, coin: str, book: CoinBook) -> Need:
    """Margins of one underlying's book by a record; NotCoveredError for what it has no figure of."""
    return _FORMULAS[type(record)](record, coin, book)


def models_of(records: VenueRecords) -> list[VenueModel]:
    """The models of one venue's records."""
    return [_model(records.venue, record, mode) for record in records.records for mode in record.modes]


def _model(venue: str, record: AnyRecord, mode: MarginMode) -> VenueModel:
    return VenueModel(
        venue=venue,
        mode=mode,
        id=record.id,
        as_of=record.as_of,
        source=record.source,
        grade=record.grade,
        status=record.status,
        covers=record.covers,
        uncovered=record.uncovered,
        compute=partial(need_by, record),
        figures=partial(_figures, record),
    )


def _figures(record: AnyRecord, coin: str, in_coin: bool) -> Mapping[str, float]:  # noqa: FBT001  # as a model is asked
    """Of records whose venue can be asked for the same by name: Deribit's portfolio margin."""
    if not isinstance(record, venue_records.DeribitPortfolio):
        return {}
    found = (record.coins if in_coin else record.currencies).get(coin)
    return {} if found is None else asdict(found)


def bybit_models(parameters: ParameterSet) -> list[VenueModel]:
    """Bybit's unified account in each of its modes."""
    tiers = " ".join(f"{coin}: {one.status}" for coin, one in parameters.linear.items())
    orders = ("margin of open orders", *(["fee to close"] if parameters.close_fee is not None else []))
    known = {
        MarginMode.ISOLATED: (tiers, (Product.LINEAR, Product.INVERSE), orders),
        MarginMode.CROSS: (tiers, tuple(Product), orders),
        MarginMode.PORTFOLIO: (
            parameters.portfolio.status,
            tuple(Product),
            tuple(f"{one} contingency" for one in UNCOVERED),
        ),
    }
    return [
        VenueModel(
            venue=BYBIT,
            mode=mode,
            id=parameters.id,
            as_of=parameters.as_of,
            source=parameters.source,
            grade=Grade(parameters.grades.get(mode.value, Grade.UNK)),
            status=status,
            covers=covers,
            uncovered=uncovered,
            compute=partial(venue_scenarios.BYBIT[mode], parameters),
        )
        for mode, (status, covers, uncovered) in known.items()
    ]


def age_days(as_of: str, at_ns: int) -> int | None:
    """Days since the day that parameters are of; None when they have no date."""
    try:
        day = datetime.strptime(as_of, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int((at_ns / 1e9 - day.timestamp()) // SECONDS_PER_DAY)


def age_problem(as_of: str, at_ns: int, days_max: int) -> str:
    """Why parameters are too old to be relied on, in a few words; empty while they are not."""
    days = age_days(as_of, at_ns)
    if days is None:
        return "undated"
    return f"{days} days old, limit {days_max}" if days > days_max else ""
