"""What operators configure: models of the files under config/, and their loader."""

from hedgebot.config.changes import diff
from hedgebot.config.loader import AccountConnection, Config, load_config

__all__ = ["AccountConnection", "Config", "diff", "load_config"]
