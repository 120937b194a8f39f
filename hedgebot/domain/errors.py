"""The tree of errors, split by who is wrong. Owns no behaviour beyond carrying the exit code of the console.

::

    HedgebotError
    |- ProgrammingError      we are wrong: a bug in hedgebot; never caught below the supervisor
    |- ConfigError           the operator is wrong: a key, a value or a combination
    |- DataError             a recording or a file is wrong
    |- VenueError            the venue (or the way to it) is wrong
    |  `- VenueUnreachable
    |- JournalError          the journal cannot be written or read
    |  |- JournalCorrupt     its chain does not verify
    |  |- JournalFull        its disk takes nothing more
    |  `- JournalTooNew      it was written by a newer schema
    `- InstanceError         another daemon owns the account
"""

from typing import ClassVar


class ExitCode:
    """Exit codes of every verb; the operations contract names them."""

    OK: ClassVar[int] = 0
    FAILED: ClassVar[int] = 1
    USAGE: ClassVar[int] = 2
    DEGRADED: ClassVar[int] = 3
    HALTED: ClassVar[int] = 4
    UNKNOWN: ClassVar[int] = 5
    REFUSED: ClassVar[int] = 6
    OWNED_ELSEWHERE: ClassVar[int] = 7


class HedgebotError(Exception):
    """Base of all errors that hedgebot raises on purpose; the message is one sentence an operator understands."""

    exit_code: ClassVar[int] = ExitCode.FAILED


class ProgrammingError(HedgebotError):
    """A rule of the code was broken (an illegal order move, an unknown instrument): a bug, never an input."""


class ConfigError(HedgebotError):
    """A configuration key or value is wrong; the message names key, value and what would be right."""

    exit_code: ClassVar[int] = ExitCode.REFUSED


class DataError(HedgebotError):
    """A recording or another data file is wrong; the message names file, row and what would be right."""


class VenueError(HedgebotError):
    """The venue answered something that cannot be worked with."""


class VenueUnreachable(VenueError):
    """No answer from the venue's address."""

    exit_code: ClassVar[int] = ExitCode.UNKNOWN


class JournalError(HedgebotError):
    """The journal cannot be read or written."""


class JournalFull(JournalError):
    """The journal's disk is full; it goes on as soon as there is space."""


class JournalCorrupt(JournalError):
    """The journal's hash chain does not verify: it was edited, damaged, or made with another key."""

    exit_code: ClassVar[int] = ExitCode.REFUSED


class JournalTooNew(JournalError):
    """The journal was written by a newer schema than this program knows."""

    exit_code: ClassVar[int] = ExitCode.REFUSED


class InstanceError(HedgebotError):
    """Another daemon already owns this account."""

    exit_code: ClassVar[int] = ExitCode.OWNED_ELSEWHERE
