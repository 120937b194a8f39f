"""`hedgebot dashboard`: the book in the browser, from a process of its own that only reads the daemon's socket."""

import asyncio
import signal
import socket
import sys
from ipaddress import ip_address
from typing import Annotated

import orjson
import typer

from hedgebot.console import place as common
from hedgebot.console.errors import WrongUse
from hedgebot.console.place import Place, find_place

PORT = 8788
END_S_MAX = 2.0


def register(app: typer.Typer) -> None:
    """Add `hedgebot dashboard` to the command line."""
    app.command(epilog="Example: hedgebot dashboard --config config/mine.toml")(dashboard)


def dashboard(
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="TCP port; 0 takes any free one.")] = PORT,
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = "127.0.0.1",
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="A name (and port) under which a proxy is reached: desk.example.com:443."),
    ] = None,
    behind_tls: Annotated[
        bool, typer.Option("--behind-tls-proxy", help="A proxy with TLS stands before it; needed for other addresses.")
    ] = False,
    as_json: common.JsonFlag = False,
) -> None:
    """Show the book in the browser until stopped: live, on this machine only, behind a token.

    The token is in dashboard.token in the book's state folder (mode 0600). The page can kill the book and disable a
    strategy; arming and unkill are words at the command line. Also: /api/v1/snapshot, /metrics, /health.
    """
    if not _is_loopback(host) and not (behind_tls and names):
        raise WrongUse(
            f"--host {host} is not this machine alone: the token would travel in the clear. Put a proxy with TLS "
            "before it and say --behind-tls-proxy and --name NAME, the name under which browsers reach the proxy"
        )
    where = find_place(config, state_dir)
    asyncio.run(serve(where, host=host, port=port, names=tuple(names or ()), secure=behind_tls, as_json=as_json))


async def serve(
    where: Place, *, host: str, port: int, names: tuple[str, ...] = (), secure: bool = False, as_json: bool = False
) -> None:
    """Serve until cancelled; says first where. Raises ConfigError for a token that others could read."""
    from aiohttp import web

    from hedgebot.console.dashboard.access import TOKEN_FILE, Access, read_token
    from hedgebot.console.dashboard.server import Dashboard

    token = read_token(where.state_dir)
    listener = _listen(host, port)
    number = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    known = {f"{one}:{number}" for one in (shown, "127.0.0.1", "localhost", "[::1]")} | set(names)
    page = Dashboard(where.state_dir, Access(token, names=sorted(known)), secure=secure)
    runner = web.AppRunner(page.application(), access_log=None, shutdown_timeout=END_S_MAX)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        url = f"http://{shown}:{number}/"
        if as_json:
            sys.stdout.write(
                orjson.dumps({"url": url, "token_file": str(where.state_dir / TOKEN_FILE)}).decode() + "\n"
            )
        elif sys.stdout.isatty():
            # After the # the token reaches no server and no log.
            sys.stdout.write(f"the book {where.state_dir.name}: {url}#token={token}\nCtrl-C ends it\n")
        else:
            sys.stdout.write(f"{url} (the token is in {where.state_dir / TOKEN_FILE})\n")
        sys.stdout.flush()
        await _until_ended()
    finally:
        await runner.cleanup()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise WrongUse(f"{host}:{port} cannot be listened at ({error.strerror}); take another --port") from None
    return listener


async def _until_ended() -> None:
    """Wait for SIGINT or SIGTERM."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    await done.wait()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
