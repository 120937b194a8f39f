"""Who may come in: every door by itself."""

from pathlib import Path

import pytest

from hedgebot.console.dashboard.access import (
    SESSION_S_MAX,
    SESSIONS_MAX,
    TOKEN_FILE,
    Access,
    Asked,
    Refused,
    climbs,
    read_token,
)
from hedgebot.domain.errors import ConfigError

TOKEN = "t" * 43
NAME = "127.0.0.1:8788"


def asked(**fields: object) -> Asked:
    good: dict[str, object] = {
        "method": "GET",
        "raw_path": "/api/v1/snapshot",
        "hosts": [NAME],
        "origin": None,
        "fetch_site": None,
        "authorization": None,
        "cookie": None,
        "csrf": None,
    }
    return Asked(**(good | fields))  # type: ignore[arg-type]


@pytest.fixture
def access() -> Access:
    return Access(TOKEN, names=[NAME, "localhost:8788"])


@pytest.mark.parametrize(
    "hosts", [[], ["evil.example"], ["127.0.0.1"], ["127.0.0.1:1"], [NAME, NAME], ["127.0.0.1:8788.evil.example"]]
)
def test_a_foreign_host_is_misdirected(access: Access, hosts: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        access.check_address(asked(hosts=hosts))
    assert refused.value.status == 421


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1:8788.evil.example"]
)
def test_a_foreign_origin_is_refused(access: Access, origin: str) -> None:
    with pytest.raises(Refused) as refused:
        access.check_address(asked(origin=origin))
    assert refused.value.status == 403


def test_what_another_site_makes_a_browser_ask_is_refused_but_the_page_itself(access: Access) -> None:
    for site in ("cross-site", "same-site"):
        with pytest.raises(Refused, match="another site"):
            access.check_address(asked(fetch_site=site))
    access.check_address(asked(raw_path="/", fetch_site="cross-site"))
    access.check_address(asked(origin=f"http://{NAME}", fetch_site="same-origin"))
    access.check_address(asked(hosts=["LOCALHOST:8788"]))


@pytest.mark.parametrize(
    "path",
    [
        "/../dashboard.token",
        "/static/../../x",
        "/%2e%2e/x",
        "/%252e%252e/x",
        "/..%2fx",
        "/a\\..\\b",
        "/%5c..%5cx",
        "/x%00.css",
        "//evil.example/x",
        "http://evil.example/",
        "/./x",
        "/%25%32%35%32%65",
        "x",
    ],
)
def test_a_path_that_climbs_is_refused(access: Access, path: str) -> None:
    assert climbs(path)
    with pytest.raises(Refused) as refused:
        access.check_address(asked(raw_path=path))
    assert refused.value.status == 403


@pytest.mark.parametrize("path", ["/", "/dashboard.css", "/api/v1/snapshot?a=%2e%2e", "/api/v1/stream"])
def test_a_plain_path_does_not_climb(path: str) -> None:
    assert not climbs(path)


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Bearer {TOKEN}x", "Bearer ", f"Basic {TOKEN}", TOKEN])
def test_a_wrong_token_is_refused(access: Access, authorization: str) -> None:
    with pytest.raises(Refused) as refused:
        access.who(asked(authorization=authorization))
    assert refused.value.status == 401


def test_the_token_lets_programs_in(access: Access) -> None:
    assert access.who(asked(authorization=f"Bearer {TOKEN}")) is None
    access.check_action(asked(method="POST"), None)


def test_nobody_comes_in_without_anything(access: Access) -> None:
    for cookie in (None, "", "guessed"):
        with pytest.raises(Refused) as refused:
            access.who(asked(cookie=cookie))
        assert refused.value.status == 401


def test_a_session_needs_its_own_csrf_token_and_an_origin_to_act(access: Access) -> None:
    session = access.open_session(TOKEN, "ada")
    other = access.open_session(TOKEN, "eve")
    assert access.who(asked(cookie=session.key)) == session
    origin = f"http://{NAME}"
    for csrf, where in ((None, origin), ("", origin), (other.csrf, origin), (session.csrf, None)):
        with pytest.raises(Refused) as refused:
            access.check_action(asked(method="POST", csrf=csrf, origin=where), session)
        assert refused.value.status == 403
    access.check_action(asked(method="POST", csrf=session.csrf, origin=origin), session)
    access.close_session(session)
    assert not access.is_open(session)
    assert access.is_open(other)


def test_a_session_ends_by_itself_and_their_number_is_bounded() -> None:
    now_s = [0.0]
    access = Access(TOKEN, names=[NAME], now_s=lambda: now_s[0])
    first = access.open_session(TOKEN, "ada")
    now_s[0] = SESSION_S_MAX + 1
    with pytest.raises(Refused):
        access.who(asked(cookie=first.key))
    sessions = [access.open_session(TOKEN, "ada") for _ in range(SESSIONS_MAX + 1)]
    assert not access.is_open(sessions[0])
    assert all(access.is_open(one) for one in sessions[1:])


def test_the_login_wants_the_token_and_takes_a_harmless_name(access: Access) -> None:
    with pytest.raises(Refused) as refused:
        access.open_session("wrong", "ada")
    assert refused.value.status == 401
    assert access.open_session(TOKEN, "a\x1bda\n" + "x" * 99).operator == "ada" + "x" * 37
    assert access.open_session(TOKEN, "\n ").operator == "no name"


def test_the_token_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    token = read_token(tmp_path)
    assert len(token) >= 43
    assert (tmp_path / TOKEN_FILE).stat().st_mode & 0o777 == 0o600
    assert read_token(tmp_path) == token


def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    read_token(tmp_path)
    path = tmp_path / TOKEN_FILE
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_token(tmp_path)
    path.chmod(0o600)
    path.write_text("short")
    with pytest.raises(ConfigError, match="at least 32 characters"):
        read_token(tmp_path)
    path.unlink()
    path.symlink_to("/dev/null")
    with pytest.raises(ConfigError, match="a file of yours"):
        read_token(tmp_path)
    with pytest.raises(ConfigError, match="cannot be made"):
        read_token(tmp_path / "gone")
