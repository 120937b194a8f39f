"""What an API key may do and whose it is; which keys are refused at start: that can move money out, or cannot trade.

Source: [D] user/apikey-info (GET /v5/user/query-api). Pure.
"""

from hedgebot.domain.settings import AccountRole
from hedgebot.venues.profile import VenueProfile
from hedgebot.venues.reading import Raw


def moving_rights(profile: VenueProfile, result: Raw) -> tuple[str, ...]:
    """The rights of a key that can move money, by the venue's names."""
    permissions = result.get("permissions")
    wallet = (permissions.get("Wallet") if isinstance(permissions, dict) else None) or []
    return tuple(sorted(profile.forbidden_wallet_rights & {str(right) for right in wallet}))


def move_problem(profile: VenueProfile, result: Raw) -> str:
    """What a key lacks to move collateral between the user's own wallets, in a sentence; empty when nothing."""
    if profile.move_right in moving_rights(profile, result):
        return ""
    return f"the API key has not the Wallet right {profile.move_right}: every move of collateral will be refused"


def account_uid(result: Raw) -> str:
    """The venue's own name of the account that a key belongs to, the same for all of its keys; empty: not told."""
    uid = str(result.get("userID") or "")
    return uid if uid.isdecimal() and int(uid) else ""


def key_problem(
    profile: VenueProfile, role: AccountRole, result: Raw, *, accepted: bool = False, moves: bool = False
) -> str | None:
    """Why the key must not be used, in one sentence; None when it may be.

    `accepted`: an operator takes it on them that it can move money out. `moves`: the configuration has collateral moved
    between the user's own wallets, which takes one right of these and no other.
    """
    permissions = result.get("permissions")
    if not isinstance(permissions, dict):
        return "the venue does not say what the API key may do"
    granted = {profile.move_right} if moves else set[str]()
    if not accepted and (movers := [one for one in moving_rights(profile, result) if one not in granted]):
        wanted = f"with no Wallet right but {profile.move_right}" if moves else "without Wallet rights"
        return (
            f"the API key may move money out ({', '.join(movers)}): make a key {wanted}; "
            f"whoever takes that on them starts with --accept-key-rights {profile.venue}"
        )
    if role.may_trade and result.get("readOnly") == 1:
        return f"the API key is read-only, but the account's role {role.value} trades"
    if result.get("uta") == 0:
        return "the account is not a unified trading account"
    return None
