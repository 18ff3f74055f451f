"""LSM hooks as a kernel's source text declares them: names, prototypes, and the functions through which they are asked.

Reads include/linux/lsm_hook_defs.h, include/linux/security.h and, if it is there, security/security.c; no scan, no
compiler.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from verifier.errors import KqualError
from verifier.modules.conditions import active, without_comments

DEFINITIONS = "include/linux/lsm_hook_defs.h"
HEADER = "include/linux/security.h"
CALLS = "security/security.c"

_HOOK = re.compile(r"\bLSM_HOOK\s*\(")
_BODY = re.compile(r"^[A-Za-z_][^;{}#]*?\b(\w+)\s*\(([^;{}]*)\)[^;{}()]*\n\{(.*?)^\}", re.DOTALL | re.MULTILINE)
_ASKED = re.compile(
    r"\b(?:call_(?:int|void)_hook\s*\(\s*|lsm_for_each_hook\s*\(\s*\w+\s*,\s*|security_hook_heads\.)(\w+)"
)
_PROTOTYPE = re.compile(r"^([A-Za-z_][\w \t\n*]*?)\b(security_\w+)\s*\(([^;{}]*?)\)\s*([;{])", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Hook:
    """One LSM_HOOK: return type, default value, parameters as written, line in lsm_hook_defs.h."""

    name: str
    returns: str
    default: str
    params: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Prototype:
    """A `security_*` function of security.h; `stub` where the configuration leaves an inline in its place."""

    name: str
    params: tuple[str, ...]
    line: int
    stub: bool


@dataclass
class Definitions:
    """Hooks in the order of the header; `asked` maps a hook to the functions of security.c that call it, if there are any.

    `configured` are the hooks that the configuration leaves in, `prototypes` the declarations that it leaves in and
    `declared` the number of parameters that any of the header's declarations has.
    """

    hooks: dict[str, Hook] = field(default_factory=dict)
    configured: frozenset[str] = frozenset()
    prototypes: dict[str, Prototype] = field(default_factory=dict)
    declared: dict[str, int] = field(default_factory=dict)
    asked: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def functions(self, hook: str) -> tuple[str, ...]:
        """The `security_*` functions that ask a hook; by name where security.c does not tell."""
        if hook in self.asked:
            return tuple(name for name in self.asked[hook] if name.startswith("security_"))
        return (f"security_{hook}",) if f"security_{hook}" in self.declared else ()

    def hooks_of(self, function: str) -> tuple[str, ...]:
        """The hooks that a function asks."""
        return tuple(hook for hook in self.hooks if function in self.functions(hook))

    def compiled_out(self, hook: str) -> bool:
        """Whether the configuration drops the hook, or leaves stubs only in place of the functions that ask it."""
        own = [self.prototypes[name] for name in self.functions(hook) if name in self.prototypes]
        return hook not in self.configured or (bool(own) and all(p.stub for p in own))


def read_definitions(root: str | Path, options: dict[str, str] | None = None) -> Definitions:
    """The hooks of a tree, in the configuration `options` (CONFIG_ name to value) where there is one.

    Raises KqualError where the tree has no lsm_hook_defs.h, or one without hooks.
    """
    texts = {name: _text(Path(root), name) for name in (DEFINITIONS, HEADER)}
    found = Definitions()
    found.hooks = parse_hooks(without_comments(texts[DEFINITIONS]))
    if not found.hooks:
        raise KqualError(f"{root}: {DEFINITIONS} declares no hook", "kqual reads hooks of kernels from 5.7 on")
    bare = re.sub(r"^\s*#.*$", "", without_comments(texts[HEADER]), flags=re.MULTILINE)
    for name, prototype in _prototypes(bare):
        found.declared[name] = max(found.declared.get(name, 0), len(prototype.params))
    if options is None:
        found.configured = frozenset(found.hooks)
    else:
        # Both headers are read as the kernel's own C sees them: with __KERNEL__ and without the guard's macro.
        found.configured = frozenset(parse_hooks(active(texts[DEFINITIONS], options)))
        found.prototypes = dict(_prototypes(active(texts[HEADER], options)))
    calls = Path(root) / CALLS
    text = calls.read_text("utf-8", "replace") if calls.is_file() else ""
    asked: dict[str, dict[str, None]] = {}
    for match in _BODY.finditer(without_comments(text)):
        for hook in _ASKED.findall(match[3]):
            asked.setdefault(hook, {})[match[1]] = None
    found.asked = {hook: tuple(asked[hook]) for hook in found.hooks if hook in asked}
    return found


def _text(root: Path, name: str) -> str:
    try:
        return (root / name).read_text("utf-8", "replace")
    except FileNotFoundError:
        raise KqualError(f"{root}: there is no {name}", "give the top of a kernel tree, 5.7 or later") from None


def parse_hooks(text: str) -> dict[str, Hook]:
    """The LSM_HOOK(return type, default, name, parameters...) of a text without comments."""
    found: dict[str, Hook] = {}
    for match in _HOOK.finditer(text):
        inside = _inside(text, match.end())
        parts = split(inside)
        if len(parts) >= 3 and not _defines(text, match.start()):
            params = tuple(part for part in parts[3:] if part not in ("", "void"))
            found[parts[2]] = Hook(parts[2], parts[0], parts[1], params, text.count("\n", 0, match.start()) + 1)
    return found


def _defines(text: str, at: int) -> bool:
    return text[text.rfind("\n", 0, at) + 1 : at].lstrip().startswith("#")


def _inside(text: str, start: int) -> str:
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if not depth:
            return text[start:at]
    return text[start:]


def split(text: str) -> list[str]:
    """The parts between top-level commas, blanks collapsed."""
    parts, depth, last = [], 0, 0
    for at, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            parts.append(text[last:at])
            last = at + 1
    return [" ".join(part.split()) for part in [*parts, text[last:]]]


def _prototypes(text: str) -> list[tuple[str, Prototype]]:
    found = []
    for match in _PROTOTYPE.finditer(text):
        params = tuple(part for part in split(match[3]) if part not in ("", "void"))
        line = text.count("\n", 0, match.start(2)) + 1
        found.append((match[2], Prototype(match[2], params, line, "inline" in match[1].split())))
    return found
