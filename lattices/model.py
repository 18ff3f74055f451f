"""What a rule pack holds: plain records, read by `lattices.pack`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lattices.expressions import Expr
from lattices.source import Problem

ALLOW = ("errno", "true", "false", "pointer", "count", "none")
FAMILIES = ("lsm", "capability", "dac", "lockdown", "flags")
TIERS = ("error", "warning")
SUBJECTS = ("user", "any")
NAMESPACES = ("init", "own")
ACCESS = ("read", "write", "any")


class PackError(Exception):
    """One or more data files are wrong; `problems` lists every error, ordered by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class Exemption:
    """A condition that stands in for the checks.  `params` are the names a named exemption abstracts over;
    `checks` are patterns of checks that may be left out by their wrappers where the condition holds, `silences` those of
    checks that then allow without asking anybody."""

    condition: Expr
    reason: str
    name: str = ""
    params: tuple[str, ...] = ()
    checks: tuple[Expr, ...] = ()
    silences: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A controlled operation and what it requires; see docs/rules.md for the keys.

    `operands` are the names that `operation` binds, in order of first use, and `variables`, which are parameters and
    local variables of the functions in `in`, as they stand at the operation.  Every item of `requires` must hold.
    `prelude` is C that stands before `good` and `bad` (the file's own, shared by its rules).
    """

    id: str
    service: str
    slot: str
    member: str
    operation: Expr
    operands: tuple[str, ...]
    requires: tuple[Expr, ...]
    when: Expr | None
    exempt: tuple[Exemption, ...]
    in_functions: tuple[str, ...]
    not_in: tuple[str, ...]
    subject: str
    tier: str
    lock: str
    reason: str
    good: str
    bad: str
    file: str
    line: int
    prelude: str = ""
    operation_text: str = ""
    requires_text: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """What a checking function means.

    `allow` is a word of ALLOW (`errno`: 0 allows and a negative value denies; `none`: the call decides nothing) or a
    tuple of the integers that allow.  `namespace`, `mask`, `subject` are argument numbers or None; `objects` argument
    numbers, empty where every argument counts; `writes` are arguments through which it gives something back.
    `modifiers` are the bits of the mask that are no rights.  `implies` are (passed, granted) pairs of call patterns
    over shared names.  A check with `slots` is no function: the dispatcher of these tables asks before it calls an
    entry, for what the entry's `member` declares, which is the check's one argument.  A `whole` check stands for itself:
    callers are not told which of the ways through its body let it pass.  One that `labels` makes, tells or takes away
    what modules keep: that some callers of a function ask it says nothing of the others, and its answer may be dropped.
    """

    name: str
    family: str = "lsm"
    allow: str | tuple[int, ...] = "errno"
    namespace: int | None = None
    mask: int | None = None
    objects: tuple[int, ...] = ()
    subject: int | None = None
    modifiers: int = 0
    implies: tuple[tuple[Expr, Expr], ...] = ()
    reason: str = ""
    writes: tuple[int, ...] = ()
    slots: tuple[str, ...] = ()
    member: str = ""
    whole: bool = False
    labels: bool = False


@dataclass(frozen=True)
class Hook:
    """What the catalogue says of an LSM hook beyond the rules that ask for it.

    `name` is its name in lsm_hook_defs.h; `functions` are the `security_*` functions through which the kernel asks it;
    `within` are checks whose body asks it, so that a rule naming them asks it too.  `nothing` says why it guards
    nothing, "" where it guards.  `guards` are ids of rules, where an entry names them at all.  `wider` says why the
    function takes more arguments than the hook.
    """

    name: str
    functions: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    nothing: str = ""
    guards: tuple[str, ...] = ()
    wider: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Family:
    """Where a family of checks is declared: functions in `files` whose names match `names` (glob patterns) are to be
    known as checks of the pack.  `other` are names that match and need no check of their own, each with its reason."""

    name: str
    files: tuple[str, ...]
    names: tuple[str, ...]
    other: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Accessor:
    """A function that returns a projection of its arguments: `value` over `params`."""

    params: tuple[str, ...]
    value: Expr


@dataclass(frozen=True)
class SubjectChange:
    """A function that changes whose credentials count.  `effect` is `set`, `restore` or `new`; `cred` the argument
    that is the new credential (None: the result or something else, said in `subject`)."""

    name: str
    effect: str
    cred: int | None
    subject: str
    reason: str


@dataclass(frozen=True)
class Door:
    """A way into the kernel, or a context that runs for nobody.

    `functions` are glob patterns of function names, `slots` are `tag.field`, `registrars` are (function, argument
    number) pairs whose argument is the entry, `attributes` are function attributes (`init`), `globals` are
    (tag, field) of table entries.  `subject` is `user`, `none`, or the name of another subject (`remote`, ...).
    """

    name: str
    kind: str
    subject: str
    functions: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    registrars: tuple[tuple[str, int], ...] = ()
    attributes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Privilege:
    """What one must have to get somewhere: a capability in the initial user namespace (`init`) or in any (`own`).

    It is asked for by `check`, at `door` (a door's name), or before handlers in `slots` are called; then where `when`
    holds for the constants beside the handler in its table or in the call that registers it (`registrars`), or where
    the constant `mode` lets nobody but the owner `access` ("read", "write" or "any") the file.
    """

    name: str
    capability: str
    namespace: str
    check: str = ""
    door: str = ""
    slots: tuple[str, ...] = ()
    registrars: tuple[Expr, ...] = ()
    when: Expr | None = None
    mode: str = ""
    access: str = "any"
    reason: str = ""


@dataclass(frozen=True)
class Overlaid:
    """What an overlay did to a rule below it: `what` is `retired` or `replaced`, `file` and `line` where that is said."""

    id: str
    what: str
    reason: str
    file: str
    line: int


@dataclass
class Pack:
    """Everything the data files say, for one kernel version.  `overlaid` tells what overlays took away, by rule id;
    `opened` are slots whose success comes before any other use of their table, each with its reason; `initial` are global
    objects of the initial namespaces, `unmapped` the identity mappings of no mount."""

    version: str
    rules: list[Rule] = field(default_factory=list)
    checks: dict[str, Check] = field(default_factory=dict)
    accessors: dict[str, Accessor] = field(default_factory=dict)
    doors: list[Door] = field(default_factory=list)
    subjects: dict[str, SubjectChange] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    globals: frozenset[str] = frozenset()
    initial: frozenset[str] = frozenset()
    unmapped: frozenset[str] = frozenset()
    services: dict[str, str] = field(default_factory=dict)
    exemptions: dict[str, Exemption] = field(default_factory=dict)
    overlaid: list[Overlaid] = field(default_factory=list)
    hooks: dict[str, Hook] = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)
    idle: dict[str, str] = field(default_factory=dict)  # functions whose calls of capability checks decide nothing, and why
    opened: dict[str, str] = field(default_factory=dict)
    declared: dict[str, Privilege] = field(default_factory=dict)
    digest: str = ""

    @property
    def privileges(self) -> dict[str, Privilege]:
        """The privileges that checks ask for in their own names, by check."""
        return {p.check: p for p in self.declared.values() if p.check}

    def check(self, name: str) -> Check | None:
        """Meaning of a checking function; any other `security_*` name is a hook where 0 allows; else None.

        `allow == "none"` says that the function decides nothing although it is called security_*.
        """
        found = self.checks.get(name)
        if found is None and name.startswith("security_"):
            found = self.checks[name] = Check(name)
        return found

    def functions(self, hook: str) -> tuple[str, ...]:
        """The `security_*` functions that ask a hook, as far as the pack knows: of its own name, or by the catalogue."""
        known = self.hooks.get(hook)
        return known.functions if known is not None else (f"security_{hook}",)

    def granted(self, name: str) -> set[str]:
        """Names of the checks that passing `name` grants by `implies`, itself included."""
        granted, todo = {name}, [name]
        while todo:
            check = self.check(todo.pop())
            for _, right in check.implies if check is not None else ():
                if right[1] not in granted:
                    granted.add(right[1])
                    todo.append(right[1])
        return granted

    def rule(self, name: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.id == name), None)
