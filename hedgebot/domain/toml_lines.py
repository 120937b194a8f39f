"""On which line of a TOML text each key stands: tomllib keeps values only, and a mistake must be found by its line.

Owns a scanner of TOML's structure (keys, tables, arrays, strings, comments; toml.io v1.0). It judges nothing: the text
must be one that tomllib has parsed. Values are skipped, not read.
"""

Path = tuple[str | int, ...]
"""Keys and places in arrays, from the top: `("accounts", 0, "coins", "BTC")`."""

_BARE_ENDS = frozenset(" \t\r\n=.,]}#")
_QUOTES = ('"""', "'''", '"', "'")


def key_lines(text: str) -> dict[Path, int]:
    """Line (from 1) of every key, table and array element of a valid TOML text."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """Line of a path, or of the nearest part above it that stands in the text; None for the whole text."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


class _Scanner:
    """One pass over the text; `lines` fills on the way."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._counted = 0
        self._line = 1
        # How many elements each array of tables has so far: a later header means its last one.
        self._counts: dict[Path, int] = {}

    def document(self) -> None:
        """Read headers and pairs until the text ends."""
        table: Path = ()
        while self._skip_blank():
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text[self._at] == "[":
                table = self._header(1)
            else:
                self._pair(table)

    def _header(self, brackets: int) -> Path:
        line = self._now()
        self._at += brackets
        names = self._key()
        self._skip_space()
        self._at += brackets
        found: Path = ()
        for number, name in enumerate(names):
            found = (*found, name)
            self.lines.setdefault(found, line)
            last = number == len(names) - 1
            if last and brackets == 2:
                self._counts[found] = self._counts.get(found, 0) + 1
            if found in self._counts:
                found = (*found, self._counts[found] - 1)
                self.lines.setdefault(found, line)
        return found

    def _pair(self, table: Path) -> None:
        line = self._now()
        path = table
        for name in self._key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._skip_space()
        self._at += 1  # the equals sign
        self._skip_space()
        self._value(path)

    def _value(self, path: Path) -> None:
        sign = self._text[self._at]
        if sign in "\"'":
            self._string()
        elif sign == "[":
            self._array(path)
        elif sign == "{":
            self._inline_table(path)
        else:
            # A number, a boolean or a time; a time may have one blank between date and clock.
            while self._at < len(self._text) and self._text[self._at] not in ",]}#\r\n":
                self._at += 1

    def _array(self, path: Path) -> None:
        self._at += 1
        number = 0
        while self._skip_blank() and self._text[self._at] != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self.lines[(*path, number)] = self._now()
            self._value((*path, number))
            number += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._skip_blank() and self._text[self._at] != "}":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1

    def _key(self) -> list[str]:
        names = [self._name()]
        while True:
            self._skip_space()
            if self._at >= len(self._text) or self._text[self._at] != ".":
                return names
            self._at += 1
            names.append(self._name())

    def _name(self) -> str:
        self._skip_space()
        start = self._at
        if self._text[start] in "\"'":
            self._string()
            return self._text[start + 1 : self._at - 1]
        while self._at < len(self._text) and self._text[self._at] not in _BARE_ENDS:
            self._at += 1
        return self._text[start : self._at]

    def _string(self) -> None:
        quote = next(one for one in _QUOTES if self._text.startswith(one, self._at))
        self._at += len(quote)
        while not self._text.startswith(quote, self._at):
            self._at += 2 if self._text[self._at] == "\\" and quote[0] == '"' else 1
        self._at += len(quote)
        # Up to two quotes more belong to the content of a string in three quotes.
        while len(quote) == 3 and self._text.startswith(quote[0], self._at):
            self._at += 1

    def _skip_space(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in " \t":
            self._at += 1

    def _skip_blank(self) -> bool:
        """Go to the next sign that is no blank and no comment; False at the end of the text."""
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif sign in " \t\r\n":
                self._at += 1
            else:
                return True
        return False

    def _now(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line
