"""Bands of strategies that would reach beyond the delta limit of their underlying: told when a configuration is read.

Pure; looks at the values as they were written, as `crosscheck.py` does, which asks it. Knows strategies by what their
parameters are called: `cap_coin` is the widest that a band gets, `target_coin` moves its centre, `up_ratio` and
`down_ratio` stretch its sides, `hard_coin` is its hard edge. What they become at run time the engine bounds itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hedgebot.config.problems import Problem
from hedgebot.domain.settings import CAP

Table = Mapping[str, Any]


def check(strategies: Mapping[str, Table], underlyings: Mapping[str, Table], file: str) -> list[Problem]:
    """Every parameter that takes a band, its centre or its hard edge beyond a delta limit."""
    found = dict(
        one
        for name, underlying in underlyings.items()
        if (limit := _number(underlying.get("delta_limit_coin"))) is not None
        for one in _beyond(
            name, underlying, limit, [(key, _params(x)) for key, x in strategies.items() if _is_on(x, name)]
        )
    )
    return [Problem(key=key, sentence=f"{file}: {key} {what}") for key, what in found.items()]


def _beyond(name: str, underlying: Table, limit: float, refining: list[tuple[str, Table]]) -> Iterator[tuple[str, str]]:
    """Strategies refine one another in their order: the centre and the widest edges after each of them."""
    wide = _number(underlying.get("band_coin")) or 0.0
    centre, above, below = 0.0, wide, wide
    for strategy, params in refining:
        where, told = f"strategies.{strategy}.params", f"delta_limit_coin of {name} ({limit:g})"
        around = f" around {centre:g}" if centre else ""
        if (cap := _number(params.get(CAP))) is not None:
            above = below = cap
            if cap + abs(centre) >= limit:
                yield (
                    f"{where}.{CAP}",
                    f"= {cap:g}{around} must be below {told}: the hard limit is no part of a band",
                )
                return
        if (target := _number(params.get("target_coin"))) is not None:
            centre += target
            if abs(centre) >= limit:
                yield f"{where}.target_coin", f"= {target:g} must be within {told}: nothing is hedged towards there"
                return
            if target and max(centre + above, below - centre) >= limit:
                edges = f"the band of it is {centre - below:g} to {centre + above:g}"
                yield (
                    f"{where}.target_coin",
                    f"= {target:g} is too near {told}: {edges}, the hard limit is no part of a band",
                )
                return
        for key, sign in (("up_ratio", 1.0), ("down_ratio", -1.0)):
            if (ratio := _number(params.get(key))) is None or ratio == 1.0:
                continue
            reach = (above if sign > 0.0 else below) * ratio + sign * centre
            if reach >= limit:
                yield f"{where}.{key}", f"= {ratio:g} takes the band to {sign * reach:g}, beyond {told}"
                return
            above, below = (above * ratio, below) if sign > 0.0 else (above, below * ratio)
        if (hard := _number(params.get("hard_coin"))) and hard + abs(centre) > limit:
            yield f"{where}.hard_coin", f"= {hard:g}{around} must be at most {told}: beyond that nothing waits anyway"
            return


def _is_on(strategy: Table, underlying: str) -> bool:
    named = strategy.get("underlyings")
    return strategy.get("enabled") is True and isinstance(named, list | tuple) and underlying in named


def _params(strategy: Table) -> Table:
    params = strategy.get("params")
    return params if isinstance(params, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
