"""The rule pack: controlled operations, the checks they need, and the facts about Linux that rules rely on.

All `*.toml` files of a directory (and of the directories given by `--rules`, which overlay it) are read as one set of
tables; a table may stand in any file.  Expressions come out with constants folded, macros expanded and NULL as 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lattices import expressions
from lattices.digest import digest
from lattices.expressions import Expr, PatternError
from lattices.model import (
    ACCESS,
    ALLOW,
    FAMILIES,
    NAMESPACES,
    SUBJECTS,
    TIERS,
    Accessor,
    Check,
    Door,
    Exemption,
    Family,
    Hook,
    Overlaid,
    Pack,
    PackError,
    Privilege,
    Rule,
    SubjectChange,
)
from lattices.source import Problem, Source, read

__all__ = [
    "DIRECTORY",
    "Accessor",
    "Check",
    "Door",
    "Exemption",
    "Family",
    "Hook",
    "Pack",
    "PackError",
    "Privilege",
    "Rule",
    "SubjectChange",
    "collect",
    "load",
    "version_matches",
]

DIRECTORY = Path(__file__).parent / "linux"

_KEYS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "rule": {
        "id": str, "service": str, "slot": str, "member": str, "operation": str, "requires": list, "when": str,
        "exempt": list, "in": list, "not_in": list, "variables": list, "subject": str, "tier": str, "lock": str,
        "reason": str,
        "good": str, "bad": str, "versions": str, "replaces": bool,
    },
    "check": {
        "name": str, "family": str, "allow": (str, list), "namespace": int, "mask": int, "objects": list,
        "subject": int, "modifiers": str, "implies": list, "writes": list, "slots": list, "whole": bool,
        "member": str, "reason": str, "versions": str,
    },
    "accessor": {"call": str, "is": str, "reason": str, "versions": str},
    "macro": {"call": str, "is": str, "reason": str, "versions": str},
    "alias": {"member": str, "is": str, "reason": str, "versions": str},
    "exemption": {"name": str, "params": list, "condition": str, "checks": list, "reason": str, "versions": str},
    "service": {"id": str, "title": str},
    "subject": {"function": str, "effect": str, "cred": int, "subject": str, "reason": str, "versions": str},
    "door": {
        "name": str, "kind": str, "subject": str, "functions": list, "slots": list, "registrars": list,
        "attributes": list, "reason": str, "versions": str,
    },
    "hook": {
        "name": str, "functions": list, "within": list, "guards": list, "nothing": str, "wider": str, "versions": str,
    },
    "family": {"name": str, "files": list, "names": list, "other": list, "versions": str},
    "opened": {"slot": str, "reason": str, "versions": str},
    "idle": {"functions": list, "reason": str, "versions": str},
    "privilege": {
        "name": str, "check": str, "door": str, "slots": list, "registrars": list, "when": str, "mode": str, "access": str,
        "capability": str, "namespace": str, "reason": str, "versions": str,
    },
    "retire": {"id": str, "reason": str},
}  # fmt: skip
_NEEDED = {
    "rule": ("id", "service", "operation", "requires"),
    "check": ("name",),
    "accessor": ("call", "is"),
    "macro": ("call", "is"),
    "alias": ("member", "is"),
    "exemption": ("name", "condition", "reason"),
    "service": ("id", "title"),
    "subject": ("function", "effect"),
    "door": ("name", "kind", "subject"),
    "hook": ("name",),
    "family": ("name", "files", "names"),
    "opened": ("slot", "reason"),
    "idle": ("functions", "reason"),
    "privilege": ("name", "capability", "namespace", "reason"),
    "retire": ("id", "reason"),
}


def load(directory: str | Path | None = None, extra: Sequence[str | Path] = (), version: str = "6.12") -> Pack:
    """Read the pack for a kernel version; raises PackError with every problem found.

    `directory` replaces the pack that comes with kqual; the directories (or files) in `extra` overlay it in order:
    a check or accessor of the same name replaces, a rule where it says `replaces = true`; `retire` removes a rule.
    """
    pack, problems = collect(directory, extra, version)
    if problems:
        raise PackError(problems)
    return pack


def collect(
    directory: str | Path | None = None, extra: Sequence[str | Path] = (), version: str = "6.12"
) -> tuple[Pack, list[Problem]]:
    """`load` that returns the problems beside what could be read."""
    loader = _Loader(version)
    for layer, where in enumerate([DIRECTORY if directory is None else Path(directory), *map(Path, extra)]):
        loader.layer(where, layer)
    return loader.finish()


def version_matches(version: str, ranges: str) -> bool:
    """Whether a kernel version such as "6.12" lies in comma-separated ranges such as ">=6.1,<6.8".

    Raises ValueError where the ranges cannot be read.
    """
    have = _version(version)
    for part in ranges.split(","):
        match = re.fullmatch(r"\s*(>=|<=|==|<|>)\s*(\d+(?:\.\d+)*)\s*", part)
        if not match:
            raise ValueError(f"{part.strip()!r} is no version range")
        want = _version(match[2])
        now = have[: len(want)] if match[1] in ("<=", "==", ">") else have
        if not {
            ">=": now >= want, "<=": now <= want, "==": now == want, "<": now < want, ">": now > want,
        }[match[1]]:  # fmt: skip
            return False
    return True


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.split("-")[0])) or (0,)


@dataclass
class _Entry:
    """One table of one file, before its expressions are read."""

    source: Source
    table: str
    index: int
    layer: int
    values: dict[str, Any]

    def fail(self, message: str, hint: str = "", key: str = "", value: str = "", offset: int = 0) -> None:
        self.source.report(self.table, self.index, message, hint, key, value, offset)

    def strings(self, key: str) -> tuple[str, ...]:
        items = self.values.get(key, [])
        for item in items:
            if not isinstance(item, str):
                self.fail(f"`{key}` holds {item!r}, which is no string", "write a list of quoted strings", key)
        return tuple(item for item in items if isinstance(item, str))


class _Loader:
    def __init__(self, version: str) -> None:
        self.version = version
        self.sources: list[Source] = []
        self.entries: dict[str, list[_Entry]] = {table: [] for table in _KEYS}
        self.pack = Pack(version)
        self.macros: dict[str, Accessor] = {}
        self.aliases: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []
        self.elsewhere: set[str] = set()  # ids of rules that hold for other kernel versions

    def layer(self, where: Path, layer: int) -> None:
        if where.is_dir():
            files = sorted(where.rglob("*.toml"))
        else:
            files = [where]
        for path in files:
            shown = path.relative_to(where).as_posix() if path != where else path.name
            if layer == 0 and where == DIRECTORY:
                shown = f"lattices/linux/{shown}"
            elif where.is_dir():
                shown = f"{where.as_posix().rstrip('/')}/{shown}"
            else:
                shown = path.as_posix()
            source = read(path, shown)
            self.sources.append(source)
            self._tables(source, layer)

    def _tables(self, source: Source, layer: int) -> None:
        for table, content in source.tables.items():
            if table == "prelude" and isinstance(content, str):
                continue
            if table == "constants":
                self._constants(source, content)
            elif table == "globals":
                names = content.get("names", []) if isinstance(content, dict) else content
                self.pack.globals |= {name for name in names if isinstance(name, str)}
            elif table not in _KEYS:
                line, column = source.position(table, 0)
                known = ", ".join(sorted([*_KEYS, "constants", "globals", "prelude"]))
                source.problems.append(Problem(source.shown, line, column, f"unknown table `{table}`", f"one of {known}"))
            elif not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
                line, column = source.position(table, 0)
                source.problems.append(
                    Problem(source.shown, line, column, f"`{table}` is a list of tables", f"write [[{table}]]")
                )
            else:
                for index, values in enumerate(content):
                    entry = _Entry(source, table, index, layer, values)
                    if self._shape(entry):
                        self.entries[table].append(entry)

    def _constants(self, source: Source, content: Any) -> None:
        for name, value in content.items() if isinstance(content, dict) else ():
            if isinstance(value, dict):
                self._constants(source, value)
            elif isinstance(value, int) and not isinstance(value, bool):
                self.pack.constants[name] = value
            else:
                text = next((n for n, line in enumerate(source.lines, 1) if line.lstrip().startswith(name)), 1)
                source.problems.append(Problem(source.shown, text, 1, f"constant {name} is no integer"))

    def _shape(self, entry: _Entry) -> bool:
        keys, good = _KEYS[entry.table], True
        for key, value in entry.values.items():
            wanted = keys.get(key)
            if wanted is None:
                entry.fail(f"unknown key `{key}`", f"keys of [[{entry.table}]]: {', '.join(sorted(keys))}", key)
                good = False
            elif not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
                what = " or ".join(t.__name__ for t in (wanted if isinstance(wanted, tuple) else (wanted,)))
                words = {"str": "a quoted string", "list": "a list", "int": "a number", "bool": "true or false"}
                entry.fail(f"`{key}` must be {' or '.join(words[w] for w in what.split(' or '))}", "", key)
                good = False
        for key in _NEEDED[entry.table]:
            if key not in entry.values:
                entry.fail(f"[[{entry.table}]] without `{key}`", f"add {key} = ...")
                good = False
        if isinstance(entry.values.get("versions"), str):
            try:
                matches = version_matches(self.version, entry.values["versions"])
                if not matches and entry.table == "rule":
                    self.elsewhere.add(str(entry.values.get("id")))
                return matches and good
            except ValueError as error:
                entry.fail(str(error), 'write e.g. versions = ">=6.1,<6.8"', "versions", entry.values["versions"])
                return False
        return good

    # -- expressions -------------------------------------------------------------------------------------------

    def expression(self, entry: _Entry, key: str, text: Any, bound: Iterable[str] | None = None) -> Expr | None:
        """Parse, fold and expand; with `bound`, report names that nothing binds.  None after a problem.

        The call that is an operation itself stays, though an accessor may have its name.
        """
        if not isinstance(text, str):
            entry.fail(f"`{key}` holds {text!r}, which is no string", "write C expressions in quotes", key)
            return None
        try:
            parsed = expressions.parse(text)
        except PatternError as error:
            entry.fail(error.message, "", key, text, error.column - 1)
            return None
        if key == "operation" and parsed[0] == "call":
            callee = parsed[1] if isinstance(parsed[1], str) else self.expand(parsed[1])
            expression: Expr = ("call", callee, tuple(self.expand(argument) for argument in parsed[2]))
        else:
            expression = self.expand(parsed)
        if bound is not None:
            allowed = set(bound) | {"current"} | self.pack.globals
            for name in expressions.names(expression):
                if name not in allowed:
                    at = re.search(rf"\b{re.escape(name)}\b", text)
                    entry.fail(
                        f"`{name}` is neither an operand nor a known constant or global",
                        _similar(name, [*allowed, *self.pack.constants]),
                        key, text, at.start() if at else 0,
                    )  # fmt: skip
                    return None
        return expression

    def expand(self, expression: Expr) -> Expr:
        """Fold constants; put macros, aliased members and accessors in the form that the compiled program has."""
        constants, macros, aliases, accessors = self.pack.constants, self.macros, self.aliases, self.pack.accessors

        def change(part: Expr) -> Expr:
            if part[0] == "name" and part[1] in constants:
                return ("int", constants[part[1]])
            if part[0] == "call" and isinstance(part[1], str) and part[1] in macros:
                return _apply(macros[part[1]], part)
            if part[0] == "call" and isinstance(part[1], str) and part[1] in accessors:
                return _apply(accessors[part[1]], part)
            if part[0] == "member" and part[2] in aliases:
                base = part[1]
                for name in aliases[part[2]]:
                    base = ("member", base, name)
                return base
            return part

        return expressions.rebuild(expression, change)

    # -- tables ------------------------------------------------------------------------------------------------

    def finish(self) -> tuple[Pack, list[Problem]]:
        pack = self.pack
        for entry in self.entries["service"]:
            pack.services[entry.values["id"]] = entry.values["title"]
        self._named("alias", self.aliases, "member", lambda entry: tuple(entry.values["is"].split(".")))
        self._named("macro", self.macros, "call", self._accessor)
        self._named("accessor", pack.accessors, "call", self._accessor)
        self._named("check", pack.checks, "name", self._check)
        self._named("exemption", pack.exemptions, "name", self._exemption)
        self._named("subject", pack.subjects, "function", self._subject)
        self._named("hook", pack.hooks, "name", self._hook)
        self._named("family", pack.families, "name", self._family)
        self._named("opened", pack.opened, "slot", self._opened)
        for entry in self.entries["idle"]:
            pack.idle |= dict.fromkeys(entry.strings("functions"), entry.values["reason"])
        self._named("privilege", pack.declared, "name", self._privilege)
        doors: dict[str, Door] = {}
        self._named("door", doors, "name", self._door)
        pack.doors = list(doors.values())
        rules = self._rules()
        pack.rules = sorted(rules.values(), key=lambda rule: rule.id)
        pack.digest = digest(pack)
        problems = self.problems + [problem for source in self.sources for problem in source.problems]
        return pack, sorted(set(problems))

    def _named(self, table: str, into: dict[str, Any], key: str, make: Callable[[_Entry], Any]) -> None:
        owner: dict[str, _Entry] = {}
        for entry in self.entries[table]:
            name = entry.values[key].split("(")[0].strip() if key == "call" else entry.values[key]
            before = owner.get(name)
            if before is not None and before.layer == entry.layer:
                where = f"{before.source.shown}:{before.source.line_of(table, before.index)}"
                entry.fail(f"{table} {name!r} is there already", f"first one: {where}", key)
                continue
            value = make(entry)
            if value is not None:
                owner[name] = entry
                into[name] = value

    def _rules(self) -> dict[str, Rule]:
        """Rules by id, layer by layer: an overlay first retires rules below it, then adds and replaces."""
        rules: dict[str, Rule] = {}
        owner: dict[str, _Entry] = {}
        gone: dict[str, Overlaid] = {}
        retired: dict[str, int] = {}
        entries = [*self.entries["retire"], *self.entries["rule"]]
        for entry in sorted(entries, key=lambda e: (e.layer, e.table == "rule")):
            name = entry.values["id"]
            before = owner.get(name)
            here = (entry.source.shown, entry.source.line_of(entry.table, entry.index))
            reason = entry.values.get("reason", "")
            if entry.table == "retire":
                if before is not None and before.layer < entry.layer:
                    if not reason.strip():
                        entry.fail(f"rule {name!r} is retired without a reason", "say why it does not hold here", "reason")
                    rules.pop(name, None)
                    del owner[name]
                    retired[name] = entry.layer
                    gone[name] = Overlaid(name, "retired", reason, *here)
                elif name not in self.elsewhere:
                    entry.fail(f"no rule {name!r} to retire", _similar(name, rules), "id")
                continue
            replaces = entry.values.get("replaces", False)
            if before is not None:
                where = f"{before.source.shown}:{before.source.line_of('rule', before.index)}"
                if before.layer == entry.layer:
                    entry.fail(f"rule {name!r} is there already", f"first one: {where}", "id")
                    continue
                if not replaces:
                    hint = f"it stands in {where}; write replaces = true to take its place, or choose another id"
                    entry.fail(f"rule {name!r} is there already", hint, "id")
                    continue
                gone[name] = Overlaid(name, "replaced", reason, *here)
            elif retired.get(name) == entry.layer:
                entry.fail(f"rule {name!r} is retired and written anew", "write replaces = true and leave [[retire]] out", "id")
            elif replaces and name not in self.elsewhere:
                entry.fail(f"no rule {name!r} to replace", _similar(name, rules) or "leave replaces out", "replaces")
            owner[name] = entry
            rule = self._rule(entry)
            if rule is not None:
                rules[name] = rule
                if name in gone and gone[name].what == "retired":
                    del gone[name]
        self.pack.overlaid = [gone[name] for name in sorted(gone)]
        return rules

    def _accessor(self, entry: _Entry) -> Accessor | None:
        call = self.expression(entry, "call", entry.values["call"])
        if call is None:
            return None
        if call[0] != "call" or not isinstance(call[1], str) or any(a[0] not in ("name", "any") for a in call[2]):
            entry.fail("`call` is a function with plain names", 'write e.g. call = "file_inode(file)"', "call")
            return None
        params = tuple(a[1] if a[0] == "name" else f"_{n}" for n, a in enumerate(call[2]))
        value = self.expression(entry, "is", entry.values["is"], params)
        return None if value is None else Accessor(params, value)

    def _check(self, entry: _Entry) -> Check | None:
        values = entry.values
        family, allow = values.get("family", "lsm"), values.get("allow", "errno")
        if family not in FAMILIES:
            entry.fail(f"unknown family {family!r}", f"one of {', '.join(FAMILIES)}", "family")
        if isinstance(allow, list):
            allowed = [self.expression(entry, "allow", text, ()) for text in allow]
            if any(item is None or item[0] != "int" for item in allowed) or not allowed:
                entry.fail("`allow` is a list of constants", 'write e.g. allow = ["-ENOSYS"]', "allow")
                return None
            allow = tuple(item[1] for item in allowed if item is not None)
        elif allow not in ALLOW:
            entry.fail(f"unknown allow {allow!r}", f"one of {', '.join(ALLOW)}, or a list of constants", "allow")
        modifiers = self.expression(entry, "modifiers", values.get("modifiers", "0"), ())
        if modifiers is not None and modifiers[0] != "int":
            entry.fail("`modifiers` is no constant", "", "modifiers")
            modifiers = None
        implies = []
        for text in entry.strings("implies"):
            left_text, arrow, right_text = text.partition(" -> ")
            if not arrow:
                entry.fail("an implication has the form passed(...) -> granted(...)", "", "implies", text)
                continue
            left = self.expression(entry, "implies", left_text)
            right = self.expression(entry, "implies", right_text, expressions.names(left) if left else ())
            if left is None or right is None:
                continue
            if left[0] != "call" or right[0] != "call":
                entry.fail("both sides of an implication are calls of checks", "", "implies", text)
                continue
            implies.append((left, right))
        return Check(
            values["name"], family, allow, values.get("namespace"), values.get("mask"),
            tuple(values.get("objects", ())), values.get("subject"), modifiers[1] if modifiers else 0,
            tuple(implies), values.get("reason", ""), tuple(values.get("writes", ())), entry.strings("slots"),
            values.get("member", ""), values.get("whole", False),
        )  # fmt: skip

    def _exemption(self, entry: _Entry) -> Exemption | None:
        params = entry.strings("params")
        condition = self.expression(entry, "condition", entry.values["condition"], params)
        checks = [self.expression(entry, "checks", text, params) for text in entry.strings("checks")]
        if condition is None or None in checks:
            return None
        return Exemption(condition, entry.values["reason"], entry.values["name"], params, tuple(checks))

    def _subject(self, entry: _Entry) -> SubjectChange:
        values = entry.values
        if values["effect"] not in ("set", "restore", "new"):
            entry.fail(f"unknown effect {values['effect']!r}", "one of set, restore, new", "effect")
        return SubjectChange(
            values["function"], values["effect"], values.get("cred"), values.get("subject", ""), values.get("reason", "")
        )

    def _opened(self, entry: _Entry) -> str:
        if entry.values["slot"].count(".") != 1:
            entry.fail(f"opening slot {entry.values['slot']!r}", 'write "struct_tag.member"', "slot")
        return entry.values["reason"]

    def _door(self, entry: _Entry) -> Door:
        values = entry.values
        registrars = []
        for item in entry.strings("registrars"):
            function, _, number = item.partition(":")
            if not number.isdigit():
                entry.fail(f"registrar {item!r}", 'write "function:argument number", counted from 0', "registrars")
                continue
            registrars.append((function, int(number)))
        return Door(
            values["name"], values["kind"], values["subject"], entry.strings("functions"), entry.strings("slots"),
            tuple(registrars), entry.strings("attributes"), values.get("reason", ""),
        )  # fmt: skip

    def _hook(self, entry: _Entry) -> Hook:
        values = entry.values
        functions = entry.strings("functions") if "functions" in values else (f"security_{values['name']}",)
        return Hook(
            values["name"], functions, entry.strings("within"), values.get("nothing", ""), entry.strings("guards"),
            values.get("wider", ""), entry.source.shown, entry.source.line_of("hook", entry.index),
        )  # fmt: skip

    def _family(self, entry: _Entry) -> Family | None:
        values, other = entry.values, {}
        if values["name"] not in FAMILIES:
            entry.fail(f"unknown family {values['name']!r}", f"one of {', '.join(FAMILIES)}", "name")
            return None
        for item in values.get("other", []):
            if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("name", "reason")):
                entry.fail("`other` holds names with reasons", 'write {name = "...", reason = "..."}', "other")
                return None
            other[item["name"]] = item["reason"]
        return Family(values["name"], entry.strings("files"), entry.strings("names"), other)

    def _privilege(self, entry: _Entry) -> Privilege | None:
        values = entry.values
        if values["capability"] not in self.pack.constants:
            entry.fail(f"unknown capability {values['capability']!r}", _similar(values["capability"], self.pack.constants), "capability")
        for key, known in (("namespace", NAMESPACES), ("access", ACCESS)):
            if values.get(key, known[-1]) not in known:
                entry.fail(f"unknown {key} {values[key]!r}", f"one of {', '.join(known)}", key)
        if sum(key in values for key in ("check", "door", "slots")) != 1:
            entry.fail("a privilege is asked for by one of `check`, `door` and `slots`", "write just one of them", "name")
        when = self.expression(entry, "when", values["when"]) if "when" in values else None
        registrars = [self.expression(entry, "registrars", text) for text in entry.strings("registrars")]
        if None in registrars or any(call is not None and call[0] != "call" for call in registrars):
            return None
        return Privilege(
            values["name"], values["capability"], values["namespace"], values.get("check", ""), values.get("door", ""),
            entry.strings("slots"), tuple(call for call in registrars if call is not None), when, values.get("mode", ""),
            values.get("access", ACCESS[-1]), values["reason"],
        )  # fmt: skip

    def _rule(self, entry: _Entry) -> Rule | None:
        values = entry.values
        if values["service"] not in self.pack.services:
            hint = _similar(values["service"], self.pack.services) or "services stand in services.toml"
            entry.fail(f"unknown service {values['service']!r}", hint, "service")
        for key, allowed in (("tier", TIERS), ("subject", SUBJECTS)):
            if values.get(key, allowed[0]) not in allowed:
                entry.fail(f"unknown {key} {values[key]!r}", f"one of {', '.join(allowed)}", key)
        operation = self.expression(entry, "operation", values["operation"])
        operands: tuple[str, ...] | None = None  # unknown: the other lines are still read
        if operation is not None:
            operands = tuple(n for n in expressions.names(operation) if n != "current" and n not in self.pack.globals)
            operands += tuple(n for n in entry.strings("variables") if n not in operands)
        if not values.get("in") and (values.get("variables") or (operation is not None and _stored_global(operation))):
            entry.fail("variables and globals stand for those of functions in `in`", "name the functions", "operation")
        requires = [self.expression(entry, "requires", text, operands) for text in values["requires"]]
        when = self.expression(entry, "when", values["when"], operands) if "when" in values else None
        exempt = [self._exempt(entry, item, operands) for item in values.get("exempt", [])]
        if operation is None or operands is None or None in requires or None in exempt:
            return None
        return Rule(
            values["id"], values["service"], values.get("slot", ""), values.get("member", ""), operation, operands,
            [item for item in requires if item is not None], when, [item for item in exempt if item is not None],
            entry.strings("in"), entry.strings("not_in"), values.get("subject", "user"), values.get("tier", "error"),
            values.get("lock", ""), values.get("reason", ""), values.get("good", ""), values.get("bad", ""),
            entry.source.shown, entry.source.line_of("rule", entry.index),
            str(entry.source.tables.get("prelude", "")), values["operation"], tuple(values["requires"]),
            entry.strings("variables"),
        )  # fmt: skip

    def _exempt(self, entry: _Entry, item: Any, operands: tuple[str, ...] | None) -> Exemption | None:
        if isinstance(item, dict):
            unknown = sorted(set(item) - {"condition", "reason", "name"})
            if unknown:
                entry.fail(f"unknown key `{unknown[0]}` in an exemption", "keys: condition, reason, name", "exempt")
            if not item.get("reason"):
                entry.fail("an exemption without its reason", 'add reason = "..."', "exempt")
            condition = self.expression(entry, "exempt", item.get("condition"), operands)
            if condition is None:
                return None
            return Exemption(condition, str(item.get("reason", "")), str(item.get("name", "")))
        if not isinstance(item, str):
            entry.fail("`exempt` holds names of exemptions or {condition, reason}", "", "exempt")
            return None
        use = self._use(entry, item)
        named = self.pack.exemptions.get(use[0]) if use else None
        if use is None or named is None:
            if use is not None:
                hint = _similar(use[0], self.pack.exemptions) or "named exemptions stand in exemptions.toml"
                entry.fail(f"unknown exemption {use[0]!r}", hint, "exempt", item)
            return None
        arguments = use[1] if use[1] is not None else tuple(("name", name) for name in named.params)
        if len(arguments) != len(named.params):
            wanted = f"{named.name}({', '.join(named.params)})"
            entry.fail(f"{named.name!r} takes {len(named.params)} operands", f"write {wanted}", "exempt", item)
            return None
        condition = expressions.substitute(named.condition, dict(zip(named.params, arguments, strict=True)))
        unbound = set(expressions.names(condition)) - {"current"} - self.pack.globals
        unbound -= unbound if operands is None else set(operands)
        if unbound:
            hint = f"write {named.name}(...) with operands of this rule"
            entry.fail(f"{named.name!r} speaks of {min(unbound)!r}, which is no operand here", hint, "exempt", item)
            return None
        return Exemption(condition, named.reason, named.name)

    def _use(self, entry: _Entry, text: str) -> tuple[str, tuple[Expr, ...] | None] | None:
        name, opening, _ = text.partition("(")
        if not opening:
            return text.strip(), None
        call = self.expression(entry, "exempt", re.sub(r"[^\w]", "_", name) + text[len(name) :])
        return (name.strip(), call[2]) if call is not None and call[0] == "call" else None


def _stored_global(operation: Expr) -> bool:
    return operation[0] == "assign" and operation[1][0] == "name"


def _apply(accessor: Accessor, call: Expr) -> Expr:
    if len(accessor.params) != len(call[2]):
        return call
    return expressions.substitute(accessor.value, dict(zip(accessor.params, call[2], strict=True)))


def _similar(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, sorted(set(known)), 3, 0.65)
    return f"did you mean {' or '.join(close)}?" if close else ""
