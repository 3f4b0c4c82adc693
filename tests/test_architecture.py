"""The law of the house: imports go down the page, never up, never between islands; and the pure core stays pure.

It reads the sources and imports nothing of them.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The harbour's storeys, from the floor up. A module may import from its own storey and from those below it.
STOREYS: tuple[tuple[str, ...], ...] = (
    ("", "config", "errors", "pairs"),
    ("db", "embedded", "calendar_seed"),
    ("store", "predictor", "live", "vault", "stream", "shelf"),
    ("desk",),  # the ports in one hand, as every use case gets them
    ("tickets", "experience", "models", "alarms", "contacts", "inbox", "office", "register", "auth", "exchange"),
    (
        "calls",
        "pictures",
        "advice",
        "drafts",
        "knowledge",
        "bulk",
        "presence",
        "people",
        "learning",
        "cards",
        "calendars",
        "reports",
        "supervision",
    ),  # use tickets
    ("citizens", "casefile", "changes"),  # made of cards, drafts and tickets
    ("edge",),  # what pages and JSON have in common
    ("web", "api", "notify", "worker", "guard", "metrics"),
    ("app",),
    ("serving",),  # commands that run what app builds
    ("simulation", "bench", "bench_watch", "bench_suggest", "bench_city", "bench_pages", "demo", "telephone"),
    ("cli",),
    ("handbook",),  # writes the generated parts of docs, the commands among them
    ("__main__",),
)
# Each island with the only modules of the harbour that may set foot on it; the language of the house is for all.
LANDINGS = {
    "dispatch": None,
    "classifier": {"hotline.predictor"},
    "sql": {"hotline.store", "hotline.db"},
}
# What an island may use beside the standard library.
THIRD_PARTIES = {
    "dispatch": set[str](),
    "sql": set[str](),
    "classifier": {"ahocorasick_rs", "jieba", "joblib", "numpy", "rjieba", "scipy", "sklearn", "threadpoolctl"},
}
OURS = {"hotline", "classifier", "dispatch", "sql"}

# The pure core is told the time and is given its input; anything that could ask for either is refused.
NOT_IN_DISPATCH = {
    "asyncio",
    "concurrent",
    "http",
    "importlib",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
CALLS_NOT_IN_DISPATCH = {"open", "print", "input", "exec", "eval", "__import__"}
METHODS_NOT_IN_DISPATCH = {"now", "utcnow", "today"}

LONGEST_FUNCTION = 60
# Longer functions, each with its reason.
LONG_FUNCTIONS: dict[str, str] = {}


@dataclass(frozen=True)
class Module:
    """One source file under its dotted name."""

    name: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    @property
    def room(self) -> str:
        return room(self.name)

    def imports(self) -> Iterator[str]:
        """Yield every imported name in full, also those inside functions and under TYPE_CHECKING."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Import(names=names):
                    yield from (alias.name for alias in names)
                case ast.ImportFrom(module=str(module), names=names, level=0):
                    yield from (f"{module}.{alias.name}" for alias in names)
                case ast.ImportFrom():
                    pytest.fail(f"{self.name} has a relative import: a name has one address")

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        yield from (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def read(file: Path) -> Module:
    name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return Module(name, ast.parse(file.read_text("utf-8")))


FILES = sorted(file for package in OURS for file in (ROOT / package).rglob("*.py"))
MODULES = [read(file) for file in FILES]
every_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


def top(imported: str) -> str:
    return imported.partition(".")[0]


def room(name: str) -> str:
    """Return what STOREYS calls it: `hotline.web.forms` is in `web`, `hotline` itself in ``."""
    return name.partition(".")[2].partition(".")[0]


def storey(place: str) -> int:
    for level, places in enumerate(STOREYS):
        if place in places:
            return level
    pytest.fail(f"hotline.{place} is in no storey: give it its place in STOREYS, as low as it can live")


def trespasses(module: Module) -> list[str]:
    """Return the imports of `module` that break the law."""
    found = []
    for name in module.imports():
        island = top(name)
        landing = LANDINGS.get(island)
        if module.package == "hotline":
            if landing is not None and module.name not in landing:
                found.append(f"{name}: only {', '.join(sorted(landing))} may")
            if island == "hotline" and storey(room(name)) > storey(module.room):
                found.append(f"{name} is above {module.name}")
        elif island in OURS - {module.package}:
            found.append(f"{name} is not of this island")
        elif island not in THIRD_PARTIES[module.package] | sys.stdlib_module_names | {module.package, "__future__"}:
            found.append(f"{name} is no third party of {module.package}")
    return found


def impurities(module: Module) -> list[str]:
    """Return what gives `module` a clock, chance or the world."""
    found = [name for name in module.imports() if top(name) in NOT_IN_DISPATCH]
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in CALLS_NOT_IN_DISPATCH:
                found.append(f"line {node.lineno}: {name}()")
            case ast.Attribute(attr=name) if name in METHODS_NOT_IN_DISPATCH:
                found.append(f"line {node.lineno}: .{name}")
            case ast.AsyncFunctionDef() | ast.Await():
                found.append(f"line {node.lineno}: asynchronous")
    return found


@every_module
def test_imports_go_down_and_never_up_nor_between_islands(module: Module) -> None:
    assert trespasses(module) == []


@pytest.mark.parametrize("module", [module for module in MODULES if module.package == "dispatch"], ids=lambda m: m.name)
def test_the_pure_core_has_no_clock_no_chance_and_no_world(module: Module) -> None:
    assert impurities(module) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("dispatch.routing", "import hotline.store"),
        ("dispatch.routing", "from classifier import predict"),  # between islands
        ("sql.loader", "import dispatch.model"),
        ("classifier.train", "from sql import loader"),
        ("dispatch.routing", "import numpy"),  # the standard library only
        ("classifier.train", "import aiohttp"),
        ("hotline.web.forms", "from classifier.predict import Model"),  # only through the predictor
        ("hotline.tickets", "from sql import loader"),  # only through the store
        ("hotline.store", "from hotline import tickets"),  # up
        ("hotline.tickets", "def f():\n    from hotline.web import words"),  # up, hidden in a function
        ("hotline.config", "from hotline import db"),
    ],
)
def test_the_law_catches_a_trespass(name: str, source: str) -> None:
    assert trespasses(Module(name, ast.parse(source)))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("hotline.web.forms", "from dispatch.model import Ticket"),  # the language of the house
        ("hotline.predictor", "from classifier import predict"),
        ("hotline.cli", "from hotline.app import build"),
        ("hotline.api.tickets", "from hotline.web import words"),  # beside it
    ],
)
def test_the_law_lets_pass_what_goes_down(name: str, source: str) -> None:
    assert not trespasses(Module(name, ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from datetime import datetime\ndatetime.now()",
        "clock = datetime.date.today",
        "print(1)",
        "async def f(): ...",
    ],
)
def test_the_law_catches_an_impurity(source: str) -> None:
    assert impurities(Module("dispatch.routing", ast.parse(source)))


