"""`hedgebot doctor`: what would go wrong, before it does. Each check is a row: ok, warn, fail or skip, and what to do.

Looks only; changes nothing, sends no order. Checks of the venue use the venue room's own client.
"""

import importlib
import os
import platform
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from hedgebot.config import AccountConnection, Config
from hedgebot.config.loader import load_config
from hedgebot.console.control import is_running
from hedgebot.console.place import books
from hedgebot.daemon.latch import KillLatch
from hedgebot.domain.errors import ConfigError, ExitCode
from hedgebot.domain.kill import scope_words
from hedgebot.journal.redaction import Redactor

SQLITE_MIN = (3, 51, 3)
DISK_WARN_BYTES = 1 << 30
DISK_FAIL_BYTES = 100 << 20
KEY_FILE = "journal.key"
SAFETY_CHECKS = frozenset({"configuration", "key rights"})


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One check; `advice` is what to do, empty when there is nothing to do."""

    check: str
    status: Status
    finding: str
    advice: str = ""


def examine(config: Path | None, limits: Path | None, state_dir: Path | None, *, offline: bool) -> list[Row]:
    """Run every check; without a configuration those that need one are skipped."""
    rows = [check_python(sys.version_info[:3]), check_sqlite(sqlite_version())]
    loaded, row = check_config(config, limits, state_dir)
    rows.append(row)
    folder = loaded.state_dir if loaded is not None else state_dir or next(iter(books()), None)
    rows += check_folder(folder)
    if loaded is None:
        rows += [
            _skip(name, "no configuration")
            for name in ("secrets", "margin parameters", "alert channels", "venue", "clock", "key rights", "positions")
        ]
        return rows
    connections, row = check_secrets(loaded)
    rows += [row, *check_secret_files(loaded), check_strategies(loaded), check_margin_files(loaded)]
    rows += check_alerts(loaded)
    for connection in connections:
        rows += check_venue(connection, offline=offline)
    return rows


def exit_code(rows: list[Row]) -> int:
    """0 without failures, 6 when a safety check failed, 1 otherwise."""
    failed = {row.check for row in rows if row.status is Status.FAIL}
    if failed & SAFETY_CHECKS:
        return ExitCode.REFUSED
    return ExitCode.FAILED if failed else ExitCode.OK


def sqlite_version() -> str:
    """Version of the SQLite library in use; looked up by name, since only the journal's room knows the database."""
    version: str = importlib.import_module("sqlite3").sqlite_version
    return version


def check_python(version: tuple[int, ...]) -> Row:
    """3.11 to 3.13."""
    text = platform.python_version()
    if (3, 11) <= version[:2] < (3, 14):
        return Row(check="python", status=Status.OK, finding=text)
    return Row(check="python", status=Status.FAIL, finding=text, advice="use Python 3.11, 3.12 or 3.13")


