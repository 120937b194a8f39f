"""Write the facts that conformance is held against: key paths and JSON types of the venue's documented examples.

Run by hand when the documentation moves: `python -m tests.wire.conformance.extract CHECKOUT` with a checkout (or a bare
repository) of github.com/bybit-exchange/docs. It keeps facts only (names, types, page, commit), no sentence and no
value of theirs: the repository names no licence. Nothing here reads the network, and CI never runs it.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.wire.conformance.shapes import Shape, shape_of

FACTS = Path(__file__).with_name("documented.json")
# Every page that documents something which the simulated exchange answers or pushes, with what it is on the wire.
PAGES = Path(__file__).with_name("pages.txt")
_SECTION = re.compile(r"^(#{2,4}) (.*)$", re.MULTILINE)
_BLOCK = re.compile(r"<TabItem[^>]*label=\"([^\"]*)\"|```json[^\n]*\n(.*?)```", re.DOTALL)
_ROW = re.compile(r"^\|\s*((?:>\s*)*)(\[?[A-Za-z][\w-]*)[^|]*\|\s*([A-Za-z&;]+)", re.MULTILINE)
_CELLS = re.compile(r"<td>\s*(?:>\s*)*(?:<a [^>]*>)?([A-Za-z]\w*)(?:</a>)?\s*</td>\s*<td>\s*([A-Za-z]+)")
_URL = re.compile(r'<APIEndpoint method="(\w+)" url="([^"]+)"')
_ANSWER = re.compile(r"(response|stream|event|push|snapshot|delta).*(example|format)|^example$", re.IGNORECASE)
_TYPES = {"string": "string", "str": "string", "integer": "number", "int": "number", "number": "number"}
_TYPES |= {"long": "number", "float": "number", "boolean": "boolean", "bool": "boolean"}
_TYPES |= {"array": "array", "list": "array", "object": "object", "json": "object"}


def main(checkout: str) -> None:
    """Read all pages and write the facts."""
    commit = _git(checkout, "rev-parse", "HEAD").strip()
    found = {page: _page(_git(checkout, "show", f"HEAD:docs/v5/{page}.mdx")) for page in PAGES.read_text().split()}
    facts = {"source": "github.com/bybit-exchange/docs, docs/v5", "commit": commit, "pages": found}
    FACTS.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    examples = sum(len(one["examples"]) for one in found.values())  # type: ignore[arg-type,misc]
    print(f"{len(found)} pages, {examples} examples")


def _git(checkout: str, *words: str) -> str:
    return subprocess.run(["git", "-C", checkout, *words], check=True, capture_output=True, text=True).stdout


def _page(text: str) -> dict[str, object]:
    url = _URL.search(text)
    examples: dict[str, Shape] = {}
    table: Shape = {}
    for heading, body in _sections(text):
        words = heading.rpartition(" / ")[2]
        if "parameter" in words.lower() and "request" not in words.lower():
            table |= _table(body)
        if "request" not in words.lower():
            for label, value in _values(body):
                if not (_ANSWER.search(words) or _is_answer(value)):
                    continue
                name = " ".join(filter(None, (heading.rpartition(" / ")[0], label))) or "example"
                while name in examples:
                    name += "+"
                examples[name] = shape_of(value)
    where = f"{url[1]} {url[2]}" if url else ""
    return {"where": where, "examples": examples, "table": table}


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(second-level heading / heading, text below it) of a page; a heading's own words only where it has no parent."""
    parent = ""
    marks = list(_SECTION.finditer(text))
    for number, mark in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        if mark[1] == "##":
            parent = mark[2].strip()
        yield f"{parent} / {mark[2].strip()}" if parent and mark[1] != "##" else mark[2].strip(), text[mark.end() : end]


def _values(body: str) -> Iterator[tuple[str, object]]:
    label = ""
    for found in _BLOCK.finditer(body):
        if found[1] is not None:
            label = found[1].strip()
            continue
        for caption, value in _lenient(found[2]):
            yield " ".join(filter(None, (label, caption))), value


def _is_answer(value: object) -> bool:
    """Whether an example outside the usual sections is something that the venue says on a socket."""
    return isinstance(value, dict) and ("success" in value or value.get("op") == "pong")


def _lenient(text: str) -> Iterator[tuple[str, object]]:
    """JSON examples as people write them: comments, dots for what is left out, commas too many, captions between."""
    text = re.sub(r"(?<![:\"\w])//[^\n]*", "", text)
    text = re.sub(r"\.\.\.+,?", "", text)
    text = re.sub(r",(\s*[}\]])", r"\1", text).strip()
    while text:
        caption = re.match(r"[A-Za-z: ]*\s*", text)
        start = caption.end() if caption else 0
        try:
            value, end = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            return
        yield text[:start].strip(" :\n"), value
        text = text[end:].strip(" ,\n\r\t")


def _table(body: str) -> Shape:
    """Leaf names of a table of response parameters; without the path above them, which the tables do not give whole."""
    rows = [(row[2].lstrip("["), row[3]) for row in _ROW.finditer(body)]
    rows += [(row[1], row[2]) for row in _CELLS.finditer(body)]
    return {name: [_TYPES.get(kind.lower(), kind.lower())] for name, kind in rows}


if __name__ == "__main__":
    main(sys.argv[1])
