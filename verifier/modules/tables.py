"""Which module implements which LSM hook, by what the parsed program says: the entries of the modules' hook tables.

A table is an array of `struct security_hook_list` that a call of security_add_hooks() registers for a module; entries
that the configuration leaves out are not in the parsed program.  Before 6.9 IMA and EVM have no tables: security.c calls
them, and a module is named after the folder of what it calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from verifier.ir.model import Function, Unit, decode
from verifier.modules.hookdefs import CALLS
from verifier.program.index import index_function

FOLDER = "security"
SLOT = "security_list_options."
STUB = "bpf_lsm_"  # BPF LSM fills every hook with a function of this name, which allows until a program is attached
DEEP = 4

_MARK = re.compile(r"\bLSM_HOOK_INIT\b|\bDEFINE_(?:EARLY_)?LSM\b|\bsecurity_add_hooks\b|\bstruct lsm_id\b|\bstruct lsm_info\b")
_DEFINED = re.compile(r"^(?!static\b)[A-Za-z_][\w \t*]*?\b(\w+)\(", re.MULTILINE)
_CALLED = re.compile(r"\b(\w+)\s*\(")


class Module(msgspec.Struct, omit_defaults=True):
    """One module: hooks that it implements, those that something may be attached to, those that security.c calls it for.

    `always` says that it is active whatever the boot parameter `lsm=` names.  `called` hooks are among `hooks`.
    """

    hooks: list[str]
    attachable: list[str] = []
    called: list[str] = []
    always: bool = False


class _Found(msgspec.Struct):
    hooks: set[str]
    attachable: set[str]
    called: set[str]
    always: bool = False


def relevant(root: str, files: Iterable[str]) -> tuple[str, ...]:
    """Of a tree's units those below security/ that can say something about modules, by their text; sorted."""
    texts = {}
    for file in sorted(set(files)):
        if file.startswith(f"{FOLDER}/"):
            texts[file] = (Path(root) / file).read_text("utf-8", "replace")
    called = set(_CALLED.findall(texts.get(CALLS, "")))
    return tuple(
        file
        for file, text in texts.items()
        if file == CALLS or _MARK.search(text) or called & set(_DEFINED.findall(text))
    )  # fmt: skip


def read_units(records: Iterable[Any], get: Callable[[str, str], bytes | None]) -> list[Unit]:
    """The parsed units below security/ of front end records; `get(kind, key)` is the store's."""
    units = []
    for record in records:
        if record.file.startswith(f"{FOLDER}/") and record.status != "lost":
            blob = get("unit", record.key)
            if blob is not None:
                units.append(decode(blob))
    return sorted(units, key=lambda unit: unit.file)


def read_modules(units: list[Unit]) -> dict[str, Module]:
    """Modules by name, sorted; hooks by name, sorted.  Raises LookupError for a table whose module nothing tells."""
    program = _Program(units)
    found: dict[str, _Found] = {}

    def module(name: str) -> _Found:
        return found.setdefault(name, _Found(set(), set(), set()))

    for name, always in program.declared():
        module(name).always |= always
    for table, name in program.registered():
        for hook, function in table:
            into = module(name).attachable if function.startswith(STUB) else module(name).hooks
            into.add(hook)
    for hook, name in program.called():
        module(name).hooks.add(hook)
        module(name).called.add(hook)
        module(name).always = True
    return {
        name: Module(sorted(m.hooks), sorted(m.attachable - m.hooks), sorted(m.called), m.always)
        for name, m in sorted(found.items())
    }


class _Program:
    """The units of security/, with what their names mean."""

    def __init__(self, units: list[Unit]) -> None:
        self.units = units
        self.external: dict[str, Any] = {}
        self.own: dict[tuple[str, str], Any] = {}
        self.calls: dict[str, list[tuple[Unit, Function, tuple]]] = {}
        for unit in units:
            for item in unit.globals:
                self.own[unit.file, item.name] = item
                if not item.static:
                    self.external[item.name] = item
            for fn in unit.functions:
                for callee, statement in _direct_calls(fn):
                    self.calls.setdefault(callee, []).append((unit, fn, statement))

    def declared(self) -> Iterator[tuple[str, bool]]:
        """Names of DEFINE_LSM, and whether the module is active in any case: first, last, or early."""
        for unit in self.units:
            for item in unit.globals:
                values = {access[-1]: value for access, value in item.entries if access}
                name = values.get("lsm_info.name")
                if name is not None and name[0] == "s":
                    order = values.get("lsm_info.order", ("c", 0))
                    yield name[1], order[1] != 0 or item.name.startswith("__early_lsm_")

    def registered(self) -> Iterator[tuple[list[tuple[str, str]], str]]:
        """(table, module) of each registration; a table is its (hook, function) entries."""
        for unit, fn, statement in self.calls.get("security_add_hooks", []):
            arguments = statement[3]
            table = self._global(unit, fn, arguments[0])
            entries = [
                (access[-1].removeprefix(SLOT), value[1])
                for access, value in (table.entries if table is not None else ())
                if access and isinstance(access[-1], str) and access[-1].startswith(SLOT) and value[0] == "f"
            ]
            names = self._names(unit, fn, arguments[2], DEEP)
            if entries and not names:
                raise LookupError(f"{unit.file}:{statement[-1]}: {fn.name} registers hooks for a module that nothing names")
            for name in names:
                yield entries, name

    def called(self) -> Iterator[tuple[str, str]]:
        """(hook, module) of what the functions of security.c call in a folder below security/."""
        homes = {
            fn.name: fn.file.split("/")[-2]
            for unit in self.units
            for fn in unit.functions
            if not fn.static and fn.file == unit.file and fn.file.count("/") > 1
        }
        for unit in self.units:
            for fn in unit.functions if unit.file == CALLS else ():
                index = index_function(fn)
                hooks = {slot.removeprefix(SLOT) for slot, _ in index.slots if slot.startswith(SLOT)}
                for callee in index.calls:
                    if fn.name.startswith("security_") and callee in homes:
                        yield from ((hook, homes[callee]) for hook in sorted(hooks))

    def _global(self, unit: Unit, fn: Function, index: int) -> Any:
        expr = fn.exprs[index]
        while expr[0] in ("a", "i", "d"):
            expr = fn.exprs[expr[1]]
        if expr[0] != "g":
            return None
        return self.own.get((unit.file, expr[1])) or self.external.get(expr[1])

    def _names(self, unit: Unit, fn: Function, index: int, deep: int) -> list[str]:
        """The module names that an argument may stand for: a text, a struct lsm_id, or what callers hand on."""
        expr = fn.exprs[index]
        if expr[0] == "s":
            return [expr[1]]
        if expr[0] == "v":
            place = next((n for n, param in enumerate(fn.params) if param.name == expr[1]), None)
            if place is None or not deep:
                return []
            found = [
                name
                for other, caller, statement in self.calls.get(fn.name, [])
                if place < len(statement[3])
                for name in self._names(other, caller, statement[3][place], deep - 1)
            ]
            return sorted(set(found))
        item = self._global(unit, fn, index)
        entries = item.entries if item is not None else ()
        return [value[1] for access, value in entries if access and access[-1] == "lsm_id.name" and value[0] == "s"]


def _direct_calls(fn: Function) -> Iterator[tuple[str, tuple]]:
    for block in fn.blocks:
        for statement in block.statements:
            if statement[0] == "call" and fn.exprs[statement[2]][0] == "f":
                yield fn.exprs[statement[2]][1], statement
