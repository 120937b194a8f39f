"""Once a day the journal's whole chain is verified beside the running daemon, and a break is told.

A start checks the chain's end and the file (`hedgebot.journal.opening`); what lies before is looked at here, in a
process of its own at the lowest priority, so that the loop is never late for it. Decides nothing: the book goes on, for
its orders are in the rows that are written now, and whoever is told stops it.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from hedgebot.domain.alerts import AlertKind
from hedgebot.journal.whole import Finding

DAY_S = 86_400.0
# Never beside a start, which has enough to do.
FIRST_S = 600.0
# Rows are being written meanwhile: what is wrong stays wrong, what only looked so does not.
AGAIN_S = 60.0
RETRY_S = 3_600.0
# Some 100 million rows on a slow machine.
LOOK_S_MAX = 6 * 3_600.0
VERIFIED_FILE = "journal.verified"
SUBJECT = "daily verification"
ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH", "TZ")

Check = Callable[[AlertKind, str, str], None]
"""Holds an alert up exactly while its sentence is not empty."""


class DailyVerify:
    """The looks at one journal; when the last good one was is the time of a small file beside it."""

    def __init__(self, state_dir: Path, check: Check) -> None:
        self._dir = state_dir
        self._stamp = state_dir / VERIFIED_FILE
        self._check = check
        self._log = structlog.stdlib.get_logger("hedgebot.journal")

    async def run(self) -> None:
        """Look once a day, for ever; run by the supervisor."""
        bad = False
        while True:
            await asyncio.sleep(RETRY_S if bad else self.due_s())
            bad = bool(await self.look())

    def due_s(self) -> float:
        """Seconds until the next look: a day after the last good one, and never at once."""
        try:
            age_s = time.time() - self._stamp.stat().st_mtime
        except OSError:
            return FIRST_S
        # A stamp of the future is no stamp.
        return max(FIRST_S, DAY_S - age_s) if age_s >= 0.0 else FIRST_S

    async def look(self) -> str:
        """Verify now, a second time where something is wrong; tell, and return what is wrong (empty: nothing)."""
        problem = await self._look_once()
        if problem:
            await asyncio.sleep(AGAIN_S)
            problem = await self._look_once()
        self._check(AlertKind.CHAIN_VERIFY_FAILED, SUBJECT, problem)
        return problem

    async def _look_once(self) -> str:
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(LOOK_S_MAX):
                code, said, complaint = await self._run_apart()
        except TimeoutError:
            return f"the journal was not verified within {LOOK_S_MAX / 3_600:g} hours: run `hedgebot journal verify`"
        except OSError as error:
            return f"the journal could not be verified ({error.strerror}): run `hedgebot journal verify`"
        if code:
            why = " ".join(complaint.decode("utf-8", "replace").split())[-300:] or f"exit code {code}"
            return f"the journal could not be verified ({why})"
        found = msgspec.json.decode(said, type=Finding)
        seconds = round(time.monotonic() - began_s, 1)
        self._log.info("journal verified", rows=found.rows, problems=found.count, seconds=seconds)
        if found.count:
            return f"the journal does not verify, {found.count} problems: {'; '.join(found.problems)}"
        # On a full disk the next look comes early, that is all.
        with contextlib.suppress(OSError):
            self._stamp.touch(mode=0o600)
        return ""

    async def _run_apart(self) -> tuple[int, bytes, bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "hedgebot.journal.whole",
            str(self._dir),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            start_new_session=True,
        )
        try:
            said, complaint = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return process.returncode or 0, said, complaint