def check_sqlite(version: str) -> Row:
    """Older libraries have a rare bug in write-ahead logs (fixed in 3.51.3)."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if numbers >= SQLITE_MIN:
        return Row(check="sqlite", status=Status.OK, finding=version)
    wanted = ".".join(map(str, SQLITE_MIN))
    return Row(
        check="sqlite",
        status=Status.WARN,
        finding=f"{version}, older than {wanted}",
        advice="use a Python that is built with a newer SQLite; until then `hedgebot journal verify` daily",
    )


def check_config(path: Path | None, limits: Path | None, state_dir: Path | None) -> tuple[Config | None, Row]:
    """Whether the configuration is good."""
    if path is None:
        return None, _skip("configuration", "none was named", "name one with --config FILE")
    try:
        config = load_config(path, limits, state_dir=state_dir)
    except ConfigError as error:
        first, *more = str(error).splitlines()
        finding = first + (f" (and {len(more)} more)" if more else "")
        advice = f"see all with: hedgebot config validate {path}"
        return None, Row(check="configuration", status=Status.FAIL, finding=finding, advice=advice)
    finding = f"{path}, hash {config.hash}"
    if config.book.run_mode == "live" and not config.limits.canary_hours:
        finding += "; with real money, and after a change orders have their whole size at once"
        advice = "set canary_hours in the limits file: orders are smaller for so long after a change"
        return config, Row(check="configuration", status=Status.WARN, finding=finding, advice=advice)
    return config, Row(check="configuration", status=Status.OK, finding=finding)


def check_folder(folder: Path | None) -> Iterator[Row]:
    """Disk space and permissions of the state folder, the journal's key, and who runs there."""
    if folder is None:
        yield _skip("state folder", "no book yet")
        return
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    status = Status.FAIL if free < DISK_FAIL_BYTES else Status.WARN if free < DISK_WARN_BYTES else Status.OK
    advice = "" if status is Status.OK else "free some space: without it the journal stops and so does hedging"
    yield Row(check="disk", status=status, finding=f"{free / (1 << 30):.1f} GiB free at {there}", advice=advice)
    if not folder.exists():
        yield _skip("state folder", f"{folder} will be made at the first start")
        return
    yield _permissions("state folder", folder, 0o077)
    key = folder / KEY_FILE
    yield _permissions("journal key", key, 0o077) if key.exists() else _skip("journal key", "made at the first start")
    for one in KillLatch(folder).found():
        yield Row(
            check="kill file",
            status=Status.WARN,
            finding=f"{folder / one.file} is there: {scope_words(one.scope, one.name)} stays killed ({one.action})",
            advice="when its cause is over: hedgebot unkill",
        )
    running = is_running(folder)
    yield Row(check="instance", status=Status.OK, finding="a daemon runs here" if running else "no daemon runs here")


def check_secrets(config: Config) -> tuple[tuple[AccountConnection, ...], Row]:
    """Whether the API keys are found."""
    try:
        connections = config.connections()
    except ConfigError as error:
        advice = "put the key there, or name another place in the configuration"
        return (), Row(check="secrets", status=Status.FAIL, finding=str(error).replace("\n", "; "), advice=advice)
    found = "; ".join(f"{one.account}: {one.keys_found_in}" for one in connections)
    if any("environment" in one.keys_found_in for one in connections):
        advice = "a file (mode 0600) or the key store is safer: other processes can read an environment"
        return connections, Row(check="secrets", status=Status.WARN, finding=found, advice=advice)
    return connections, Row(check="secrets", status=Status.OK, finding=found)


def check_secret_files(config: Config) -> Iterator[Row]:
    """Whether anybody else may read the files of secrets."""
    for account in config.file.accounts.values():
        for path in (account.api_key_file, account.api_secret_file, account.api_passphrase_file):
            if path is not None and (config.path.parent / path.expanduser()).exists():
                yield _permissions(f"secret {path.name}", config.path.parent / path.expanduser(), 0o077)


def check_strategies(config: Config) -> Row:
    """Whether every underlying is hedged by something, and every option of a strategy does something."""
    from hedgebot.daemon.idle_options import option_doubts, unhedged

    settings, now_ns = config.engine_settings(1), time.time_ns()
    if none := unhedged(settings, now_ns):
        advice = "enable delta_neutral or cost_aware before it, or give a later end_at"
        return Row(check="strategies", status=Status.FAIL, finding="; ".join(none), advice=advice)
    enabled = {name for one in config.file.strategies.values() if one.enabled for name in one.underlyings}
    idle = sorted(config.file.underlyings.keys() - enabled)
    if idle:
        advice = "enable a strategy that names it under [strategies]"
        finding = f"nothing hedges {', '.join(idle)}"
        return Row(check="strategies", status=Status.WARN, finding=finding, advice=advice)
    if doubts := option_doubts(settings, now_ns):
        advice = "leave out what does nothing, or change it so that it does"
        return Row(check="strategies", status=Status.WARN, finding="; ".join(doubts), advice=advice)
    return Row(check="strategies", status=Status.OK, finding=f"all of {', '.join(sorted(enabled))} hedged")


