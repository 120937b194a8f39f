"""Errors: a drawn tree whose exit codes are those of the operations contract."""

import pytest

from hedgebot.domain import errors
from hedgebot.domain.errors import ExitCode, HedgebotError


def _tree(kind: type[HedgebotError]) -> list[type[HedgebotError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in _tree(child))]


def test_exit_codes_differ() -> None:
    codes = [value for name, value in vars(ExitCode).items() if name.isupper()]
    assert sorted(codes) == list(range(8))


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ProgrammingError, 1),
        (errors.ConfigError, 6),
        (errors.DataError, 1),
        (errors.VenueError, 1),
        (errors.VenueUnreachable, 5),
        (errors.JournalError, 1),
        (errors.JournalCorrupt, 6),
        (errors.JournalTooNew, 6),
        (errors.InstanceError, 7),
    ],
)
def test_an_error_ends_the_console_with_its_code(kind: type[HedgebotError], code: int) -> None:
    assert kind("why").exit_code == code


def test_no_error_ends_the_console_as_a_success() -> None:
    ours = [kind for kind in _tree(HedgebotError) if kind.__module__ == errors.__name__]
    assert len(ours) == 11
    assert all(kind.exit_code != ExitCode.OK for kind in ours)


def test_the_docstring_draws_the_tree() -> None:
    drawn = errors.__doc__ or ""
    assert all(kind.__name__ in drawn for kind in _tree(HedgebotError) if kind.__module__ == errors.__name__)
