"""Every key of the configuration is documented in config/ and read by code: no dead switch, no hidden one."""

import ast
import re
from collections.abc import Iterable, Mapping

from tests.tidy.source import ROOT, Module, dotted, module, modules, product

CONFIG_ROOM = "hedgebot/config/"
SETTINGS = "hedgebot/domain/settings.py"
MODEL_ROOTS = frozenset({"BaseModel", "BaseSettings", "RootModel"})
STRUCT_ROOTS = frozenset({"Struct"})

# `key =` at the start of a line or in an inline table, and [section] or [[section]]; commented ones count: that is how
# a default is documented.
KEY = re.compile(r"""(?:^|[{,])\s*#?\s*["']?([A-Za-z_][\w-]*)["']?\s*=""", re.MULTILINE)
SECTION = re.compile(r"^\s*#?\s*\[{1,2}([\w.\"' -]+)\]{1,2}", re.MULTILINE)


def models(code: Iterable[Module], roots: frozenset[str]) -> dict[str, tuple[str, ast.ClassDef]]:
    """Name -> (path, class) of every class that descends from one of `roots`, through classes of `code` too."""
    classes = {
        node.name: (found.path, node)
        for found in code
        for node in ast.walk(found.tree)
        if isinstance(node, ast.ClassDef)
    }
    known: dict[str, tuple[str, ast.ClassDef]] = {}
    while True:
        found = {
            name: entry
            for name, entry in classes.items()
            if name not in known and any(dotted(base).split(".")[-1] in roots | known.keys() for base in entry[1].bases)
        }
        if not found:
            return known
        known |= found


def fields(of: Mapping[str, tuple[str, ast.ClassDef]]) -> dict[str, str]:
    """Field -> the place of its (last) declaration. Class variables and private names are no keys."""
    return {
        line.target.id: f"{path}:{line.lineno}: {name}.{line.target.id}"
        for name, (path, node) in of.items()
        for line in node.body
        if isinstance(line, ast.AnnAssign)
        and isinstance(line.target, ast.Name)
        and not line.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(line.annotation)
    }


def documented(texts: Iterable[str]) -> set[str]:
    """Every key and section named in the files' texts."""
    found: set[str] = set()
    for text in texts:
        found |= set(KEY.findall(text))
        for section in SECTION.findall(text):
            found |= {part.strip(" \"'") for part in section.split(".")}
    return {name.replace("-", "_") for name in found}


def read_names(code: Iterable[Module], without: Iterable[str]) -> set[str]:
    """Every attribute that is read in `code` outside the modules `without`; a match on a keyword pattern reads too."""
    skipped = set(without)
    names: set[str] = set()
    for found in code:
        if found.path in skipped:
            continue
        for node in ast.walk(found.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                names.add(node.attr)
            if isinstance(node, ast.MatchClass):
                names |= set(node.kwd_attrs)
    return names


def config_problems(code: Iterable[Module], texts: Iterable[str]) -> list[str]:
    """Fields of the configuration's models that no file under config/ names or that no code reads."""
    code = tuple(code)
    found = models((one for one in code if one.path.startswith(CONFIG_ROOM)), MODEL_ROOTS)
    named, read = documented(texts), read_names(code, {path for path, _ in found.values()})
    keys = fields(found)
    return [
        *(f"{place} is in no file under config/" for name, place in keys.items() if name not in named),
        *(f"{place} is read by no code" for name, place in keys.items() if name not in read),
    ]


def unread_settings(code: Iterable[Module]) -> list[str]:
    """Settings handed to the inside that nothing inside reads: the configuration merely fills them."""
    code = tuple(code)
    keys = fields(models((one for one in code if one.path == SETTINGS), STRUCT_ROOTS))
    inside = [one for one in code if not one.path.startswith(CONFIG_ROOM)]
    read = read_names(inside, {SETTINGS}) | {name for one in code if one.path == SETTINGS for name in _self_reads(one)}
    return [f"{place} is read by no code" for name, place in keys.items() if name not in read]


def _self_reads(found: Module) -> set[str]:
    """Attributes that a module's own methods and functions read."""
    return read_names([found], ())


def test_every_key_is_documented_and_read() -> None:
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "config").glob("*.toml"))]
    problems = config_problems(product(), texts)
    assert not problems, "\n".join(problems)


def test_every_setting_takes_effect() -> None:
    problems = unread_settings(product())
    assert not problems, "\n".join(problems)


def test_the_models_are_found() -> None:
    """Guards the scan itself: modules in hedgebot/config without a model mean that it looks for the wrong thing."""
    config = [found for found in modules("hedgebot") if found.path.startswith(CONFIG_ROOM)]
    if any(not found.path.endswith("__init__.py") for found in config):
        assert fields(models(config, MODEL_ROOTS))


MODELS = """
class _Section(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid")
    _cache: int = 0
    kinds: ClassVar[int] = 1
class Hedge(_Section):
    band_coin: float
    venue: str
"""


def test_a_forgotten_key_is_found() -> None:
    code = [module("hedgebot/config/models.py", MODELS), module("hedgebot/core/a.py", "f(x.band_coin)")]
    assert config_problems(code, ["# band_coin = 0.5\n"]) == [
        "hedgebot/config/models.py:8: Hedge.venue is in no file under config/",
        "hedgebot/config/models.py:8: Hedge.venue is read by no code",
    ]
    code.append(module("hedgebot/config/loader.py", "match h:\n    case Hedge(venue=v): pass"))
    assert config_problems(code, ["[hedge]\nband_coin = 0.5 # coins", 'a = { venue = "x" }']) == []


def test_reading_a_key_in_its_own_model_does_not_count() -> None:
    text = MODELS + "    def check(self):\n        return self.band_coin, self.venue\n"
    problems = config_problems([module("hedgebot/config/models.py", text)], ["band_coin = 1\nvenue = 'x'"])
    assert len(problems) == 2


def test_keys_and_sections_of_a_file_are_seen() -> None:
    text = (
        '[accounts.main]\n  # role = "book"  # or = hedge\n[[strategies]]\nlimits = { "loss_usd" = 1, rate-max = 2 }\n'
    )
    assert documented([text]) >= {"accounts", "main", "role", "strategies", "limits", "loss_usd", "rate_max"}


def test_a_setting_without_effect_is_found() -> None:
    text = "class S(msgspec.Struct):\n    a: int\n    b: int"
    code = [module(SETTINGS, text), module("hedgebot/core/a.py", "f(s.a)"), module("hedgebot/config/b.py", "f(s.b)")]
    assert unread_settings(code) == [f"{SETTINGS}:3: S.b is read by no code"]
