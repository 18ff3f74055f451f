"""Enforcing sites: the calls of checks in the analysed program.

For LSM hooks a site is any call of a `security_*` function that returns int, whatever the pack says of it, so that
none can be left out of the count (a driver's own static function of such a name is no hook); for the other families a
call of a check that the pack declares.  `security/` holds the modules that implement the hooks, so calls of hooks in
there are no sites.
"""

from __future__ import annotations

import msgspec

from lattices.model import Pack
from verifier.program.analyse import Analysis
from verifier.program.link import Program

FAMILIES = ("lsm", "capability", "dac", "lockdown")
MODULES = "security/"


class Site(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One call of a check; `block` and `index` are its place in the body of `fid`."""

    file: str
    line: int
    check: str
    function: str
    block: int
    index: int
    family: str
    fid: str


class Checks:
    """Which names are checks of a program, and their families."""

    def __init__(self, program: Program, pack: Pack) -> None:
        self.program = program
        self.pack = pack
        self.known: dict[tuple[str, str | None], str | None] = {}

    def family(self, unit: str, name: str) -> str | None:
        """The family of a check, None for what is no check or returns nothing that could decide."""
        if not name.startswith("security_") and name not in self.pack.checks:
            return None
        fid = self.program.resolve(unit, name)
        key = (name, fid)
        if key not in self.known:
            self.known[key] = self._family(name, fid)
        return self.known[key]

    def _family(self, name: str, fid: str | None) -> str | None:
        hook = name.startswith("security_")
        check = self.pack.check(name)
        assert check is not None
        if check.family not in FAMILIES or (check.allow == "none" and not hook):
            return None
        if hook:
            if fid is not None:
                own = self.program.functions[fid].index
                namesake = own.static and own.file.endswith(".c") and not own.file.startswith(MODULES)
                return check.family if own.returns == "int" and not namesake else None
            if check.allow == "none":
                return None  # without a body only the pack can tell, and it says that nothing is decided
        return check.family


def find_sites(base: Analysis) -> list[Site]:
    """All sites of a program in the order of file, line and check."""
    checks = Checks(base.program, base.pack)
    out: list[Site] = []
    for fid, info in sorted(base.program.functions.items()):
        families = {name: checks.family(info.unit, name) for name in info.index.calls}
        wanted = {
            name: family for name, family in families.items()
            if family is not None and not (family == "lsm" and info.index.file.startswith(MODULES))
        }  # fmt: skip
        body = base.bodies.body(info) if wanted else None
        if body is None:
            continue
        for number, block in enumerate(body.blocks):
            for index, s in enumerate(block.statements):
                callee = body.exprs[s[2]] if s[0] == "call" else None
                if callee is not None and callee[0] == "f" and callee[1] in wanted:
                    name = callee[1]
                    out.append(Site(body.file, s[-1], name, body.name, number, index, wanted[name] or "", fid))
    return sorted(out)
