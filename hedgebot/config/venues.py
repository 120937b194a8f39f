"""What the files say of venues as a whole: where they are hosted, and what follows when they close something by force.

Pure; looks at the values as they were written, as `crosscheck.py` does, which asks it.
"""

from collections.abc import Mapping
from typing import Any

from hedgebot.config.limitsfile import LimitsFile
from hedgebot.config.problems import Problem
from hedgebot.domain.settings import AdlPolicy

Table = Mapping[str, Any]


def regions(accounts: Mapping[str, Table], file: str) -> list[Problem]:
    """A venue is hosted in one region: two words for it would count its equity with neither's neighbours."""
    told: dict[str, tuple[str, str]] = {}
    problems = []
    for name, account in accounts.items():
        venue, region = account.get("venue"), account.get("region")
        if not isinstance(venue, str) or not isinstance(region, str):
            continue
        first, known = told.setdefault(venue, (name, region))
        if region != known:
            key = f"accounts.{name}.region"
            words = f"= {region!r} must be {known!r}, as accounts.{first} has it: both are at {venue}"
            problems.append(Problem(key=key, sentence=f"{file}: {key} {words}"))
    return problems


def forced(underlyings: Mapping[str, Table], limits: LimitsFile | None, limits_file: str) -> list[Problem]:
    """What a venue closed by force can only be hedged elsewhere where there is another instrument for it."""
    if limits is None or limits.adl_policy is not AdlPolicy.REHEDGE_ELSEWHERE or not underlyings:
        return []
    if any(one.get("hedge_alternatives") for one in underlyings.values()):
        return []
    words = (
        'adl_policy = "rehedge_elsewhere" needs an underlying with hedge_alternatives (and funding_action = "switch"), '
        'and there is none: nothing could be hedged elsewhere; set it to "freeze" or "halt"'
    )
    return [Problem(key="limits.adl_policy", sentence=f"{limits_file}: {words}")]
