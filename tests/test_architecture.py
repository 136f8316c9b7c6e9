"""The rules of the house, checked on the imports: pure rooms, directions, no cycles, file and function
length.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import r53lite

PACKAGE = Path(r53lite.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
SHELL = (  # every other module is pure
    "r53lite.cli",
    "r53lite.config.loader",
    "r53lite.config.text_file",
    "r53lite.config.yaml_file",
    "r53lite.health.scheduler",
    "r53lite.health.probes",
    "r53lite.resolver.upstream",
    "r53lite.answering.recursive",
    "r53lite.answering.handover",
    "r53lite.answering.dispatch",
    "r53lite.answering.seeded",
    "r53lite.server",
    "r53lite.control.registry",
    "r53lite.control.listing",
    "r53lite.control.zone_files",
    "r53lite.control.location_files",
    "r53lite.control.freeing",
    "r53lite.control.kept_files",
    "r53lite.control.quiet",
    "r53lite.control.stamps",
    "r53lite.api",
    "r53lite.lab",
    "r53lite.telemetry",
    "r53lite.system_errors",
)
IMPURE_LIBRARIES = frozenset(
    [
        "aiohttp",
        "asyncio",
        "asyncio_dgram",
        "logging",
        "os",
        "pathlib",
        "random",
        "secrets",
        "select",
        "signal",
        "socket",
        "subprocess",
        "sys",
        "threading",
        "time",
        "yaml",
    ]
)
FORBIDDEN = [  # (a module of this room, may not import from this one)
    (
        "r53lite.dns",
        (
            "zone",
            "routing",
            "health",
            "resolver",
            "answering",
            "server",
            "control",
            "api",
            "lab",
            "config",
            "cli",
        ),
    ),
    (
        "r53lite.zone",
        ("routing", "health", "resolver", "answering", "server", "control", "api", "lab", "config", "cli"),
    ),
    (
        "r53lite.routing",
        ("health", "resolver", "answering", "server", "control", "api", "lab", "config", "cli"),
    ),
    (
        "r53lite.resolver",
        ("zone", "routing", "health", "answering", "server", "control", "api", "lab", "config", "cli"),
    ),
    (
        "r53lite.health",
        ("zone", "routing", "resolver", "answering", "server", "control", "api", "lab", "cli"),
    ),
    ("r53lite.answering", ("server", "api", "lab", "cli")),
    ("r53lite.control", ("answering", "server", "api", "lab", "cli")),
    ("r53lite.api", ("server", "lab", "cli")),
    ("r53lite.server", ("lab", "cli")),
]
MAX_FILE_LINES = 400
MAX_BODY_LINES = 40  # of a function, without its signature and docstring
# One loop over locals: calls in it would double the time of a load.
LONG_FUNCTIONS = {"r53lite.zone.fast_lane.take"}


def is_pure(module: str) -> bool:
    """Say whether a module belongs to the inner ring."""
    return not any(module == shell or module.startswith(f"{shell}.") for shell in SHELL)


def imports_of(module: str) -> set[str]:
    """Return every module that a module imports at run time, wherever in the file."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(
                f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in MODULES else node.module
                for alias in node.names
            )
    return found


@pytest.mark.parametrize("module", sorted(filter(is_pure, MODULES)))
def test_a_pure_module_imports_no_clock_chance_socket_or_file(module: str) -> None:
    imports = imports_of(module)
    assert not {name.split(".")[0] for name in imports} & IMPURE_LIBRARIES
    assert not {name for name in imports if name in MODULES and not is_pure(name)}


@pytest.mark.parametrize("module", sorted(filter(is_pure, MODULES)))
def test_a_pure_module_has_no_async_code(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]


@pytest.mark.parametrize(("room", "others"), FORBIDDEN)
def test_rooms_import_in_one_direction(room: str, others: tuple[str, ...]) -> None:
    breaches = {
        (module, name)
        for module in MODULES
        if module == room or module.startswith(f"{room}.")
        for name in imports_of(module)
        if name.startswith(tuple(f"r53lite.{other}" for other in others))
    }
    assert not breaches


def test_nothing_imports_the_composition_root_but_commands_and_the_lab() -> None:
    importers = {module for module in MODULES if "r53lite.server.runtime" in imports_of(module)}
    assert all(module.startswith(("r53lite.cli.", "r53lite.lab.")) for module in importers)


def test_imports_have_no_cycle() -> None:
    graph = {module: imports_of(module) & MODULES.keys() for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"import cycle: {' → '.join((*path, module))}"
        if module not in done:
            for imported in graph[module]:
                visit(imported, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_file_stays_readable(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES
    assert ast.get_docstring(ast.parse(text)), "a module opens with the question it answers"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            is_long = bool(body) and (node.end_lineno or 0) - body[0].lineno >= MAX_BODY_LINES
            assert is_long == (f"{module}.{node.name}" in LONG_FUNCTIONS), node.name


@pytest.mark.parametrize("module", sorted(MODULES))
def test_only_a_boundary_catches_everything(module: str) -> None:
    boundaries = {
        "r53lite.answering.dispatch",
        "r53lite.control.registry",
        "r53lite.health.scheduler",
        "r53lite.api.http",
        "r53lite.server.targets",
    }
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    broad = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and node.type is not None
        and ast.unparse(node.type) == "Exception"
    ]
    assert not broad or module in boundaries
