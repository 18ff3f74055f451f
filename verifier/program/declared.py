"""What tables and registrations declare about who may call a handler: flags, message types, modes of files.

The facts are rule data (`[[privilege]]`).  Members of a table entry that lie deeper than the handler, and arguments of
registering calls, are read from the unit's IR when somebody asks about one handler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lattices import expressions
from lattices.expressions import Expr
from lattices.model import Pack, Privilege
from verifier.ir.model import Unit, decode
from verifier.program.doors import Doors
from verifier.program.link import Program
from verifier.program.way import NOTHING, Tokens, met

OTHERS = {"read": 0o004, "write": 0o002, "any": 0o006}
Constants = dict[str, int]


class Declared:
    """Answers for one program; `fetch` gives a unit's stored bytes (None: only what the linked program itself knows)."""

    def __init__(self, program: Program, doors: Doors, pack: Pack, fetch: Callable[[str], bytes | None] | None = None) -> None:
        self.program = program
        self.doors = doors
        self.fetch = fetch
        self.of_slot: dict[str, list[Privilege]] = {}
        self.of_door: dict[str, Tokens] = {}
        for privilege in pack.declared.values():
            for slot in privilege.slots:
                self.of_slot.setdefault(slot, []).append(privilege)
            if privilege.door:
                self.of_door[privilege.door] = frozenset(((privilege.capability, privilege.namespace),))
        self._units: dict[str, Unit | None] = {}
        self._entered: dict[tuple[str, str], Tokens] = {}

    def door(self, fid: str) -> Tokens:
        """What is asked of everybody who comes in at a door."""
        found = self.doors.entries.get(fid)
        return self.of_door.get(found.name, NOTHING) if found is not None else NOTHING

    def entered(self, slot: str, fid: str) -> Tokens:
        """What is asked of everybody who comes to a function through a slot."""
        wanted = self.of_slot.get(slot)
        if not wanted:
            return NOTHING
        key = (slot, fid)
        if key not in self._entered:
            out: set[tuple[str, str]] = set()
            for privilege in wanted:
                out |= self._asked(privilege, slot, fid)
            self._entered[key] = frozenset(out)
        return self._entered[key]

    def name(self, slot: str, fid: str) -> str:
        """The name of the first privilege that is asked of everybody who comes to a function through a slot, or ""."""
        return next((p.name for p in self.of_slot.get(slot, ()) if self._asked(p, slot, fid)), "")

    def _asked(self, privilege: Privilege, slot: str, fid: str) -> Tokens:
        """What one privilege asks for: what all places that declare the handler have in common."""
        asked = frozenset(((privilege.capability, privilege.namespace),))
        out: Tokens | None = None
        for constants in self._places(privilege, slot, fid):
            here = asked if holds(privilege, constants) else NOTHING
            out = met(out, here)
        return out if out is not None else NOTHING

    def _places(self, privilege: Privilege, slot: str, fid: str) -> list[Constants]:
        """The constants beside the handler, once for each place that declares it."""
        near = [dict(t.constants) for t in self.program.targets(slot) if t.fid == fid]
        unit = self._unit(fid) if privilege.registrars or "." in privilege.mode else None
        if unit is None:
            return [] if privilege.registrars or "." in privilege.mode else near
        name = self.program.functions[fid].index.name
        tables = [(g, access) for g in unit.globals for access, value in g.entries if value == ("f", name) and access and access[-1] == slot]
        if not privilege.registrars:
            return [_below(g.entries, access[:-1]) for g, access in tables]
        holders = {g.name for g, _ in tables}
        calls = [found for call in privilege.registrars for found in _registrations(unit, call, name, holders)]
        names = {*(expressions.names(privilege.when) if privilege.when is not None else ()), privilege.mode}
        return calls if calls else [c for c in near if names & c.keys()]

    def _unit(self, fid: str) -> Unit | None:
        if self.fetch is None:
            return None
        key = self.program.functions[fid].unit
        if key not in self._units:
            data = self.fetch(key)
            self._units[key] = decode(data) if data is not None else None
        return self._units[key]


def _below(entries: list[tuple[list[Any], tuple[Any, ...]]], prefix: list[Any]) -> Constants:
    """Constants of one element of a table by their members' names, `attr.mode` for those of members."""
    out: Constants = {}
    for access, value in entries:
        if value[0] == "c" and access[: len(prefix)] == prefix:
            names = [str(part).rpartition(".")[2] for part in access[len(prefix) :]]
            out[".".join(names)] = value[1]
    return out


def _registrations(unit: Unit, call: Expr, handler: str, tables: set[str]) -> list[Constants]:
    """The named constants of the calls of a registering function that hand over the handler or its table."""
    _, name, parameters = call
    out = []
    for fn in unit.functions:
        for block in fn.blocks:
            for s in block.statements:
                if s[0] != "call" or fn.exprs[s[2]] != ("f", name):
                    continue
                constants: Constants = {}
                hands = False
                for parameter, argument in zip(parameters, s[3], strict=False):
                    e = fn.exprs[argument]
                    if parameter == ("name", "handler"):
                        hands = e == ("f", handler)
                    elif parameter == ("name", "table"):
                        hands = e[0] == "a" and fn.exprs[e[1]][0] == "g" and fn.exprs[e[1]][1] in tables
                    elif parameter[0] == "name" and e[0] == "c":
                        constants[parameter[1]] = e[1]
                if hands:
                    out.append(constants)
    return out


def holds(privilege: Privilege, constants: Constants) -> bool:
    """Whether a privilege is asked for at a place with these constants; a file without a known mode asks for nothing."""
    if privilege.when is not None and not evaluate(privilege.when, constants):
        return False
    if privilege.mode:
        mode = constants.get(privilege.mode)
        return mode is not None and not mode & OTHERS[privilege.access]
    return True


def evaluate(expression: Expr, constants: Constants) -> int:
    """A condition over constants, 0 for those that are not written; ValueError for what is no such condition."""
    op = expression[0]
    if op == "int":
        return int(expression[1])
    if op == "name":
        return constants.get(expression[1], 0)
    if op in ("and", "or"):
        left = evaluate(expression[1], constants)
        return evaluate(expression[2], constants) if bool(left) == (op == "and") else left
    if op == "not":
        return int(not evaluate(expression[1], constants))
    if op == "bin" and expression[1] in ("&", "|", "==", "!="):
        a, b = (evaluate(part, constants) for part in expression[2:])
        return {"&": a & b, "|": a | b, "==": int(a == b), "!=": int(a != b)}[expression[1]]
    raise ValueError(f"{op} is no part of a condition over constants")
