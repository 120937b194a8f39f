"""The kill files: `<state_dir>/KILL` halts the book, `KILL.<scope>.<name>` a part of it. Anyone with a shell makes one.

Each survives every restart. Written and synced before the operator is told that the kill is latched, beside the
engine's own work: a kill waits for no disk. Removed only after the engine lifted the latch. Any file of such a name
counts, also an empty or unreadable one: a kill fails closed. A line `action: reduce` (or hedge-to-flat, flatten)
chooses an action; without it the part is frozen. A name that says no scope stops the whole book.
"""

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from hedgebot.daemon.identity import sync_folder
from hedgebot.domain.kill import KillAction, KillScope, scope_key

FILE = "KILL"
TEXT_CHARS_MAX = 500
_ACTION = re.compile(r"^\s*action\s*[:=]\s*([a-z-]+)\s*$", re.MULTILINE)


class KillFile(msgspec.Struct, frozen=True, kw_only=True):
    """One kill file as it stands; `reason` is what it says, in one line."""

    file: str
    scope: KillScope
    name: str
    action: KillAction
    reason: str

    @property
    def key(self) -> str:
        """The scope in one word."""
        return scope_key(self.scope, self.name)


class KillLatch:
    """The kill files of one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self.path = state_dir / FILE
        self._told: set[str] = set()  # files that the engine was told of

    @property
    def is_set(self) -> bool:
        """Whether any kill file is there, or their absence cannot be proven."""
        try:
            return bool(self._names())
        except OSError:
            return True

    @property
    def is_untold(self) -> bool:
        """Whether a kill file is there that the engine has not heard of: nothing may leave before it has."""
        try:
            return any(name not in self._told for name in self._names())
        except OSError:
            return True

    def path_of(self, scope: KillScope, name: str) -> Path:
        """Where the file of a scope stands."""
        return self._folder / file_name(scope, name)

    def found(self) -> list[KillFile]:
        """Every kill file there is; the whole book's when the folder cannot be read."""
        try:
            names = self._names()
        except OSError as error:
            why = f"kill files cannot be looked for in {self._folder} ({error.strerror})"
            return [
                KillFile(file=FILE, scope=KillScope.ALL, name="", action=KillAction.FREEZE, reason=why),
            ]
        return [self._read(name) for name in names]

    def untold(self) -> list[KillFile]:
        """Kill files that the engine has not heard of."""
        return [one for one in self.found() if one.file not in self._told]

    def is_told(self, scope: KillScope, name: str) -> bool:
        """Whether the engine was told of a scope's file."""
        return file_name(scope, name) in self._told

    def tell(self, scope: KillScope, name: str) -> None:
        """Note that the engine hears of a scope's kill now."""
        self._told.add(file_name(scope, name))

    def tell_file(self, file: str) -> None:
        """Note that the engine hears of a file now, whatever it is called."""
        self._told.add(file)

    def untell(self, scope: KillScope, name: str) -> None:
        """Whoever makes the file of a scope by hand must be heard again."""
        self._told.discard(file_name(scope, name))

    def stands(self, scope: KillScope, name: str) -> bool:
        """Whether the next start surely finds a file that stops a scope: its own, or the whole book's."""
        try:
            return bool({FILE, file_name(scope, name)} & set(self._names()))
        except OSError:
            return False

    def set(
        self,
        operator: str,
        reason: str,
        scope: KillScope = KillScope.ALL,
        name: str = "",
        action: KillAction = KillAction.FREEZE,
    ) -> None:
        """Write a scope's file durably; raises OSError where the disk refuses, and then the kill goes on without it.

        The caller tells the engine.
        """
        self.tell(scope, name)
        write_kill_file(self._folder, operator, reason, scope, name, action)
        sync_folder(self._folder)

    def clear(self, scope: KillScope = KillScope.ALL, name: str = "") -> None:
        """Remove a scope's file."""
        self.path_of(scope, name).unlink(missing_ok=True)
        sync_folder(self._folder)
        self.untell(scope, name)

    def clear_others(self, standing: frozenset[str]) -> None:
        """Remove files that stand for no latch any more, among them those whose names said no scope."""
        for one in self.found():
            if file_name(one.scope, one.name) != one.file or one.key not in standing:
                path = self._folder / one.file
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
                else:
                    path.unlink(missing_ok=True)
                self._told.discard(one.file)
        sync_folder(self._folder)

    def _names(self) -> list[str]:
        with os.scandir(self._folder) as entries:
            return sorted(one.name for one in entries if one.name == FILE or one.name.startswith(f"{FILE}."))

    def _read(self, file: str) -> KillFile:
        path = self._folder / file
        text = ""
        try:
            text = path.read_bytes()[:TEXT_CHARS_MAX].decode("utf-8", "replace")
            reason = " ".join(_ACTION.sub("", text).split()) or f"the kill file {path} is there"
        except OSError as error:
            reason = f"the kill file {path} is there and cannot be read ({error.strerror})"
        scope, name = _scope_of(file)
        if file not in {FILE, file_name(scope, name)}:
            reason = f"the kill file {path} names no scope: {reason}"
        return KillFile(file=file, scope=scope, name=name, action=_action_in(text), reason=reason)


def file_name(scope: KillScope, name: str) -> str:
    """Name of a scope's file: `KILL`, `KILL.venue.bybit`; odd characters of a name are written as %XX."""
    return FILE if scope is KillScope.ALL else f"{FILE}.{scope.value}.{quote(name, safe='')}"


def write_kill_file(folder: Path, operator: str, reason: str, scope: KillScope, name: str, action: KillAction) -> None:
    """Write a kill file and sync it; raises OSError. For the daemon and for whoever kills without one."""
    descriptor = os.open(folder / file_name(scope, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        words = "" if action is KillAction.FREEZE else f"action: {action.value}\n"
        os.write(descriptor, f"killed by {operator}: {reason}\n{words}".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def kill_file_problem(
    folder: Path,
    operator: str,
    reason: str,
    scope: KillScope = KillScope.ALL,
    name: str = "",
    action: KillAction = KillAction.FREEZE,
) -> str | None:
    """Write a kill file from outside the daemon; the answer is a sentence when that failed."""
    try:
        write_kill_file(folder, operator, reason, scope, name, action)
    except OSError as error:
        return f"the kill file {folder / file_name(scope, name)} could not be written ({error.strerror})"
    return None


def _scope_of(file: str) -> tuple[KillScope, str]:
    parts = file.split(".", 2)
    if len(parts) == 3 and parts[2]:
        for scope in KillScope:
            if scope is not KillScope.ALL and scope.value == parts[1]:
                return scope, unquote(parts[2])
    return KillScope.ALL, ""


def _action_in(text: str) -> KillAction:
    """The action that a file asks for; a word that is none freezes, and so do two that differ."""
    words = set(_ACTION.findall(text))
    found = [one for one in KillAction if {one.value} == words]
    return found[0] if found else KillAction.FREEZE
