"""`hedgebot exchange`: the simulated exchange alone, for any client of Bybit's v5 protocol; its calibration."""

import asyncio
import contextlib
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from hedgebot.console.assets import scenario_file
from hedgebot.console.errors import WrongUse
from hedgebot.console.output import emit, to_json
from hedgebot.console.place import JsonFlag

if TYPE_CHECKING:
    from hedgebot.exchange.pricepath import PricePath
    from hedgebot.exchange.scenario import RecordingSpec, Scenario
    from hedgebot.exchange.wire.server import Server

GAPS_TOLD = 5
DataOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        help="Play a recording: candles, quotes, minutes, funding, an option chain, named like BTC...; again for more.",
    ),
]
SpeedOption = Annotated[float, typer.Option("--speed", min=0.01, help="How many times faster a recording is played.")]
StartOption = Annotated[datetime | None, typer.Option("--start", help="Where in the recording to begin (UTC).")]
EndOption = Annotated[datetime | None, typer.Option("--end", help="Where in the recording to end (UTC).")]


def register(app: typer.Typer) -> None:
    """Add `hedgebot exchange ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="The simulated exchange.")
    group.callback()(lambda: None)
    group.command(epilog="Example: hedgebot exchange serve --port 8787 --seed 7")(serve)
    group.command(epilog="Example: hedgebot exchange calibrate --data usdm_btcusdt_20240808.gz")(calibrate)
    app.add_typer(group, name="exchange")


def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes a free one.")] = 8787,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; it has no real security.")] = "127.0.0.1",
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="The world, a TOML file. Default: the demo's.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Which of the many possible worlds.")] = None,
    data: DataOption = None,
    speed: SpeedOption = 1.0,
    start: StartOption = None,
    end: EndOption = None,
) -> None:
    """Serve the simulated exchange until stopped. Its first line of output is a JSON object with its address.

    A scenario may have several venues: each is served on a port of its own, and the first line names them all.
    """
    world = build_world(scenario or scenario_file("demo"), seed, data or [], speed, start, end)
    asyncio.run(_serve(world, host, port))


def calibrate(
    data: Annotated[list[Path], typer.Option("--data", help="Raw Binance frames (gzip); give it again for more.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Estimate spread, depth, trades, impact, replenishment, queues and latency from recorded frames.

    The last table is what the simulated books are made of: the same figures as in the parameter file that ships.
    """
    from hedgebot.console.calibrating import report
    from hedgebot.exchange.calibration import book_laws, estimate
    from hedgebot.exchange.calibration_frames import read_frames

    measured = [estimate(read_frames(path)) for path in data]
    laws = book_laws(measured)
    found = [
        {"measured": msgspec.to_builtins(one), "law": msgspec.to_builtins(law)}
        for one, law in zip(measured, laws, strict=True)
    ]
    emit({"recordings": found}, report(measured, laws), as_json=as_json)


def build_world(
    scenario: Path,
    seed: int | None = None,
    data: list[Path] | None = None,
    speed: float = 1.0,
    start: datetime | None = None,
    end: datetime | None = None,
) -> "Scenario":
    """The scenario with the command line laid over it; raises ConfigError or DataError for a bad one."""
    from hedgebot.exchange.recording import recorded_scenario
    from hedgebot.exchange.scenario_file import load_scenario

    world = load_scenario(scenario)
    if seed is not None:
        world = msgspec.structs.replace(world, seed=seed)
    if data:
        world = recorded_scenario(world, data, start=_utc(start), end=_utc(end), speed=speed)
    elif speed != 1.0 or start or end:
        if not world.recordings:
            raise WrongUse("--speed, --start and --end are for a recording; name one with --data")
        played = tuple(
            msgspec.structs.replace(one, speed=speed, start=_utc(start) or one.start, end=_utc(end) or one.end)
            for one in world.recordings
        )
        world = msgspec.structs.replace(world, recordings=played)
    return world


async def _serve(world: "Scenario", host: str, port: int) -> None:
    """Serve every exchange of the scenario until one of them is told to stop; all have one clock."""
    from hedgebot.exchange.several import venue_scenarios

    now_ns = time.time_ns()
    async with contextlib.AsyncExitStack() as ends:
        servers: dict[str, Server] = {}
        notes: list[str] = []
        for number, (name, one) in enumerate(venue_scenarios(world).items()):
            servers[name], told = await _start(one, now_ns, host, _port_of(world, number, port))
            ends.push_async_callback(servers[name].close)
            notes += told
        first = next(iter(servers.values()))
        hello = {
            "url": first.endpoint,
            "scenario": world.name,
            "seed": world.seed,
            "venues": {name: server.endpoint for name, server in servers.items()},
            "notes": notes,
        }
        for note in notes:
            sys.stderr.write(f"hedgebot: {note}\n")
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, stopped.set)
        sys.stdout.write(to_json(hello) + "\n")
        sys.stdout.flush()
        waits = [asyncio.create_task(one.wait()) for one in (stopped, *(server.stopped for server in servers.values()))]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


async def _start(world: "Scenario", now_ns: int, host: str, port: int) -> "tuple[Server, list[str]]":
    """One exchange on the wire, and the notes on its recordings."""
    from hedgebot.exchange.model import Exchange
    from hedgebot.exchange.recording import load_paths, load_pegs
    from hedgebot.exchange.wire.server import serve as serve_wire

    paths = load_paths(world)
    exchange = Exchange(world, now_ns, paths, load_pegs(world, paths))
    try:
        server = await serve_wire(exchange, host, port)
    except OSError as error:
        raise WrongUse(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from None
    return server, [note for spec in world.recordings for note in gap_notes(spec, paths.get(spec.underlying))]


def _port_of(world: "Scenario", number: int, port: int) -> int:
    """A venue's own port, else the command line's for the first and the following ones for the others; 0 is any."""
    own = world.venues[number].port if world.venues else None
    return own if own is not None else port + number if port else 0


def gap_notes(spec: "RecordingSpec", path: "PricePath | None") -> list[str]:
    """One sentence for each gap of a recording, the first few by name; none for a path that was not recorded."""
    from hedgebot.exchange.playback import RecordedPath
    from hedgebot.exchange.recordfile import as_file

    if not isinstance(path, RecordedPath):
        return []
    files = ", ".join(as_file(one).file for one in (spec.perp_bars, spec.spot_bars, spec.minutes) if one)
    notes = [
        f"recording {files}: no candles from {_words(since)} to {_words(until)}; nothing trades in between"
        for since, until in path.gaps[:GAPS_TOLD]
    ]
    more = len(path.gaps) - len(notes)
    return [*notes, f"recording {files}: {more} more gaps"] if more else notes


def _words(moment_ns: float) -> str:
    return datetime.fromtimestamp(moment_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)
