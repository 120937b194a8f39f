"""What only the shell can say against an unkill: journal, chain, versions, configuration on disk. Fails closed."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hedgebot.config.loader import Config, load_config
from hedgebot.domain.errors import ConfigError, HedgebotError
from hedgebot.journal.verify import verify

VERIFY_S_MAX = 60.0
PROBLEMS_TOLD = 3


async def unmet(
    told: Mapping[str, Any], config: Config, config_hash: str, version: str, journal_problem: str
) -> tuple[str, ...]:
    """A sentence for each thing that is not as it should be. `told` is what the asking process says of itself."""
    found = []
    if journal_problem:
        found.append(f"the journal does not hold what is in force: {journal_problem}")
    found += await asyncio.to_thread(_configuration_problems, config, config_hash)
    asking = told.get("version")
    if asking is not None and asking != version:
        found.append(f"this command is of version {asking}, the daemon of version {version}")
    found += await _chain_problems(config.state_dir)
    return tuple(found)


def _configuration_problems(running: Config, running_hash: str) -> list[str]:
    """The files on disk must be the ones that are in force, or be put in force, or put back."""
    if running.hash != running_hash:
        return [f"the engine runs by configuration {running_hash}, the daemon was given {running.hash}"]
    try:
        on_disk = load_config(running.path, running.limits_path, state_dir=running.state_dir)
    except (ConfigError, OSError) as error:
        return [f"the configuration on disk cannot be read: {error}"]
    if on_disk.hash != running_hash:
        how = "`hedgebot config apply` it, or put it back"
        return [f"the configuration on disk is {on_disk.hash}, the running one {running_hash}: {how}"]
    return []


async def _chain_problems(state_dir: Path) -> list[str]:
    try:
        async with asyncio.timeout(VERIFY_S_MAX):
            report = await asyncio.to_thread(verify, state_dir)
    except TimeoutError:
        return [f"the journal's chain was not verified within {VERIFY_S_MAX:.0f} s"]
    except (HedgebotError, OSError) as error:
        return [f"the journal's chain cannot be verified: {error}"]
    return [f"the journal's chain is not sound: {one}" for one in report.problems[:PROBLEMS_TOLD]]
