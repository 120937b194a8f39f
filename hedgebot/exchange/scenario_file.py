"""Reads a scenario from its TOML file; a mistake is one sentence with the file, the line, the key and what is right.

Owns the file and the words of its mistakes. The values, their names and ranges are `scenario.py`'s.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path

import msgspec
from msgspec import inspect

from hedgebot.domain.errors import ConfigError
from hedgebot.domain.spelling import nearest
from hedgebot.domain.toml_lines import Path as KeyPath
from hedgebot.domain.toml_lines import key_lines, line_of
from hedgebot.exchange.scenario import RECORDED_FILES, PegSpec, RecordedFile, RecordingSpec, Scenario, problems

_VALUE_CHARS_MAX = 60
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "decimal": "a number in quotes",
    "datetime": "a time such as 2025-10-10T21:00:00",
    "array": "a list in [ ]",
    "object": "a section or a table in { }",
}
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")
_EXPECTED = re.compile(r"Expected `([^`]+)`(?: (of length )?([<>=]+ \S+))?")
_PART = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def load_scenario(path: Path) -> Scenario:
    """Read a scenario; ConfigError names every mistake's file, line and key. Relative paths start at the file."""
    text = _text(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_sentence(path, text, str(error))) from error
    lines = key_lines(text)
    unknown = list(_unknown(raw, inspect.type_info(Scenario), ()))
    if unknown:
        raise ConfigError(_told(path, lines, unknown))
    try:
        scenario = msgspec.convert(raw, Scenario)
    except msgspec.ValidationError as error:
        raise ConfigError(_told(path, lines, [_wrong_type(raw, str(error))])) from error
    wrong = list(problems(scenario))
    if wrong:
        raise ConfigError(_told(path, lines, wrong))
    venues = (
        msgspec.structs.replace(one, recordings=tuple(_absolute(recording, path) for recording in one.recordings))
        for one in scenario.venues
    )
    return msgspec.structs.replace(
        scenario,
        recordings=tuple(_absolute(one, path) for one in scenario.recordings),
        pegs=tuple(_absolute_peg(one, path) for one in scenario.pegs),
        venues=tuple(venues),
    )


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"scenario {path}: cannot be read ({error.strerror}); give the path of a TOML file"
        raise ConfigError(msg) from error
    try:
        # As tomllib does: a line may end in the way of any system.
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"scenario {path}, line {line}: is not UTF-8 text ({error.reason})") from error


def _syntax_sentence(path: Path, text: str, message: str) -> str:
    found = _AT_LINE.search(message)
    line = int(found.group(1)) if found and found.group(1) else text.count("\n") + 1
    return f"scenario {path}, line {line}: is not valid TOML ({_AT_LINE.sub('', message)})"


def _told(path: Path, lines: dict[KeyPath, int], found: Iterable[tuple[KeyPath, str]]) -> str:
    """All mistakes in the order of their lines, one sentence a line."""
    placed = sorted((line_of(lines, key) or 1, sentence) for key, sentence in found)
    return "\n".join(f"scenario {path}, line {line}: {sentence}" for line, sentence in placed)


