"""What functions do and which checks they make, as far as siblings are compared by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lattices.model import Check as Meaning
from lattices.model import Pack
from verifier.flow.state import POS, ZERO
from verifier.flow.summary import Result
from verifier.oracles.passed import OTHER
from verifier.oracles.siblings import Check
from verifier.program.link import Info, Program
from verifier.program.way import INIT, OWN

DEPTH = 2  # calls below a function that what it does, and what it asks for, is looked for in
COMMON = 150  # a function with more callers, or a member with more functions that store to it, tells nothing
SUCCESS = ZERO | POS
CAPABILITY, ASKED = "capability", "asked"


class Guards:
    """Answers for one program; remembers what it was asked."""

    def __init__(self, program: Program, results: Mapping[str, Result], pack: Pack) -> None:
        self.program = program
        self.results = results
        self.pack = pack
        self.capabilities = {value: name for name, value in sorted(pack.constants.items()) if name.startswith("CAP_")}
        self.declared = pack.privileges
        self.alone = {name for rule in pack.rules for line in rule.requires for name in wanted_alone(line)}
        self._does: dict[tuple[str, int], frozenset[str]] = {}
        self._passed: dict[str, frozenset[Check]] = {}
        self._asks: dict[tuple[str, bool, int], frozenset[str]] = {}

    # --- checks as tokens -----------------------------------------------------------------------------------------

    def token(self, name: str, arguments: tuple[str, ...]) -> tuple[str, str] | None:
        """A passed check as a token, from its spelled arguments: a capability and the namespace that it was asked for in,
        or the check's own name.  None for tests of somebody else's credentials and for what decides nothing."""
        check = self.pack.check(name)
        if check is None or check.allow == "none" or check.labels or check.family == "flags":
            return None
        if check.family != "capability":
            return (name, "")
        return self._capability(check, arguments)

    def _capability(self, check: Meaning, arguments: tuple[str, ...]) -> tuple[str, str] | None:
        declared = self.declared.get(check.name)
        if declared is not None:
            return (declared.capability, declared.namespace)
        if check.subject is not None and not check.name.startswith("file_"):
            return None
        numbers = [int(arguments[i]) for i in check.objects if i < len(arguments) and arguments[i].isdigit()]
        if not numbers or numbers[0] not in self.capabilities:
            return None
        if check.namespace is not None:
            spelled = arguments[check.namespace] if check.namespace < len(arguments) else ""
            initial = spelled.lstrip("&*").split("->")[0].split(".")[0] in self.pack.initial
        else:
            initial = any("init_user_ns" in repr(granted) for _, granted in check.implies)
        return (self.capabilities[numbers[0]], INIT if initial else OWN)

    def privilege(self, name: str, arguments: tuple[str, ...]) -> tuple[str, str] | None:
        """`token` of capabilities alone."""
        return self.token(name, arguments) if self.capability(name) else None

    def decides(self, name: str) -> bool:
        """Whether a check is a hook, or one of the other families that can stand for a rule."""
        check = self.pack.check(name)
        if check is None or check.allow == "none" or check.labels:
            return False
        if check.family == "dac":
            return name in self.alone
        return name.startswith("security_") if check.family == "lsm" else check.family in ("capability", "lockdown")

    def within(self, name: str) -> set[str]:
        """Checks that a check of another family than capabilities grants on the way."""
        check = self.pack.check(name)
        return {granted[1] for _, granted in check.implies} if check is not None and check.family != "capability" else set()

    def passed(self, fid: str) -> frozenset[Check]:
        """Checks that were passed whenever the function succeeds (returns no error, or returns at all), with what they
        imply: a capability in the initial namespace is one in any."""
        found = self._passed.get(fid)
        if found is None:
            tokens = self._ensured(fid, lambda name, args: self.token(name, args) if self.decides(name) else None)
            found = self._passed[fid] = tokens | {(name, OWN) for name, where in tokens if where == INIT}
        return found

    def privileges(self, fid: str) -> frozenset[Check]:
        """`passed`, of capabilities and lockdown alone: an implementation that alone asks about an object asks about one
        beneath it, or names what it made."""
        return frozenset(c for c in self.passed(fid) if c[1] in (INIT, OWN) or c[0] == "security_locked_down")

    def namespaces(self, fid: str) -> frozenset[Check]:
        """Capabilities with the user namespaces that they are asked for in, where these are told over parameters."""

        def key(name: str, arguments: tuple[str, ...]) -> Check | None:
            check, token = self.pack.check(name), self.token(name, arguments)
            if check is None or token is None or check.namespace is None or check.family != "capability":
                return None
            where = arguments[check.namespace] if check.namespace < len(arguments) else OTHER
            return None if OTHER in where.split(".") else (token[0], where)

        return self._ensured(fid, key)

    def _ensured(self, fid: str, key: Callable[[str, tuple[str, ...]], Check | None]) -> frozenset[Check]:
        result = self.results.get(fid)
        if result is None or result.cut:
            return frozenset()
        out: frozenset[Check] | None = None
        for way in result.summary.alternatives:
            if not way.mask & SUCCESS or (way.eq is not None and way.eq < 0):
                continue
            found = (key(name, tuple(spelled(a) for a in args)) for op, name, args, _ in way.facts if op == "fact")
            here = frozenset(t for t in found if t is not None)
            out = here if out is None else out & here
        return out if out is not None else frozenset()

    def asks(self, fid: str) -> frozenset[str]:
        """Names of the checks that the function makes, itself, through functions of its own file, or in a callee that
        guarantees one."""
        return self._asked(fid, False)

    def _asked(self, fid: str, own: bool, depth: int = DEPTH) -> frozenset[str]:
        """`own` leaves out what callees ask for that change something: they check for themselves."""
        found = self._asks.get((fid, own, depth))
        if found is None:
            info = self.program.functions[fid]
            out: set[str] = set()
            for name in info.index.calls:
                callee = self.program.resolve(info.unit, name)
                if self.decides(name):
                    out.add(name)
                elif callee is not None:
                    if not own or not self.changes(callee):
                        out.update(n for n in self.ensures(callee) if self.decides(n))
                    if depth and self.program.functions[callee].index.file == info.index.file:
                        out |= self._asked(callee, own, depth - 1)
            found = self._asks[fid, own, depth] = frozenset(out)
        return found

    def ensures(self, fid: str) -> set[str]:
        """Names of the checks that a function guarantees on one of its ways at least."""
        result = self.results.get(fid)
        ways = result.summary.alternatives if result is not None else ()
        return {fact[1] for way in ways for fact in way.facts if fact[0] == "fact"}

    def asking(self, fid: str) -> frozenset[Check]:
        """What the function asks for before it does its own work, as (name, ASKED): all tests of capabilities are one."""
        return frozenset((CAPABILITY if self.capability(name) else name, ASKED) for name in self._asked(fid, True))

    def capability(self, name: str) -> bool:
        """Whether a check tests a capability."""
        check = self.pack.check(name)
        return check is not None and check.family == "capability"

    def makes(self, info: Info, name: str, check: Check) -> bool:
        """Whether a call of a name in a function makes the check, itself or on one of its ways."""
        capability = check[0] == CAPABILITY or check[1] in (INIT, OWN) or check[0].startswith("CAP_")
        callee = self.program.resolve(info.unit, name)
        names = self.ensures(callee) if callee is not None else set()
        if self.decides(name):
            names = {name, *names}
        return any(self.capability(n) if capability else n == check[0] for n in names)

    def mentions(self, fid: str, check: Check) -> bool:
        """Whether the function asks for the check anywhere; for a capability any test of capabilities counts."""
        if check[1] in (INIT, OWN) or check[0] == CAPABILITY:
            return any(self.capability(name) for name in self.asks(fid))
        return check[0] in self.asks(fid)

    # --- effects --------------------------------------------------------------------------------------------------

    def does(self, fid: str, depth: int = DEPTH) -> frozenset[str]:
        """Members that a function stores to, slots that it calls and functions that it calls, some calls deep, without
        what so many do that it tells nothing."""
        key = (fid, depth)
        found = self._does.get(key)
        if found is None:
            info = self.program.functions[fid]
            index = info.index
            found = self._does[key] = self.doing(info, index.stores, [slot for slot, _ in index.slots], index.calls, depth)
        return found

    def doing(self, info: Info, stores: Iterable[str], slots: Iterable[str], calls: Iterable[str], depth: int) -> frozenset[str]:
        """`does` of some of a function's stores, indirect calls and calls."""
        out = {m for m in stores if self.program.storing[m] <= COMMON}
        out.update(f"->{slot}" for slot in slots if not slot.startswith(("?", "=", "&")) and "#" not in slot)
        for name in calls:
            callee = self.program.resolve(info.unit, name)
            if callee is None or len(self.program.callers.get(callee, ())) > COMMON or self.pack.check(name) is not None:
                continue
            if self.changes(callee):
                out.add(f"{name}()")
            if depth:
                out |= self.does(callee, depth - 1)
        return frozenset(out)

    def changes(self, fid: str) -> bool:
        """Whether a function stores to anything, or calls through a table."""
        index = self.program.functions[fid].index
        return bool(index.stores or index.slots or fid in self.program.writes)


def wanted_alone(line: Any) -> list[str]:
    """Checks that a line of a rule asks for by themselves, and not in place of another (`owner() || capable()`)."""
    if line[0] == "and":
        return [name for part in line[1:] for name in wanted_alone(part)]
    return [line[1]] if line[0] == "call" and isinstance(line[1], str) else []


def spelled(term: Any) -> str:
    """A summary's term as C, as far as a check's number and namespace need it."""
    op = term[0]
    if op == "c":
        return str(term[1])
    if op == "G":
        return str(term[1])
    if op == "cur":
        return "current"
    if op == "p":
        return f"p{term[1]}"
    if op == "&":
        return f"&{spelled(term[1])}"
    if op in ("ld", "*"):
        return spelled(term[1])
    if op == ".":
        return f"{spelled(term[1])}.{term[2]}"
    return OTHER