@every_module
def test_every_module_says_what_it_is_for(module: Module) -> None:
    assert ast.get_docstring(module.tree), f"{module.name} has no docstring"


@pytest.mark.parametrize("file", [file for file in FILES if file.name == "__init__.py"], ids=lambda f: f.parent.name)
def test_a_package_holds_a_docstring_and_no_re_exports(file: Path) -> None:
    (only,) = read(file).tree.body

    assert isinstance(only, ast.Expr)


@pytest.mark.parametrize("package", sorted(OURS))
def test_every_folder_with_code_is_a_package(package: str) -> None:
    folders = {file.parent for file in FILES if file.is_relative_to(ROOT / package)}

    assert all((folder / "__init__.py").exists() for folder in folders)


@every_module
def test_no_function_is_longer_than_a_screen_without_a_reason(module: Module) -> None:
    for function in module.functions():
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        name = f"{module.name}.{function.name}"
        assert length <= LONGEST_FUNCTION or name in LONG_FUNCTIONS, f"{name} has {length} lines"


def test_a_long_function_that_was_shortened_leaves_the_list() -> None:
    long = {
        f"{module.name}.{function.name}"
        for module in MODULES
        for function in module.functions()
        if (function.end_lineno or function.lineno) - function.lineno + 1 > LONGEST_FUNCTION
    }

    assert set(LONG_FUNCTIONS) == long
