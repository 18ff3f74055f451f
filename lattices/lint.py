"""The linter of rule packs: everything the loader refuses, and what would make a rule useless or hard to trust."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from lattices import catalogue, cqual, expressions
from lattices.expressions import Expr
from lattices.pack import DIRECTORY, Pack, Rule, collect
from lattices.source import Problem, Source, read

LATTICE = ".lattice"
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_TAGGED = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_][\w.]*\Z")


def lint(
    paths: Sequence[str | Path] = (), version: str = "6.12", directory: str | Path | None = None
) -> list[Problem]:
    """Problems of the rule files in `paths` (files or directories) laid over the pack; of the pack itself without any.

    Lattice files among them (`*.lattice`) are read for themselves.  Sorted by file and line; empty when all is well.
    `directory` replaces the pack that comes with kqual.
    """
    base = DIRECTORY if directory is None else Path(directory)
    of_lattices = [problem for path in paths or [base] for problem in _lattices(Path(path))]
    rules = [path for path in paths if Path(path).suffix != LATTICE]
    if paths and not rules:
        return sorted(of_lattices)
    paths = rules
    pack, problems = collect(base, paths, version)
    linter = _Linter(pack, base, [Path(p) for p in paths])
    for rule in pack.rules:
        if linter.wanted(rule.file):
            linter.rule(rule)
    problems = problems + catalogue.problems(pack)
    found = {p for p in problems if not paths or linter.wanted(p.file)} | set(linter.problems)
    return sorted(found.union(of_lattices))


def _lattices(path: Path) -> Iterator[Problem]:
    """Problems of a lattice file, or of those below a folder."""
    for file in sorted(path.rglob(f"*{LATTICE}")) if path.is_dir() else [path] if path.suffix == LATTICE else []:
        try:
            orders = cqual.load(file).orders
        except cqual.LatticeError as error:
            yield Problem(str(file), error.line, error.column, error.message)
        except OSError as error:
            yield Problem(str(file), 1, 1, f"cannot be read: {error.strerror}")
        else:
            for block in orders:
                if not block.order.is_sound_for_cqual():
                    names = ", ".join(block.order.elements)
                    hint = "a lattice, unrelated points, and two or three points are"
                    yield Problem(str(file), 1, 1, f"the order of {names} is not one that joins are defined in", hint)


class _Linter:
    def __init__(self, pack: Pack, base: Path, paths: list[Path]) -> None:
        self.pack = pack
        self.problems: list[Problem] = []
        self.base = base
        self.paths = paths
        self.sources: dict[str, Source] = {}
        # before the pack is asked for any: it takes every other name that begins with security_ for a hook
        self.known = {*pack.checks, *(name for hook in pack.hooks.values() for name in hook.functions)}
        for rule in pack.rules:
            if not paths or not self.wanted(rule.file):
                self.known.update(name for line in rule.requires for name in expressions.calls(line))

    def wanted(self, file: str) -> bool:
        """Only the files that were asked for are judged."""
        if not self.paths:
            return True
        shown = Path(file)
        return any(shown == path or path in shown.parents for path in self.paths)

    def source(self, file: str) -> Source:
        if file not in self.sources:
            inside = self.base / Path(file).relative_to("lattices/linux") if file.startswith("lattices/linux/") else None
            self.sources[file] = read(inside if inside is not None and inside.exists() else Path(file), file)
        return self.sources[file]

    def report(self, rule: Rule, message: str, hint: str = "", key: str = "", value: str | None = None, offset: int = 0) -> None:
        source = self.source(rule.file)
        rules = range(len(source.tables.get("rule", [])))
        index = next((n for n in rules if source.line_of("rule", n) == rule.line), 0)
        before = len(source.problems)
        source.report("rule", index, message, hint, key, value, offset)
        self.problems += source.problems[before:]

    def rule(self, rule: Rule) -> None:
        if not _ID.match(rule.id):
            self.report(rule, f"id {rule.id!r} is not kebab case", "write e.g. inode-unlink", "id")
        for key, text, why in (
            ("reason", rule.reason, "say in a line what the operation does to the object"),
            ("good", rule.good, "add a C example that passes"),
            ("bad", rule.bad, "add a C example that is reported"),
        ):
            if not text.strip():
                self.report(rule, f"rule {rule.id} has no `{key}`", why)
        for key, text in (("slot", rule.slot), ("member", rule.member)):
            if text and not _TAGGED.match(text):
                self.report(rule, f"`{key}` {text!r} is not tag.field", "write e.g. inode_operations.unlink", key)
        if not rule.requires:
            self.report(rule, "nothing is required", "add at least one check to `requires`", "requires")
        if rule.not_in and not any(part in rule.reason for name in rule.not_in for part in _words(name)):
            self.report(rule, "`reason` says nothing about the functions in `not_in`", "add why they are left out", "not_in")
        self._operation(rule)
        for text, requirement in zip(rule.requires_text, rule.requires, strict=True):
            self._requirement(rule, text, requirement)
        self._empty(rule)

    def _operation(self, rule: Rule) -> None:
        operation, text = rule.operation, rule.operation_text
        if rule.slot and rule.member:
            self.report(rule, "`slot` and `member` exclude each other", "", "member")
        elif rule.slot:
            field = rule.slot.rpartition(".")[2]
            if operation[0] != "call" or isinstance(operation[1], str):
                hint = f"write e.g. object->ops->{field}(...)"
                self.report(rule, "with `slot` the operation is a call through a pointer", hint, "operation", text)
            elif _last_field(operation[1]) not in (field, ""):
                called = _last_field(operation[1])
                at = max(text.find(called), 0)
                hint = f"call {field} or change `slot`"
                self.report(rule, f"the operation calls {called!r}, the slot is {rule.slot}", hint, "operation", text, at)
        elif rule.member:
            if operation[0] in ("call", "return"):
                self.report(rule, "with `member` the operation is a read or a write", "", "operation", text)
                return
            target = operation[1] if operation[0] == "assign" else operation
            field = rule.member.partition(".")[2]
            shown = _last_field(target)
            if target[0] != "deref" and shown and shown not in field.split("."):
                at = max(text.find(shown), 0)
                message = f"the operation touches {shown!r}, the member is {rule.member}"
                self.report(rule, message, "", "operation", text, at)
        elif operation[0] == "call" and not isinstance(operation[1], str):
            self.report(rule, "a call through a pointer needs its `slot`", 'add slot = "tag.field"', "operation", text)
        elif operation[0] == "return":
            self._handed_out(rule)
        elif operation[0] not in ("call", "assign"):
            hint = 'add member = "tag.field", or write a call'
            self.report(rule, "a read needs its `member`", hint, "operation", text)
        elif operation[0] == "assign" and operation[1][0] == "deref" and operation[1][1][0] == "name" and not rule.in_functions:
            hint = "say with `in` whose parameter it is, or add member = \"tag.field\""
            self.report(rule, "a store through a parameter needs its functions", hint, "operation", text)
        if ("rest",) in list(expressions.walk(operation))[1:] and operation[0] != "call":
            self.report(rule, "`__` stands for arguments of a call", "", "operation", text)

    def _handed_out(self, rule: Rule) -> None:
        """A return is an effect where it hands out an object; an answer, or what a call returned, is somebody else's."""
        text, value = rule.operation_text, rule.operation[1]
        if not rule.in_functions:
            self.report(rule, "a return needs its functions", "say with `in` which functions hand it out", "operation", text)
        if value[0] in ("any", "int"):
            hint = "name what is handed out: return &object"
            self.report(rule, "a return of a number, or of anything, is an answer and no effect", hint, "operation", text)
        for name in expressions.calls(value):
            self.report(rule, f"what {name} returns is its own effect", f"write the call {name}(...)", "operation", text)

    def _requirement(self, rule: Rule, text: str, requirement: Expr) -> None:
        checks = [name for name in expressions.calls(requirement) if self.pack.check(name) is not None]
        for name in expressions.calls(requirement):
            check = self.pack.check(name)
            at = max(text.find(name), 0)
            if check is not None and check.allow == "none":
                self.report(rule, f"{name} decides nothing: {check.reason}", "name a check", "requires", text, at)
            if check is None and self.pack.accessors.get(name) is None and not checks:
                close = get_close_matches(name, sorted(self.pack.checks), 1, 0.8)
                if close:
                    hint = f"did you mean {close[0]}?"
                    self.report(rule, f"{name} is no known check", hint, "requires", text, at)
            if name.startswith("security_") and name not in self.known:
                close = get_close_matches(name, sorted(self.known), 1, 0.93)
                if close:
                    hint = f"did you mean {close[0]}? If it is a hook of its own, declare it with [[check]]"
                    self.report(rule, f"{name} is no hook that kqual knows", hint, "requires", text, at)
        for part in expressions.walk(requirement):
            if part[0] == "call" and not isinstance(part[1], str):
                at = max(text.find(_last_field(part[1])), 0)
                hint = "name a function; the operation is what may be called through a pointer"
                self.report(rule, "a check is not called through a pointer", hint, "requires", text, at)
        if requirement[0] in ("assign", "int", "str", "any", "rest"):
            self.report(rule, "this line requires nothing that a program could do", "", "requires", text)

    def _empty(self, rule: Rule) -> None:
        """A rule says something only when its operation is an effect outside of the check and its wrapper: not the
        check, not a call that grants it, not what a wrapper of the check returns."""
        wanted = list(dict.fromkeys(name for line in rule.requires for name in expressions.calls(line)))
        for name in rule.in_functions:
            if name in wanted:
                message = f"{name} is required, and the operation is sought inside of it"
                self.report(rule, message, "name functions outside of the check", "in", name)
        for name in expressions.calls(rule.operation):
            if name in wanted:
                message = f"the operation calls {name}, which is its own requirement"
                self._at_operation(rule, name, message, "name what the check protects")
                return
            check = self.pack.check(name)
            if check is None or check.allow == "none":
                continue
            granted = self.pack.granted(name) | {f"security_{name}"}  # a wrapper is named after its hook
            met = next((call for call in wanted if call in granted), "")
            if met:
                message = f"the operation {name} is a check that grants {met}, which the rule requires"
                self._at_operation(rule, name, message, "name what the check protects")
                return
            if name == rule.operation[1] and not rule.in_functions:
                message = f"the operation {name} is a check: it decides and changes nothing"
                hint = "name the effect; where checks must come in an order, say with `in` in which functions"
                self._at_operation(rule, name, message, hint)
                return

    def _at_operation(self, rule: Rule, name: str, message: str, hint: str) -> None:
        at = max(rule.operation_text.find(name), 0)
        self.report(rule, message, hint, "operation", rule.operation_text, at)


def _words(name: str) -> list[str]:
    return [part for part in name.split("_") if len(part) > 3] or [name]


def _last_field(expression: Expr) -> str:
    for part in _spine(expression):
        if part[0] == "member":
            return part[2]
    return ""


def _spine(expression: Expr) -> Iterator[Expr]:
    while True:
        yield expression
        if expression[0] in ("deref", "addr", "index", "member"):
            expression = expression[1]
        else:
            return
