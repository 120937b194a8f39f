"""How an account of the configuration is reached at its venue, for the daemon and for what asks a venue beside it.

Opens nothing. What only the daemon's own connection has (deadlines of orders, a second reader) is added there.
"""

from hedgebot.config.loader import AccountConnection
from hedgebot.venues.connection import VenueConnection


def venue_connection(one: AccountConnection) -> VenueConnection:
    """Address, account and keys in clear text: what a client signs with."""
    return VenueConnection(
        account=one.account,
        venue=one.venue,
        role=one.role,
        endpoint=one.endpoint,
        testnet=one.testnet,
        api_key=one.api_key.get_secret_value(),
        api_secret=one.api_secret.get_secret_value(),
        recv_window_ms=one.recv_window_ms,
        api_passphrase="" if one.api_passphrase is None else one.api_passphrase.get_secret_value(),
        portfolio_margin=one.margin_mode == "portfolio",
    )


def secrets_of(connection: AccountConnection) -> tuple[str, ...]:
    """What must stand in no text that is kept or shown."""
    each = (connection.api_key, connection.api_secret, connection.api_passphrase)
    return tuple(one.get_secret_value() for one in each if one is not None and one.get_secret_value())
