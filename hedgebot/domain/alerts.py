"""Names, severities and runbooks of alerts: the closed list that the operations contract defines. Owns no delivery."""

from enum import StrEnum


class Severity(StrEnum):
    """CRIT: act now. WARN: act today. INFO: for the record."""

    CRIT = "crit"
    WARN = "warn"
    INFO = "info"


class AlertKind(StrEnum):
    """What can be wrong. Each kind has a severity and a runbook page."""

    DELTA_OUTSIDE_LIMIT = "DeltaOutsideHardBand"
    HEDGE_INEFFECTIVE = "HedgeIneffective"
    STALE_MARKET_DATA = "StaleMarketData"
    PRIVATE_STREAM_SILENT = "PrivateStreamSilent"
    SUSPECT_DATA = "SuspectData"
    UNKNOWN_ORDER_AGE = "UnknownOrderAge"
    RECON_BREAK = "ReconBreak"
    FOREIGN_ACTIVITY = "ForeignActivity"
    ADL_OR_LIQUIDATION = "AdlOrLiquidation"
    MARGIN_BUFFER_LOW = "MarginBufferLow"
    LIQUIDATION_DISTANCE_LOW = "LiquidationDistanceLow"
    MARGIN_MODEL_DIVERGED = "MarginModelDiverged"
    FUNDING_COST_LIMIT = "FundingCostLimit"
    INSTRUMENT_SETTLING = "InstrumentSettling"
    KILL_ACTIVE = "KillActive"
    VENUE_UNREACHABLE = "VenueUnreachable"
    ORDER_REJECTED = "RepeatThrottleTripped"
    API_KEY_INVALID = "ApiKeyExpiringOrInvalid"
    CLOCK_SKEW = "ClockSkew"
    LOOP_LAG = "LoopLag"
    TASK_FAILED = "SupervisedTaskFailed"
    JOURNAL_WRITE_FAILED = "JournalWriteFailed"
    DISK_LOW = "DiskLow"
    CHAIN_VERIFY_FAILED = "ChainVerifyFailed"
    CONFIG_REJECTED = "ConfigRejected"
    DELIVERY_FAILED = "AlertDeliveryFailed"
    DAILY_LOSS = "DailyLossLimit"
    INBOX_OVERFLOW = "InboxOverflow"
    WATCHDOG = "Watchdog"
    DMS_NOT_ARMED = "DmsNotArmed"
    RATE_LIMIT_BAN = "RateLimitBan"
    TAIL_RISK_LIMIT = "TailRiskLimit"
    CONVENTION_MISSING = "DeltaConventionMissing"
    DRAWDOWN = "DrawdownLimit"
    HEDGE_BLEED = "HedgeBleed"
    HOLDING_UNTRUSTED = "HoldingUntrusted"
    HEDGES_OPPOSED = "HedgesOpposed"
    TOP_UP_WANTED = "TopUpWanted"
    MOVE_UNPROVEN = "MoveUnproven"
    COLLATERAL_SHOCK = "CollateralShock"
    VENUE_MARGIN_HIKE = "VenueMarginHike"
    VENUE_EQUITY_CAP = "VenueEquityCap"
    EXECUTION_FREQUENCY = "ExecutionFrequency"
    MONITORING_SLOW = "MonitoringTooSlow"
    MEMORY_HIGH = "MemoryHigh"
    BAND_BEYOND_LIMIT = "BandBeyondLimit"

    @property
    def severity(self) -> Severity:
        """How soon someone must act."""
        return _CATALOGUE[self][0]

    @property
    def runbook(self) -> str:
        """Id of the page that says what to do."""
        return _CATALOGUE[self][1]


