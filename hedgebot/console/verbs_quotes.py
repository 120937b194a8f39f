"""`hedgebot lab quotes`: a configuration over recorded quotes of its hedge, at millions of quotes a second."""

import time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hedgebot.console.assets import scenario_file
from hedgebot.console.backtest_report import money, number
from hedgebot.console.errors import WrongUse
from hedgebot.console.output import emit
from hedgebot.console.place import JsonFlag

if TYPE_CHECKING:
    from hedgebot.config.loader import Config
    from hedgebot.domain.instrument import Instrument, InstrumentId
    from hedgebot.lab.quotedesk import Opening
    from hedgebot.lab.quoteplay import QuotePlay
    from hedgebot.lab.quotes import Quotes

_INSTALL = 1
_START_NS = 1_790_000_000_000_000_000


def quotes(
    config: Annotated[Path, typer.Argument(help="The configuration to try, as `hedgebot run` takes it.")],
    file: Annotated[Path, typer.Argument(help="Quotes of the hedge: time, bid and ask, CSV or Parquet.")],
    hold: Annotated[
        list[str] | None,
        typer.Option("--hold", help="What the account holds first, INSTRUMENT=CONTRACTS; again for more."),
    ] = None,
    every_event: Annotated[
        bool, typer.Option("--every-event", help="Step every event; the journal is the same, it takes longer.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Play one underlying over recorded quotes: every fill at the quote, every gate on.

    Stretches in which no gate can say anything are left out by proof; journal and state are those of the full run.
    The instrument's tick and lot are those of the demo's listing, the fee is 5.5 basis points.
    """
    from hedgebot.config.loader import load_config
    from hedgebot.daemon.plugins import load_strategy
    from hedgebot.lab.quoteplay import QuotePlay, Way

    loaded = load_config(config)
    listed = _instruments()
    columns = read_quotes(file, listed[_hedge(loaded, listed)])
    play = QuotePlay(
        quotes=columns,
        settings=loaded.engine_settings(_INSTALL).traded,
        opening=_opening(loaded, listed, hold or []),
        load_strategy=load_strategy,
        way=Way.FULL if every_event else Way.SKIP,
    )
    began = time.process_time()
    play.run()
    found = figures(play, columns, time.process_time() - began)
    emit(found, lines(found), as_json=as_json)


def read_quotes(file: Path, rules: "Instrument") -> "Quotes":
    """The quotes of a file; DataError names the row that is none."""
    from hedgebot.exchange.recordfile import read_rows
    from hedgebot.exchange.recordquotes import ASK_NAMES, BID_NAMES
    from hedgebot.lab.quotes import Quotes

    rows = read_rows(file, {"bid": BID_NAMES, "ask": ASK_NAMES})
    return Quotes.of_prices(rules.id, rules.tick_size, rows.times_ns, rows.columns["bid"], rows.columns["ask"])


def figures(play: "QuotePlay", columns: "Quotes", cpu_s: float) -> dict[str, Any]:
    """What a run came to."""
    from hedgebot.core.drift import predicted, realised

    state = play.engine.state
    sums = next(iter(state.underlyings.values())).tracking.sums
    return {
        "quotes": len(columns),
        "days": float(columns.at_ns[-1] - columns.at_ns[0]) / 86_400e9,
        "orders": len(play.orders),
        "filled": play.desk.fills,
        "refusals": state.totals.refusals,
        "fees_usd": float(play.desk.fees),
        "funding_usd": float(play.desk.funding),
        "gain_usd": float(play.desk.equity_usd() - play.desk.opening.cash),
        "tracking_error_usd": realised(sums).tracking_error_usd_root_day,
        "predicted_tracking_error_usd": predicted(sums).tracking_error_usd_root_day,
        "mode": state.mode.value,
        "left_out": play.skipped,
        "quotes_per_cpu_second": len(columns) / cpu_s if cpu_s > 0.0 else None,
        "digest": play.digest,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The same in words."""
    played = f"{found['quotes']:,} quotes over {found['days']:.3g} days"
    sent = f"{found['orders']} orders, {found['filled']} filled, {found['refusals']} refusals"
    paid = f"fees {money(found['fees_usd'])} USD, funding {money(found['funding_usd'])} USD"
    tracked = f"tracking error {number(found['tracking_error_usd'])} USD per root day"
    rate = f"{number(found['quotes_per_cpu_second'], ',.0f')} quotes a CPU second"
    return [
        f"{played}: {sent}; the book is {found['mode']}",
        f"{paid}, equity {found['gain_usd']:+,.2f} USD",
        f"{tracked}, predicted {number(found['predicted_tracking_error_usd'])}",
        f"{rate}; {found['left_out']:,} events left out by proof",
        f"journal and state {found['digest']}",
    ]


def _instruments() -> "dict[InstrumentId, Instrument]":
    """The rules of the shipped scenario's instruments: a file of quotes does not have them."""
    from hedgebot.console.verbs_backtest import backtest_world
    from hedgebot.exchange.model import Exchange

    exchange = Exchange(backtest_world(scenario_file("demo"), [], None, None, None), _START_NS)
    return {one.instrument.id: one.instrument for one in exchange.listings()}


def _hedge(config: "Config", listed: "dict[InstrumentId, Instrument]") -> "InstrumentId":
    underlyings = config.engine_settings(_INSTALL).underlyings
    if len(underlyings) != 1 or len(underlyings[0].hedge_instruments) != 1:
        names = ", ".join(one.underlying for one in underlyings)
        raise WrongUse(
            f"quotes are of one instrument, and this configuration hedges {names}: leave one, with one hedge"
        )
    hedge = underlyings[0].hedge_instrument
    if hedge not in listed:
        raise WrongUse(f"the rules of {hedge} are not known here; known are {', '.join(listed)}")
    return hedge


def _opening(config: "Config", listed: "dict[InstrumentId, Instrument]", hold: list[str]) -> "Opening":
    from hedgebot.domain.instrument import InstrumentId
    from hedgebot.lab.quotedesk import Opening

    held: dict[InstrumentId, Decimal] = {}
    for word in hold:
        name, _, contracts = word.partition("=")
        rules = listed.get(InstrumentId(name))
        if rules is None or not rules.kind.is_perp:
            raise WrongUse(f"--hold {word}: {name!r} is no perpetual that is known here")
        try:
            held[rules.id] = Decimal(contracts)
        except InvalidOperation:
            raise WrongUse(f"--hold {word}: {contracts!r} is no number of contracts") from None
    settings = config.engine_settings(_INSTALL).underlyings[0]
    account = next(one for one in config.engine_settings(_INSTALL).accounts if one.name == settings.hedge_account)
    return Opening(
        account=account.name,
        venue=account.venue,
        instruments=tuple(one for one in listed.values() if not one.kind.is_option),
        hedge=settings.hedge_instrument,
        contracts=held,
    )
