"""What a kill is about: the scope that the options name, and whether there is such a thing.

A kill file with a wrong name stops the whole book, for it fails closed: so names are looked up before one is written.
The configuration tells them, else the daemon, within a moment; where neither does, the kill goes on with what it was
given.
"""

from hedgebot.console.control import ask
from hedgebot.console.errors import WrongUse
from hedgebot.console.place import Place
from hedgebot.console.snapshot import read_snapshot
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.errors import HedgebotError
from hedgebot.domain.kill import KillAction, KillScope, action_problem
from hedgebot.domain.spelling import nearest

NAMES_WAIT_S = 1.0


def chosen_scope(
    order: str | None,
    strategy: str | None,
    underlying: str | None,
    account: str | None,
    venue: str | None,
    *,
    everything: bool,
) -> tuple[KillScope, str]:
    """The one scope that the options name, the whole book when they name none; raises WrongUse for two."""
    given = {
        KillScope.ORDER: order,
        KillScope.STRATEGY: strategy,
        KillScope.UNDERLYING: underlying,
        KillScope.ACCOUNT: account,
        KillScope.VENUE: venue,
    }
    named = [(scope, name) for scope, name in given.items() if name is not None]
    if len(named) + everything > 1:
        raise WrongUse("name one of --order, --strategy, --underlying, --account, --venue and --all, not several")
    return named[0] if named else (KillScope.ALL, "")


def check_scope(where: Place, scope: KillScope, name: str, action: KillAction) -> None:
    """Raise WrongUse for an action that makes no sense there, or a name that nothing has; nothing was done then."""
    if senseless := action_problem(scope, name, action):
        raise WrongUse(senseless)
    if scope is KillScope.ORDER and decode_client_id(name) is None:
        raise WrongUse(f"--order {name} is no client id of a hedgebot: `hedgebot status --json` lists the orders")
    known = None if scope in (KillScope.ALL, KillScope.ORDER) else _known(where, scope)
    if known is not None and name not in known:
        meant, _ = nearest(name, known)
        hint = f", did you mean {meant}" if meant else ""
        raise WrongUse(f"there is no {scope.value} {name} here{hint}; there are: {', '.join(sorted(known)) or 'none'}")


def _known(where: Place, scope: KillScope) -> set[str] | None:
    """Names that a scope can have; None where nobody says."""
    if where.config is not None:
        file = where.config.file
        named: dict[KillScope, set[str]] = {
            KillScope.STRATEGY: set(file.strategies),
            KillScope.UNDERLYING: set(file.underlyings),
            KillScope.ACCOUNT: set(file.accounts),
            KillScope.VENUE: {one.venue for one in file.accounts.values()},
        }
        return named[scope]
    try:
        book = read_snapshot(ask(where.state_dir, "status", timeout_s=NAMES_WAIT_S).data or {}).book
    except HedgebotError:
        return None
    told: dict[KillScope, set[str]] = {
        KillScope.STRATEGY: set(book.strategies),
        KillScope.UNDERLYING: {one.underlying for one in book.underlyings},
        KillScope.ACCOUNT: {one.account for one in book.accounts},
        KillScope.VENUE: {one.venue for one in book.accounts},
    }
    return told[scope] - {""} or None
