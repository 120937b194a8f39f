"""What no module may do: approve outside the gate, read a clock in a pure room, swallow errors, let a client retry."""

import ast
from collections.abc import Callable, Iterable

import pytest

from tests.tidy.source import PURE_ROOMS, ROOT, Module, at, called_name, dotted, module, product

GATE = ("hedgebot/core/gate.py", "hedgebot/core/gate/")
SUPERVISOR = "hedgebot/daemon/supervisor.py"

# Beside the modules that ruff bans in the pure rooms (hedgebot/domain/ruff.toml). hash() differs from run to run,
# id() from machine to machine: an order built on either is not reproducible.
IMPURE_BUILTINS = frozenset({"__import__", "breakpoint", "eval", "exec", "hash", "id", "input", "open", "print"})
CLOCKS = frozenset({
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
    *("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"),
})  # fmt: skip
RETRY_LIBRARIES = frozenset({"backoff", "retrying", "stamina", "tenacity"})
BROAD = frozenset({"Exception", "BaseException"})


def approvals(found: Module) -> list[str]:
    """Constructions of `Approved` outside the gate, and imports that would hide one behind another name."""
    if found.path.startswith(GATE):
        return []
    problems = []
    for node in ast.walk(found.tree):
        if isinstance(node, ast.Call) and (
            called_name(node) == "Approved" or dotted(node.func).endswith("Approved.__new__")
        ):
            problems.append(at(found, node, "only the gate constructs Approved"))
        if isinstance(node, ast.alias) and node.name == "Approved" and node.asname not in {None, "Approved"}:
            problems.append(at(found, node, "Approved keeps its name"))
        if isinstance(node, ast.Assign) and dotted(node.value).split(".")[-1] == "Approved":
            problems.append(at(found, node, "Approved keeps its name"))
    return problems


