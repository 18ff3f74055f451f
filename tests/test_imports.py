"""Imports run one way, down the list of rooms in docs/engine.md."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A room may import from itself and from the rooms above it.
ROOMS = [
    "verifier.errors",
    "lattices",
    "verifier.tree",
    "verifier.frontend",
    "verifier.ir",
    "verifier.store",
    "verifier.findings",
    "verifier.flow",
    "verifier.program",
    "verifier.verify",
    "verifier.certificates",
    "verifier.gate",
    "verifier.modules",
    "verifier.coverage",
    "verifier.cli",
]
# Programs and oracles make one engine: oracles judge what the program's engine meets on the way.
SAME = {"verifier.oracles": "verifier.program"}
# The front ends produce the IR and import its shapes.
ALSO = {
    "verifier.tree": {"verifier.store"},
    "verifier.frontend": {"verifier.ir", "verifier.store"},
    "reports": {"verifier", "verifier.errors", "verifier.findings"},
}
NOTHING = {"lattices", "verifier.errors", "verifier.ir"}  # import nothing of ours but themselves


def room(module):
    for name in sorted([*ROOMS, *SAME, "reports"], key=len, reverse=True):
        if module == name or module.startswith(name + "."):
            return SAME.get(name, name)
    return module


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                known = (ROOT / full.replace(".", "/")).exists() or (ROOT / f"{full.replace('.', '/')}.py").exists()
                yield (full if known else node.module), node.lineno


def allowed(own, other):
    if own == other or own == "verifier.cli" or other in ALSO.get(own, ()):
        return True
    if other == "verifier" or other == "verifier.errors":
        return own not in NOTHING
    if own in NOTHING or own == "reports" or other == "reports" or own not in ROOMS:
        return False
    return other in ROOMS and ROOMS.index(other) < ROOMS.index(own)


FILES = sorted(p for top in ("verifier", "lattices", "reports") for p in (ROOT / top).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_run_one_way(path):
    module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    own = room(module)
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {own} imports {name}"
        for name, line in imports(path)
        if name.split(".")[0] in ("verifier", "lattices", "reports") and not allowed(own, room(name))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_solver_knows_neither_c_nor_rules():
    for path in (ROOT / "verifier" / "flow").rglob("*.py"):
        assert not any(name.startswith(("lattices", "verifier.frontend")) for name, _ in imports(path)), path


def test_the_checker_of_certificates_shares_nothing_with_the_solver():
    """Not even through what it imports: the modules that a check of certificates loads hold no solver."""
    script = (
        "import sys, verifier.verify.check, verifier.program.linked\n"
        "print([m for m in sys.modules if m.startswith(('verifier.flow', 'verifier.oracles', 'verifier.program.engine',"
        " 'verifier.certificates'))])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"
