"""What a report can show beyond its document: handed over by whoever has the rules and the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from verifier.findings import Finding


@dataclass(frozen=True)
class RuleText:
    """A rule in full.  `exempt` are (name, reason)."""

    id: str
    service: str = ""
    tier: str = ""
    operation: str = ""
    slot: str = ""
    requires: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    subject: str = ""
    reason: str = ""
    exempt: tuple[tuple[str, str], ...] = ()
    good: str = ""
    bad: str = ""
    place: str = ""


@dataclass(frozen=True)
class Leaving:
    """An edge out of a block (`to` is a block, -1 for the end of the function), and the checks passed on every and on some
    way that takes it."""

    to: int
    label: str
    always: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GraphBlock:
    """A basic block: its statements as (line, text), the checks passed on every and on some way to it, and those on the
    edges out of it that can be taken."""

    statements: tuple[tuple[int, str], ...]
    always: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()
    reached: bool = True
    leaving: tuple[Leaving, ...] = ()


@dataclass(frozen=True)
class FunctionGraph:
    """The control-flow graph of a function, block 0 its entry.  `edges` are (from, to, label); `facts` tells whether
    `always` and `sometimes` were computed."""

    name: str
    file: str
    line: int
    end_line: int
    blocks: tuple[GraphBlock, ...]
    edges: tuple[tuple[int, int, str], ...]
    facts: bool = False


@dataclass(frozen=True)
class SlotCall:
    """A slot that a function calls through: the lines of the calls, and how many functions the slot may hold."""

    slot: str
    lines: tuple[int, ...] = ()
    targets: int = 0


@dataclass(frozen=True)
class CallFacts:
    """A function's first line, who calls it (function, file), the names it calls, slots it calls through and is held in;
    `door` is what kind of door it is ("" for none), and `subject` who enters there."""

    line: int
    callers: tuple[tuple[str, str], ...]
    calls: frozenset[str]
    slots: tuple[SlotCall, ...]
    held_in: tuple[str, ...]
    door: str = ""
    subject: str = ""

    def through(self, name: str, callee: CallFacts) -> SlotCall | None:
        """The slot by which this function reaches `callee`, whose name is given; None for a direct call, and where
        none is known."""
        if name in self.calls:
            return None
        return next((call for call in self.slots if call.slot in callee.held_in), None)


Facts = Callable[[str, str], CallFacts | None]  # by file and function


@dataclass(frozen=True)
class Obligation:
    """A controlled operation of a rule at a place; `verdict` is `mediated`, `unmediated` or `unknown`."""

    rule: str
    file: str
    function: str
    line: int
    verdict: str


@dataclass(frozen=True)
class DoorText:
    """A door, and (rule, verdict, how many) of the operations that it reaches by direct calls."""

    name: str
    file: str
    line: int
    subject: str
    operations: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class ModuleText:
    """A security module: how many hooks it implements, whether it counts as loaded, and why its number needs a word."""

    name: str
    hooks: int
    loaded: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Modules:
    """Which module decides what.  `order` is the value of `lsm=` ("" where all modules of the tree count), `services`
    are (service, rules that ask for LSM hooks, {module: rules it decides}), `vacuous` (rule, service, hooks), `rules`
    maps rules to their hooks and the modules that implement one of them, `checks` functions that ask hooks, themselves or in
    what they imply, to modules."""

    modules: tuple[ModuleText, ...]
    order: str
    services: tuple[tuple[str, int, dict[str, int]], ...]
    unimplemented: tuple[str, ...]
    vacuous: tuple[tuple[str, str, tuple[str, ...]], ...]
    rules: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    checks: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Material:
    """Everything optional.  `graph` gives the function that holds a place; `calls` tells of a function
    by file and name; `coverage` is a coverage document;
    `obligations` are all controlled operations, None where that is not known; `families` are those of checks."""

    rules: dict[str, RuleText] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    graph: Callable[[str, str, int], FunctionGraph | None] = lambda file, function, line: None
    calls: Facts = lambda file, function: None
    coverage: dict[str, Any] | None = None
    obligations: list[Obligation] | None = None
    modules: Modules | None = None
    doors: list[DoorText] | None = None
    families: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def service_of(finding: Finding, material: Material, services: dict[str, str]) -> str:
    """The title of the service that a finding's rule belongs to; "" when that is not known."""
    rule = material.rules.get(finding.rule)
    service = rule.service if rule is not None else services.get(finding.rule, "")
    return material.services.get(service, service)
