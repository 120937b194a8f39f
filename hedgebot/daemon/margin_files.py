"""Whether the margin parameters of a configuration can be used: looked at before anything runs on them.

Owns the sentence that names the file. The engine itself takes parameters that cannot be read for no model, and refuses
what needs margin; here an operator is told before. Must not compute margins.
"""

from pathlib import Path

from hedgebot.config.loader import Config
from hedgebot.daemon.risk_files import read_registry, read_tiers
from hedgebot.domain.errors import ConfigError, DataError
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.parameters import EVERY_OTHER
from hedgebot.margin.registry import BYBIT, age_days, age_problem


def check_margin(config: Config, at_ns: int) -> list[str]:
    """What is doubtful about the parameters of each account's model, in sentences; ConfigError where there is none."""
    given, doubts, days_max = config.margin_path, list[str](), config.limits.margin_parameters_age_days_max
    for name, account in config.file.accounts.items():
        own: dict[str, Path] = {} if given is None else {account.venue: given}
        try:
            model = read_registry(own).of(account.venue, MarginMode(account.margin_mode))
        except DataError as error:
            raise ConfigError(f"margin_parameters of accounts.{name}: {error}") from error
        parameters = f"the margin parameters {model.id} of accounts.{name}"
        if old := age_problem(model.as_of, at_ns, days_max):
            doubts.append(f"{parameters} are {old}: MarginModelDiverged will rise")
        if (days := age_days(model.as_of, at_ns)) is not None and days < -1:
            # The engine itself may stand in the past, as in a backtest; a configuration for now does not.
            doubts.append(f"{parameters} are dated {-days} days ahead: they will never be called old")
        if account.venue == BYBIT and (missing := _without_tiers(config)):
            doubts.append(
                f"{parameters} have no tiers of {missing}: those of every other coin ({EVERY_OTHER!r}) stand in"
            )
    return doubts


def _without_tiers(config: Config) -> str:
    known = read_tiers(config.margin_path).linear
    return ", ".join(one for one in config.file.underlyings if one not in known)
