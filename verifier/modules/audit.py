"""The rule pack against a tree: hooks that nobody classified, hooks of one that the other lacks, prototypes that changed.

Works on source text (verifier.modules.hookdefs) and on the rules; nothing is compiled or scanned.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from lattices import catalogue, expressions
from lattices.model import Pack
from verifier.modules.conditions import without_comments
from verifier.modules.hookdefs import DEFINITIONS, HEADER, Definitions, read_definitions

_DECLARED = re.compile(
    r"^[ \t]*(?:(?:extern|static|inline|__always_inline)\s+)*(?:bool|int)\s+(\w+)\s*\(|^[ \t]*#[ \t]*define[ \t]+(\w+)\b",
    re.MULTILINE,
)


class HookClass(msgspec.Struct, frozen=True):
    """One hook of the tree: `kind` is `guards`, `nothing` or `unclassified`; `rules` ask for it, `reason` says why not."""

    name: str
    kind: str
    functions: list[str]
    rules: list[str] = []
    reason: str = ""


class Mismatch(msgspec.Struct, frozen=True):
    """Something of the pack that does not fit the tree: a function or name, and what is wrong."""

    name: str
    what: str


class Audit(msgspec.Struct):
    """What `kqual rules audit` says.  `compiled_out` is None where no configuration is known."""

    schema: str
    kernel: str
    hooks: list[HookClass]
    lacking: list[Mismatch]
    compiled_out: list[str] | None
    prototypes: list[Mismatch]
    functions: list[Mismatch]
    unknown_checks: list[Mismatch]

    def of_kind(self, kind: str) -> list[HookClass]:
        """The hooks of one kind."""
        return [hook for hook in self.hooks if hook.kind == kind]


def audit(root: str | Path, pack: Pack, kernel: str, options: dict[str, str] | None = None) -> Audit:
    """Compare the pack with the tree at `root`; `options` are those of its `.config`, where one is known.

    Raises KqualError for a folder that declares no LSM hooks.
    """
    tree = read_definitions(root, options)
    by_name = catalogue.asked(pack)
    hooks = [_classify(hook, tree, pack, by_name) for hook in tree.hooks]
    out = [hook for hook in tree.hooks if tree.compiled_out(hook)] if options is not None else None
    return Audit(
        "kqual/1", kernel, hooks, _lacking(tree, pack, by_name), out, _prototypes(tree, pack), _functions(tree, pack),
        _unknown(Path(root), pack),
    )  # fmt: skip


def _classify(hook: str, tree: Definitions, pack: Pack, by_name: dict[str, list[str]]) -> HookClass:
    functions = tree.functions(hook) or pack.functions(hook)
    entry = pack.hooks.get(hook)
    if entry is not None and entry.nothing:
        return HookClass(hook, "nothing", list(functions), reason=entry.nothing)
    rules = catalogue.guarded(pack, hook, by_name, functions)
    return HookClass(hook, "guards" if rules else "unclassified", list(functions), rules)


def _lacking(tree: Definitions, pack: Pack, by_name: dict[str, list[str]]) -> list[Mismatch]:
    """Hooks of the catalogue that the tree has not, and hook functions of rules that its header does not declare."""
    found = [
        Mismatch(name, f"in the catalogue ({hook.file}:{hook.line})")
        for name, hook in sorted(pack.hooks.items())
        if name not in tree.hooks
    ]
    for name, rules in by_name.items():
        if name.startswith("security_") and name not in tree.declared:
            found.append(Mismatch(name, f"asked for by {_some(rules)}"))
    for name, check in sorted(pack.checks.items()):
        listed = name.startswith("security_") and check.family == "lsm" and name not in tree.declared
        # the security server of SELinux has functions of that name that are no hooks; the checks table says so
        if listed and name not in by_name and "is no hook" not in check.reason:
            found.append(Mismatch(name, "a [[check]]"))
    return found


def _prototypes(tree: Definitions, pack: Pack) -> list[Mismatch]:
    """Argument numbers of checks, and calls in rules, beyond what the tree's hooks and their functions take."""
    limits = _limits(tree, pack)
    found = []
    for name, check in sorted(pack.checks.items()):
        numbers = [n for n in (check.mask, check.namespace, check.subject, *check.objects, *check.writes) if n is not None]
        if name in limits and numbers and max(numbers) >= limits[name][0]:
            found.append(Mismatch(name, f"the check speaks of argument {max(numbers) + 1}, {limits[name][1]}"))
    given: dict[tuple[str, int], list[str]] = {}
    for rule in pack.rules:
        for line in rule.requires:
            for part in expressions.walk(line):
                if part[0] == "call" and part[1] in limits:
                    count = len([argument for argument in part[2] if argument != ("rest",)])
                    if count > limits[part[1]][0]:
                        given.setdefault((part[1], count), []).append(rule.id)
    for (name, count), rules in sorted(given.items()):
        verb = "gives" if len(set(rules)) == 1 else "give"
        found.append(Mismatch(name, f"{_some(sorted(set(rules)))} {verb} {count} arguments, {limits[name][1]}"))
    return found


def _limits(tree: Definitions, pack: Pack) -> dict[str, tuple[int, str]]:
    """How many arguments a hook function takes, and where that is declared."""
    limits = {name: (count, f"{HEADER} declares {count}") for name, count in tree.declared.items()}
    for hook in tree.hooks.values():
        entry, count = pack.hooks.get(hook.name), len(hook.params)
        for name in pack.functions(hook.name):
            if name in limits and count < limits[name][0] and not (entry is not None and entry.wider):
                limits[name] = (count, f"{DEFINITIONS}:{hook.line} declares {count}")
    return limits


def _functions(tree: Definitions, pack: Pack) -> list[Mismatch]:
    """Hooks that the tree asks through other functions than the catalogue says."""
    found = []
    for name in tree.hooks:
        entry = pack.hooks.get(name)
        if entry is None or not entry.functions:
            continue
        asking = tree.functions(name)
        if asking and not set(asking) & set(entry.functions):
            found.append(Mismatch(name, f"asked by {', '.join(asking)}, the catalogue says {', '.join(entry.functions)}"))
    return found


def _unknown(root: Path, pack: Pack) -> list[Mismatch]:
    """Functions and flags of the other families that the tree declares and the pack does not know."""
    found: dict[str, Mismatch] = {}
    for family in pack.families.values():
        for file in family.files:
            path = root / file
            if not path.is_file():
                continue
            text = without_comments(path.read_text("utf-8", "replace"))
            for match in _DECLARED.finditer(text):
                name = match[1] or match[2]
                if not any(fnmatchcase(name, pattern) for pattern in family.names) or name in family.other:
                    continue
                known = pack.checks.get(name)
                if known is None or not known.reason:
                    why = "no check of that name" if known is None else "its check has no reason"
                    found.setdefault(name, Mismatch(name, f"{file}: {family.name}: {why}"))
    return [found[name] for name in sorted(found)]


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"rule{'s' if len(names) > 1 else ''} {', '.join(names[:2])}{rest}"
