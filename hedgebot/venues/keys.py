"""What an API key may do, and which keys are refused at start: one that can move money out, or cannot trade.

Source: [D] user/apikey-info (GET /v5/user/query-api). Pure.
"""

from hedgebot.domain.settings import AccountRole
from hedgebot.venues.profile import VenueProfile
from hedgebot.venues.reading import Raw


def moving_rights(profile: VenueProfile, result: Raw) -> tuple[str, ...]:
    """The rights of a key that can move money out, by the venue's names."""
    permissions = result.get("permissions")
    wallet = (permissions.get("Wallet") if isinstance(permissions, dict) else None) or []
    return tuple(sorted(profile.forbidden_wallet_rights & {str(right) for right in wallet}))


def key_problem(profile: VenueProfile, role: AccountRole, result: Raw, *, accepted: bool = False) -> str | None:
    """Why the key must not be used, in one sentence; None when it may be.

    `accepted`: an operator takes it on them that it can move money out.
    """
    permissions = result.get("permissions")
    if not isinstance(permissions, dict):
        return "the venue does not say what the API key may do"
    if not accepted and (movers := moving_rights(profile, result)):
        return (
            f"the API key may move money out ({', '.join(movers)}): make a key without Wallet rights; "
            f"whoever takes that on them starts with --accept-key-rights {profile.venue}"
        )
    if role.may_trade and result.get("readOnly") == 1:
        return f"the API key is read-only, but the account's role {role.value} trades"
    if result.get("uta") == 0:
        return "the account is not a unified trading account"
    return None