def check_margin_files(config: Config) -> Row:
    """Whether each account has a margin model of figures that can be read and are not too old."""
    from hedgebot.daemon.margin_files import check_margin

    try:
        doubts = check_margin(config, time.time_ns())
    except ConfigError as error:
        advice = "mend the file, or leave margin_parameters out for the shipped ones"
        return Row(check="margin parameters", status=Status.FAIL, finding=str(error), advice=advice)
    if doubts:
        advice = "read the venue's figures anew and date them: margin_parameters names a file of yours"
        return Row(check="margin parameters", status=Status.WARN, finding="; ".join(doubts), advice=advice)
    return Row(check="margin parameters", status=Status.OK, finding="read, and not too old")


def check_alerts(config: Config) -> Iterator[Row]:
    """Whether somebody who does not look at this machine is told, by two ways that do not fail together."""
    channels = config.file.alerts
    for name, one in channels.items():
        if one.url_file is not None:
            path = config.path.parent / one.url_file.expanduser()
            yield (
                _permissions(f"alerts {name}", path, 0o077)
                if path.exists()
                else Row(
                    check=f"alerts {name}",
                    status=Status.FAIL,
                    finding=f"there is no file {path}",
                    advice="put the address of the webhook there, mode 0600",
                )
            )
        elif one.command and shutil.which(one.command[0]) is None:
            finding = f"{one.command[0]} is no program on this machine"
            advice = f"install it, or write its whole path into [alerts.{name}] command"
            yield Row(check=f"alerts {name}", status=Status.FAIL, finding=finding, advice=advice)
    if len(channels) >= 2:
        yield Row(check="alert channels", status=Status.OK, finding=", then ".join(channels))
        return
    finding = f"{'one' if channels else 'no'} channel leaves this machine; then alerts.jsonl and standard error"
    advice = "configure two [alerts.NAME] sections, then: hedgebot alerts test"
    yield Row(check="alert channels", status=Status.WARN, finding=finding, advice=advice)


def check_venue(connection: AccountConnection, *, offline: bool) -> list[Row]:
    """Reach, clock, key rights, position mode and wallet of one account."""
    names = ("venue", "clock", "key rights", "position mode", "dead man's switch", "wallet")
    if not connection.role.is_followed:
        from hedgebot.console.doctor_watched import CHECKS, ask_watched

        return [_skip(name, "--offline") for name in CHECKS] if offline else _clean(ask_watched(connection), connection)
    if offline:
        return [_skip(name, "--offline") for name in names]
    from hedgebot.console.doctor_venue import ask_venue

    return _clean(ask_venue(connection), connection)


def _clean(rows: list[Row], connection: AccountConnection) -> list[Row]:
    """Rows without secrets: a venue may repeat in its refusal what the request was signed with."""
    from hedgebot.daemon.reaching import secrets_of

    redactor = Redactor(secrets_of(connection))
    return [msgspec.structs.replace(row, finding=redactor.text(row.finding)) for row in rows]


def _permissions(check: str, path: Path, forbidden: int) -> Row:
    mode = stat.S_IMODE(path.stat().st_mode)
    if path.stat().st_uid != os.getuid():
        return Row(
            check=check, status=Status.WARN, finding=f"{path} belongs to another user", advice="run as the owner"
        )
    if mode & forbidden:
        wanted = "700" if path.is_dir() else "600"
        return Row(
            check=check,
            status=Status.FAIL,
            finding=f"{path} has mode {mode:04o}: others may use it",
            advice=f"chmod {wanted} {path}",
        )
    return Row(check=check, status=Status.OK, finding=f"{path} has mode {mode:04o}")


def _skip(check: str, why: str, advice: str = "") -> Row:
    return Row(check=check, status=Status.SKIP, finding=why, advice=advice)