def _unknown(raw: object, kind: inspect.Type, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Keys that nobody reads and kinds that there are not, each with the one that was probably meant."""
    tagged = _tagged(kind)
    if tagged and isinstance(raw, dict):
        field, kinds = tagged
        if raw.get(field) not in kinds:
            yield (*path, field) if field in raw else path, _kind_sentence(path, field, raw.get(field), kinds)
            return
        kind = kinds[str(raw[field])]
    elif isinstance(kind, inspect.UnionType):
        kind = next((one for one in kind.types if isinstance(one, inspect.StructType)), kind)
    if isinstance(kind, inspect.StructType) and isinstance(raw, dict):
        known = {field.encode_name: field.type for field in kind.fields}
        for key, value in raw.items():
            if key in known:
                yield from _unknown(value, known[key], (*path, key))
            elif key != kind.tag_field:
                yield (*path, key), _unknown_sentence(path, key, value, known)
    elif isinstance(kind, (inspect.VarTupleType, inspect.ListType)) and isinstance(raw, list):
        for number, value in enumerate(raw):
            yield from _unknown(value, kind.item_type, (*path, number))
    elif isinstance(kind, inspect.DictType) and isinstance(raw, dict):
        for key, value in raw.items():
            yield from _unknown(value, kind.value_type, (*path, key))


def _tagged(kind: inspect.Type) -> tuple[str, dict[str, inspect.Type]] | None:
    """Name of the tag and the structs by their tags, where a table's kind is told by a tag."""
    types = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    structs = [one for one in types if isinstance(one, inspect.StructType) and one.tag_field]
    return (str(structs[0].tag_field), {str(one.tag): one for one in structs}) if structs else None


def _kind_sentence(path: KeyPath, field: str, value: object, kinds: Iterable[str]) -> str:
    known = ", ".join(sorted(kinds))
    if value is None:
        return f"{_words(path)} has no {field}, which it needs: one of {known}"
    meant, _ = nearest(str(value), kinds)
    hint = f"; did you mean {meant}?" if meant else ""
    return f"{_words((*path, field))} = {_shown(value)} must be one of {known}{hint}"


def _unknown_sentence(path: KeyPath, key: str, value: object, known: Iterable[str]) -> str:
    what = "section" if isinstance(value, (dict, list)) else "key"
    sentence = f"{_words((*path, key))} is not a known {what}"
    meant, unit_only = nearest(key, known)
    if meant is None:
        return f"{sentence}; known here: {', '.join(sorted(known))}"
    return f"{sentence}{'; this key has another unit' if unit_only else ''}; did you mean {meant}?"


def _wrong_type(raw: object, message: str) -> tuple[KeyPath, str]:
    """Path and sentence of msgspec's finding, which reads `what - at `$.path``."""
    what, _, where = message.partition(" - at `$")
    path: KeyPath = ()
    value = raw
    for key, number in _PART.findall(where.rstrip("`")):
        part = _culprit(raw, path, message) if number == "..." else int(number) if number else key
        if part is None:
            break
        path = (*path, part)
        value = _inside(value, part)
    if what.startswith("Object missing required field"):
        return path, f"{_words(path) or 'the file'} has no {what.split('`')[1]}, which it needs"
    if what.startswith("Invalid value"):
        return path, f"{_words(path)} = {_shown(value)} is not one of the known words ({what})"
    expected = _EXPECTED.match(what)
    if expected is None:
        return path, f"{_words(path)} = {_shown(value)}: {what}"
    kinds = " or ".join(_KINDS.get(one.strip(), one.strip()) for one in expected.group(1).split("|"))
    bound = f" {expected.group(2) or ''}{expected.group(3)}" if expected.group(3) else ""
    return path, f"{_words(path)} = {_shown(value)} must be {kinds}{bound}"


def _culprit(raw: object, path: KeyPath, message: str) -> str | None:
    """The key of a table of free names whose value msgspec complains of: the one that alone gets the complaint."""
    table: object = raw
    for part in path:
        table = _inside(table, part)
    for key, value in table.items() if isinstance(table, dict) else ():
        try:
            msgspec.convert(_replaced(raw, path, {key: value}), Scenario)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return str(key)
    return None


def _replaced(raw: object, path: KeyPath, value: object) -> object:
    """The same tables with another value at a path."""
    if not path:
        return value
    inner = _replaced(_inside(raw, path[0]), path[1:], value)
    if isinstance(raw, list):
        return [inner if number == path[0] else one for number, one in enumerate(raw)]
    return {**raw, path[0]: inner} if isinstance(raw, dict) else raw


def _inside(value: object, part: str | int) -> object:
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None


def _words(path: KeyPath) -> str:
    """A path as people write it: `accounts[0].coins`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _VALUE_CHARS_MAX else text[: _VALUE_CHARS_MAX - 3] + "..."


def _absolute(spec: RecordingSpec, path: Path) -> RecordingSpec:
    """The same recording with its files' paths from the scenario's folder, and times in UTC."""
    files = {name: _beside(getattr(spec, name), path.parent) for name in RECORDED_FILES if getattr(spec, name)}
    times = {
        name: value if value.tzinfo else value.replace(tzinfo=UTC)
        for name in ("start", "end")
        if (value := getattr(spec, name)) is not None
    }
    return msgspec.structs.replace(spec, **files, **times)


def _absolute_peg(spec: PegSpec, path: Path) -> PegSpec:
    files = {
        name: _beside(getattr(spec, name), path.parent) for name in ("usd_bars", "coin_bars") if getattr(spec, name)
    }
    return msgspec.structs.replace(spec, **files)


def _beside(value: RecordedFile | str, folder: Path) -> RecordedFile | str:
    if isinstance(value, RecordedFile):
        return msgspec.structs.replace(value, file=str(folder / value.file))
    return str(folder / value)