def impurities(found: Module) -> list[str]:
    """Clocks and impure builtins in a pure room, and comments that would silence ruff's bans there."""
    if not found.path.startswith(PURE_ROOMS):
        return []
    problems = [
        f"{found.path}:{number}: a pure room's bans are not silenced"
        for number, line in enumerate(found.text.splitlines(), start=1)
        if "noqa" in line and "TID251" in line
    ]
    for node in ast.walk(found.tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in IMPURE_BUILTINS or name in CLOCKS:
                problems.append(at(found, node, f"{name}() in a pure room"))
    return problems


def owns_supervision(found: Module) -> bool:
    """The supervisor, as long as its docstring says that it is."""
    return found.path == SUPERVISOR and "supervis" in (ast.get_docstring(found.tree) or "").lower()


def broad_excepts(found: Module) -> list[str]:
    """`except:`, `except Exception`, `except BaseException` and suppress(Exception) outside the supervisor."""
    if owns_supervision(found):
        return []
    problems = []
    for node in ast.walk(found.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or dotted(kind) in BROAD for kind in caught):
                problems.append(at(found, node, "a broad except stands only in the supervisor"))
        if (
            isinstance(node, ast.Call)
            and called_name(node) == "suppress"
            and BROAD & {dotted(kind) for kind in node.args}
        ):
            problems.append(at(found, node, "a broad suppress stands only in the supervisor"))
    return problems


def client_id_fetches(found: Module) -> list[str]:
    """Calls of ccxt's fetch_order that ask by our client id: it takes the venue's id only and answers "not found"."""
    problems = []
    for node in ast.walk(found.tree):
        if isinstance(node, ast.Call) and called_name(node) in {"fetch_order", "fetchOrder"}:
            words = " ".join(
                ast.unparse(part).lower() for part in (*node.args, *(word.value for word in node.keywords))
            )
            keywords = " ".join((word.arg or "").lower() for word in node.keywords)
            if any(mark in f"{words} {keywords}" for mark in ("client", "orderlinkid")):
                problems.append(at(found, node, "fetch_order is not asked by client id: query open and closed orders"))
    return problems


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0


def _retry_settings(node: ast.AST) -> Iterable[tuple[object, ast.expr]]:
    """Name and value of everything that a node sets: dictionary entries, keywords, attributes, subscripts."""
    match node:
        case ast.Dict(keys=keys, values=values):
            yield from (
                (key.value, value) for key, value in zip(keys, values, strict=True) if isinstance(key, ast.Constant)
            )
        case ast.keyword(arg=str(name), value=value):
            yield name, value
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                match target:
                    case ast.Attribute(attr=attr):
                        yield attr, value
                    case ast.Subscript(slice=ast.Constant(value=key)):
                        yield key, value
                    case _:
                        pass
        case _:
            pass


def retries(found: Module) -> list[str]:
    """Any setting of ccxt's own retry above 0, and any import of a retry library."""
    problems = []
    for node in ast.walk(found.tree):
        if any(name == "maxRetriesOnFailure" and not _is_zero(value) for name, value in _retry_settings(node)):
            problems.append(f"{found.path}: ccxt may not retry: maxRetriesOnFailure is 0")
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        problems += [f"{found.path}: imports {name}" for name in names if name.split(".")[0] in RETRY_LIBRARIES]
    return problems


Rule = Callable[[Module], list[str]]

RULES: list[Rule] = [approvals, impurities, broad_excepts, client_id_fetches, retries]


@pytest.mark.parametrize(
    "rule", RULES, ids=["approvals", "impurities", "broad_excepts", "client_id_fetches", "retries"]
)
def test_the_product_keeps(rule: Rule) -> None:
    problems = [problem for found in product() for problem in rule(found)]
    assert not problems, "\n".join(problems)


def test_no_retry_library_is_installed_with_the_product() -> None:
    names = {line.split("==")[0] for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines()}
    assert names.isdisjoint(RETRY_LIBRARIES)


def test_the_strategy_protocol_imports_no_engine() -> None:
    import grimp

    graph = grimp.build_graph("hedgebot", "strategies", cache_dir=None)
    protocol = "hedgebot.core.strategy"
    if protocol in graph.modules and "hedgebot.core.engine" in graph.modules:
        assert graph.find_shortest_chain(protocol, "hedgebot.core.engine") is None


BAD: list[tuple[Rule, str, str]] = [
    (approvals, "hedgebot/core/policy.py", "x = Approved(intent=i)"),
    (approvals, "hedgebot/venues/a.py", "x = orders.Approved(intent=i)"),
    (approvals, "hedgebot/venues/a.py", "x = Approved.__new__(Approved)"),
    (approvals, "strategies/a.py", "from hedgebot.domain.orders import Approved as Ok"),
    (approvals, "strategies/a.py", "Ok = Approved"),
    (impurities, "hedgebot/core/a.py", "x = datetime.now(UTC)"),
    (impurities, "hedgebot/turn/a.py", "x = time.time()"),
    (impurities, "strategies/a.py", "x = hash(name)"),
    (impurities, "hedgebot/margin/a.py", "x = open(name)"),
    (impurities, "hedgebot/pricing/a.py", "import time  # noqa: TID251"),
    (broad_excepts, "hedgebot/venues/a.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (broad_excepts, "hedgebot/venues/a.py", "try:\n    f()\nexcept:\n    pass"),
    (broad_excepts, "hedgebot/venues/a.py", "try:\n    f()\nexcept (KeyError, BaseException):\n    pass"),
    (broad_excepts, "hedgebot/venues/a.py", "with suppress(Exception):\n    f()"),
    (broad_excepts, SUPERVISOR, '"""Other things."""\ntry:\n    f()\nexcept Exception:\n    pass'),
    (client_id_fetches, "hedgebot/venues/a.py", "await x.fetch_order(client_id, symbol)"),
    (client_id_fetches, "hedgebot/venues/a.py", "await x.fetch_order(None, s, params={'orderLinkId': i})"),
    (client_id_fetches, "hedgebot/venues/a.py", "await x.fetch_order(None, s, {'clientOrderId': i})"),
    (retries, "hedgebot/venues/a.py", "options = {'maxRetriesOnFailure': 3}"),
    (retries, "hedgebot/venues/a.py", "client.options['maxRetriesOnFailure'] = n"),
    (retries, "hedgebot/venues/a.py", "configure(maxRetriesOnFailure=1)"),
    (retries, "hedgebot/venues/a.py", "from tenacity import retry"),
    (retries, "hedgebot/venues/a.py", "import backoff"),
]

GOOD: list[tuple[Rule, str, str]] = [
    (approvals, "hedgebot/core/gate.py", "x = Approved(intent=i)"),
    (approvals, "hedgebot/core/gate/rules.py", "x = Approved(intent=i)"),
    (approvals, "hedgebot/journal/codec.py", "x: Approved = decode(raw, type=Approved)"),
    (impurities, "hedgebot/daemon/a.py", "x = time.time()"),
    (impurities, "hedgebot/core/a.py", "x = event.at_ns"),
    (broad_excepts, SUPERVISOR, '"""Supervises tasks."""\ntry:\n    f()\nexcept Exception:\n    pass'),
    (broad_excepts, "hedgebot/venues/a.py", "try:\n    f()\nexcept (KeyError, OSError):\n    pass"),
    (client_id_fetches, "hedgebot/venues/a.py", "await x.fetch_order(venue_order_id, symbol)"),
    (retries, "hedgebot/venues/a.py", "options = {'maxRetriesOnFailure': 0}"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_a_breach_is_found(rule: Rule, path: str, text: str) -> None:
    assert rule(module(path, text))


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_what_is_allowed_passes(rule: Rule, path: str, text: str) -> None:
    assert rule(module(path, text)) == []