_CATALOGUE: dict[AlertKind, tuple[Severity, str]] = {
    AlertKind.DELTA_OUTSIDE_LIMIT: (Severity.CRIT, "RB-01"),
    AlertKind.HEDGE_INEFFECTIVE: (Severity.CRIT, "RB-03"),
    AlertKind.STALE_MARKET_DATA: (Severity.CRIT, "RB-04"),
    AlertKind.PRIVATE_STREAM_SILENT: (Severity.CRIT, "RB-05"),
    AlertKind.SUSPECT_DATA: (Severity.WARN, "RB-06"),
    AlertKind.UNKNOWN_ORDER_AGE: (Severity.CRIT, "RB-07"),
    AlertKind.RECON_BREAK: (Severity.CRIT, "RB-08"),
    AlertKind.FOREIGN_ACTIVITY: (Severity.CRIT, "RB-09"),
    AlertKind.ADL_OR_LIQUIDATION: (Severity.CRIT, "RB-10"),
    AlertKind.MARGIN_BUFFER_LOW: (Severity.CRIT, "RB-11"),
    AlertKind.LIQUIDATION_DISTANCE_LOW: (Severity.CRIT, "RB-12"),
    AlertKind.MARGIN_MODEL_DIVERGED: (Severity.WARN, "RB-41"),
    AlertKind.FUNDING_COST_LIMIT: (Severity.WARN, "RB-14"),
    AlertKind.INSTRUMENT_SETTLING: (Severity.CRIT, "RB-15"),
    AlertKind.ORDER_REJECTED: (Severity.CRIT, "RB-16"),
    AlertKind.KILL_ACTIVE: (Severity.CRIT, "RB-17"),
    AlertKind.VENUE_UNREACHABLE: (Severity.CRIT, "RB-19"),
    AlertKind.API_KEY_INVALID: (Severity.CRIT, "RB-21"),
    AlertKind.CLOCK_SKEW: (Severity.WARN, "RB-22"),
    AlertKind.LOOP_LAG: (Severity.CRIT, "RB-23"),
    AlertKind.TASK_FAILED: (Severity.CRIT, "RB-24"),
    AlertKind.JOURNAL_WRITE_FAILED: (Severity.CRIT, "RB-25"),
    AlertKind.DISK_LOW: (Severity.CRIT, "RB-26"),
    AlertKind.CHAIN_VERIFY_FAILED: (Severity.CRIT, "RB-27"),
    AlertKind.CONFIG_REJECTED: (Severity.WARN, "RB-28"),
    AlertKind.DMS_NOT_ARMED: (Severity.CRIT, "RB-18"),
    AlertKind.RATE_LIMIT_BAN: (Severity.CRIT, "RB-20"),
    AlertKind.CONVENTION_MISSING: (Severity.CRIT, "RB-36"),
    AlertKind.HOLDING_UNTRUSTED: (Severity.CRIT, "RB-37"),
    AlertKind.HEDGES_OPPOSED: (Severity.WARN, "RB-42"),
    AlertKind.DELIVERY_FAILED: (Severity.WARN, "RB-30"),
    AlertKind.WATCHDOG: (Severity.WARN, "RB-31"),
    AlertKind.DAILY_LOSS: (Severity.CRIT, "RB-32"),
    AlertKind.INBOX_OVERFLOW: (Severity.CRIT, "RB-33"),
    AlertKind.TAIL_RISK_LIMIT: (Severity.WARN, "RB-34"),
    AlertKind.DRAWDOWN: (Severity.CRIT, "RB-35"),
    AlertKind.HEDGE_BLEED: (Severity.WARN, "RB-38"),
    AlertKind.TOP_UP_WANTED: (Severity.CRIT, "RB-50"),
    AlertKind.MOVE_UNPROVEN: (Severity.CRIT, "RB-51"),
    AlertKind.COLLATERAL_SHOCK: (Severity.WARN, "RB-13"),
    AlertKind.VENUE_MARGIN_HIKE: (Severity.WARN, "RB-52"),
    AlertKind.VENUE_EQUITY_CAP: (Severity.WARN, "RB-53"),
    AlertKind.EXECUTION_FREQUENCY: (Severity.WARN, "RB-54"),
    AlertKind.MONITORING_SLOW: (Severity.WARN, "RB-55"),
    AlertKind.MEMORY_HIGH: (Severity.WARN, "RB-56"),
    AlertKind.BAND_BEYOND_LIMIT: (Severity.WARN, "RB-57"),
}
