"""Who may come in: the token and its file, sessions, and the checks of every request. Knows no web framework.

Owns the rules (safety reference section 9): a Host that is not ours is 421, a foreign Origin, a path that climbs and a
missing CSRF token are 403, a missing or wrong token is 401. A refusal says nothing about what there is to see.
"""

import hmac
import os
import secrets
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from hedgebot.domain.errors import ConfigError

TOKEN_FILE = "dashboard.token"  # noqa: S105  (the name of a file)
TOKEN_BYTES = 32
TOKEN_CHARS_MIN = 32
SESSION_S_MAX = 12 * 3_600.0
SESSIONS_MAX = 16
NAME_CHARS_MAX = 40


class Refused(Exception):
    """A request that is not answered; `status` is the HTTP status, the text says why, for the record."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who showed the token. `csrf` must come back with every action."""

    key: str
    csrf: str
    operator: str
    until_s: float


class Asked(NamedTuple):
    """The parts of a request that the checks look at; None where a header is absent."""

    method: str
    raw_path: str
    hosts: Sequence[str]
    origin: str | None
    fetch_site: str | None
    authorization: str | None
    cookie: str | None
    csrf: str | None


class Access:
    """Checks requests against the token, the names this server has, and the sessions it gave out."""

    def __init__(self, token: str, *, names: Sequence[str], now_s: Callable[[], float] = time.monotonic) -> None:
        """`names` are the values of Host under which this server is reached, ports included."""
        self._token = token.encode()
        self._names = frozenset(one.lower() for one in names)
        self._origins = frozenset(f"{scheme}://{one}" for one in self._names for scheme in ("http", "https"))
        self._now_s = now_s
        self._sessions: dict[str, Session] = {}

    def check_address(self, asked: Asked) -> None:
        """Refuse what does not mean this server, comes from another site, or climbs out of it. Raises Refused."""
        if len(asked.hosts) != 1 or asked.hosts[0].lower() not in self._names:
            raise Refused(421, f"Host {asked.hosts[0] if asked.hosts else 'missing'} is not a name of this server")
        if climbs(asked.raw_path):
            raise Refused(403, "the path climbs")
        if asked.origin is not None and asked.origin.lower() not in self._origins:
            raise Refused(403, f"Origin {asked.origin} is foreign")
        # A link from elsewhere may lead to the page, which shows nothing without a session; nothing else may be led to.
        inside = asked.method != "GET" or asked.raw_path.startswith("/api/")
        if inside and asked.fetch_site is not None and asked.fetch_site not in {"same-origin", "none"}:
            raise Refused(403, f"the request comes from another site ({asked.fetch_site})")

    def who(self, asked: Asked) -> Session | None:
        """The session of the caller; None for a good bearer token, which needs none. Raises Refused."""
        if asked.authorization is not None:
            scheme, _, token = asked.authorization.partition(" ")
            if scheme.lower() != "bearer" or not self.is_token(token.strip()):
                raise Refused(401, "the bearer token is wrong")
            return None
        session = self._sessions.get(asked.cookie or "")
        if session is None or session.until_s < self._now_s():
            raise Refused(401, "no token and no session" if asked.cookie is None else "the session is not known")
        return session

    def check_action(self, asked: Asked, session: Session | None) -> None:
        """Refuse an action that the page of this session did not send. Raises Refused."""
        if session is None:
            return  # a bearer token is no ambient right: no other site can make a browser send it
        if asked.origin is None:
            raise Refused(403, "the action has no Origin")
        if asked.csrf is None or not hmac.compare_digest(asked.csrf.encode(), session.csrf.encode()):
            raise Refused(403, "the action has no CSRF token of its session")

    def is_token(self, token: str) -> bool:
        """Whether it is the token, in constant time."""
        return hmac.compare_digest(token.encode(), self._token)

    def open_session(self, token: str, operator: str) -> Session:
        """Let somebody in who shows the token. Raises Refused."""
        if not self.is_token(token):
            raise Refused(401, "the token at the login is wrong")
        while len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        name = "".join(one for one in operator if one.isprintable())[:NAME_CHARS_MAX].strip() or "no name"
        session = Session(
            key=secrets.token_urlsafe(TOKEN_BYTES),
            csrf=secrets.token_urlsafe(TOKEN_BYTES),
            operator=name,
            until_s=self._now_s() + SESSION_S_MAX,
        )
        self._sessions[session.key] = session
        return session

    def close_session(self, session: Session) -> None:
        """End a session."""
        self._sessions.pop(session.key, None)

    def is_open(self, session: Session | None) -> bool:
        """Whether a long answer may go on."""
        return session is None or (session.key in self._sessions and session.until_s >= self._now_s())


def climbs(raw_path: str) -> bool:
    """Whether a path, as it came over the wire, leads elsewhere; none of ours has a percent or a backslash."""
    path = raw_path.split("?", 1)[0]
    if not path.startswith("/") or path.startswith("//") or any(one in path for one in "%\\\0"):
        return True
    return any(part in {".", ".."} for part in path.split("/"))


def read_token(state_dir: Path) -> str:
    """The token of a book's dashboard, made at the first time. Raises ConfigError where others could read it."""
    path = state_dir / TOKEN_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return _token_of(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be made ({error.strerror}); is {state_dir} the book's folder?") from None
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


def _token_of(path: Path) -> str:
    try:
        known = path.lstat()
        if not stat.S_ISREG(known.st_mode) or stat.S_IMODE(known.st_mode) & 0o077 or known.st_uid != os.getuid():
            raise ConfigError(f"{path} must be a file of yours that nobody else can read: chmod 600 {path}")
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); remove it for a new one") from None
    if len(token) < TOKEN_CHARS_MIN:
        raise ConfigError(f"{path} must hold at least {TOKEN_CHARS_MIN} characters; remove it for a new one")
    return token
