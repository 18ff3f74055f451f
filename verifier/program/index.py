"""A unit's index: what linking and the choice of functions need, without their bodies.

Made once per unit beside its IR and stored with it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from verifier.ir.model import Function, Unit

INDEX_VERSION = "5"  # to be raised with every change of what an index holds


class FunctionIndex(msgspec.Struct, array_like=True):
    """One function without its body.

    `calls` are names of direct callees; `slots` are (slot, line) of indirect calls, where a slot is "tag.field",
    "function#n" for a call of parameter n, or "?" and why; `others` are further slots of the same calls, where a variable
    or parameter is assigned from more than one place; `stores` and `reads` are "tag.field" members; `writes` are
    parameters that it writes through itself; `passes` are (callee, argument, own parameter) it hands on;
    `assigns` are (slot, source) where the source is a function, "function#n", another slot, or "function*n" for what
    parameter n points to, which may be the slot as well; `hands` are (callee, argument, function) of functions given as
    arguments; `lends` are calls that hand over addresses of members: (callee, [(argument, "&tag.field" or a source)]).
    """

    name: str
    file: str
    line: int
    static: bool
    attributes: list[str]
    params: int
    returns: str
    size: int
    sites: int
    calls: list[str]
    slots: list[tuple[str, int]]
    stores: list[str]
    reads: list[str]
    writes: list[int]
    passes: list[tuple[str, int, int]]
    assigns: list[tuple[str, str]]
    hands: list[tuple[str, int, str]]
    lends: list[tuple[str, list[tuple[int, str]]]] = []
    others: list[tuple[str, int]] = []

    def slot_names(self) -> list[str]:
        """Every slot that an indirect call may go through, each once."""
        return list(dict.fromkeys(slot for slot, _ in [*self.slots, *self.others]))


class TableEntry(msgspec.Struct, array_like=True):
    """A function in an initialised object: its slot, the object, the element's constants by field name."""

    slot: str
    function: str
    table: str
    file: str
    static: bool
    constants: dict[str, int]


class UnitIndex(msgspec.Struct, array_like=True):
    """Index of one unit, in the order of its IR."""

    file: str
    functions: list[FunctionIndex]
    entries: list[TableEntry]


class _Entries(msgspec.Struct, array_like=True):
    """A unit's index whose functions are passed over."""

    file: str
    functions: msgspec.Raw
    entries: list[TableEntry]


def entries_of(data: bytes) -> UnitIndex:
    """The encoded index of a unit without its functions."""
    found = msgspec.msgpack.decode(data, type=_Entries)
    return UnitIndex(found.file, [], found.entries)


def index_key(unit: str) -> str:
    """Where the index of a unit lies in the store."""
    return f"{unit}/{INDEX_VERSION}"


def index_unit(unit: Unit) -> UnitIndex:
    """The index of a unit."""
    return UnitIndex(unit.file, [index_function(f) for f in unit.functions], _entries(unit))


def index_function(fn: Function) -> FunctionIndex:
    """The index of a function."""
    exprs = fn.exprs
    params = {p.name: i for i, p in enumerate(fn.params)}
    defined: dict[str, list[int]] = {}
    stores: set[str] = set()
    callee_exprs: set[int] = set()
    calls: dict[str, None] = {}
    sites = 0
    writes: set[int] = set()
    passes: dict[tuple[str, int, int], None] = {}
    assigns: dict[tuple[str, str], None] = {}
    hands: dict[tuple[str, int, str], None] = {}
    lends: dict[tuple[str, tuple[tuple[int, str], ...]], None] = {}
    slots: list[tuple[str, int]] = []
    indirect: list[tuple[int, int]] = []
    held: list[tuple[str, int, str]] = []

    def base(index: int, through: bool = False) -> tuple[str | None, bool]:
        while True:
            e = exprs[index]
            if e[0] in ("m", "i", "a"):
                index = e[1]
            elif e[0] == "d":
                through = True
                index = e[1]
            elif e[0] == "v":
                return e[1], through
            else:
                return None, through

    def target(index: int) -> None:
        e = exprs[index]
        if e[0] == "m":
            stores.add(f"{e[2]}.{e[3]}")
        name, through = base(index)
        if name in params and through:
            writes.add(params[name])

    for block in fn.blocks:
        for s in block.statements:
            if s[0] == "=":
                target(s[1])
                e = exprs[s[1]]
                if e[0] == "v":
                    defined.setdefault(e[1], []).append(s[2])
            elif s[0] == "call":
                callee_exprs.add(s[2])
                e = exprs[s[2]]
                if s[1] >= 0:
                    target(s[1])
                if e[0] == "f":
                    calls[e[1]] = None
                    sites += 1
                    lent = _lent(fn, s[3], params)
                    if lent:
                        lends[(e[1], lent)] = None
                    for n, arg in enumerate(s[3]):
                        a = exprs[arg]
                        if a[0] == "f":
                            hands[(e[1], n, a[1])] = None
                        elif a[0] == "v" and a[1] not in params:
                            held.append((e[1], n, a[1]))
                        else:
                            name, _ = base(arg)
                            if name in params:
                                passes[(e[1], n, params[name])] = None
                else:
                    indirect.append((s[2], s[4]))
                    for arg in s[3]:
                        name, _ = base(arg)
                        if name in params:
                            passes[("?", 0, params[name])] = None
            elif s[0] == "asm":
                for out in s[1]:
                    target(out)
    for callee, n, variable in held:  # a variable that a function was put into
        hands.update({(callee, n, exprs[v][1]): None for v in defined.get(variable, ()) if exprs[v][0] == "f"})
    others: dict[tuple[str, int], None] = {}
    for index, line in indirect:
        first, *rest = _slots(fn, index, params, defined)
        slots.append((first, line))
        others.update({(slot, line): None for slot in rest})
    for block in fn.blocks:
        for s in block.statements:
            if s[0] == "=" and exprs[s[1]][0] == "d" and (through := _through(fn, s[1], params)):
                for source in _sources(fn, s[2], params, defined, 0):
                    assigns[(through, source)] = None
            if s[0] == "=" and exprs[s[1]][0] in ("m", "i"):
                place = exprs[s[1]]
                while place[0] == "i":
                    place = exprs[place[1]]
                if place[0] != "m":
                    continue
                for source in _sources(fn, s[2], params, defined, 0):
                    assigns[(f"{place[2]}.{place[3]}", source)] = None
    reads = sorted({f"{e[2]}.{e[3]}" for e in exprs if e[0] == "m"})
    return FunctionIndex(
        fn.name, fn.file, fn.line, fn.static, fn.attributes, len(fn.params), fn.returns, len(fn.blocks), sites,
        sorted(calls), slots, sorted(stores), reads, sorted(writes), sorted(passes), sorted(assigns), sorted(hands),
        [(callee, list(given)) for callee, given in sorted(lends)],
        list(others),
    )  # fmt: skip


def sources_of(fn: Function, index: int) -> list[str]:
    """Functions, "function#n" or slots ("tag.field"), that an expression's value may come from; [] where that is not known."""
    defined: dict[str, list[int]] = {}
    for block in fn.blocks:
        for s in block.statements:
            if s[0] == "=" and fn.exprs[s[1]][0] == "v":
                defined.setdefault(fn.exprs[s[1]][1], []).append(s[2])
    return _sources(fn, index, {p.name: i for i, p in enumerate(fn.params)}, defined, 0)


def _sources(
    fn: Function, index: int, params: dict[str, int], defined: dict[str, list[int]], depth: int
) -> list[str]:
    """Functions, "function#n" or slots ("tag.field"), that a value may come from."""
    e = fn.exprs[index]
    if e[0] == "m":
        return [f"{e[2]}.{e[3]}"]
    if e[0] == "d" and (through := _through(fn, index, params)):
        return [through]
    if e[0] == "f":
        return [e[1]]
    if e[0] == "a":
        return _sources(fn, e[1], params, defined, depth)
    if e[0] == "v" and depth < 4:
        out = [f"{fn.name}#{params[e[1]]}"] if e[1] in params else []
        for source in defined.get(e[1], []):
            out.extend(_sources(fn, source, params, defined, depth + 1))
        return list(dict.fromkeys(out))
    return []


def _through(fn: Function, index: int, params: dict[str, int]) -> str:
    """"function*n" for what parameter n points to, "" for any other place."""
    inner = fn.exprs[fn.exprs[index][1]]
    return f"{fn.name}*{params[inner[1]]}" if inner[0] == "v" and inner[1] in params else ""


def _lent(fn: Function, args: tuple[int, ...], params: dict[str, int]) -> tuple[tuple[int, str], ...]:
    """Arguments of a call that is given the address of a member together with another one, a function or a parameter."""
    out: list[tuple[int, str]] = []
    for n, arg in enumerate(args):
        e = fn.exprs[arg]
        if e[0] == "a" and fn.exprs[e[1]][0] == "m":
            member = fn.exprs[e[1]]
            out.append((n, f"&{member[2]}.{member[3]}"))
        elif e[0] == "f":
            out.append((n, e[1]))
        elif e[0] == "v" and e[1] in params:
            out.append((n, f"{fn.name}#{params[e[1]]}"))
    return tuple(out) if len(out) > 1 and any(source.startswith("&") for _, source in out) else ()


def _slots(
    fn: Function, index: int, params: dict[str, int], defined: dict[str, list[int]], depth: int = 0
) -> list[str]:
    """The slots that a callee expression may read its function pointer from, in the order of the assignments; never
    empty."""
    e = fn.exprs[index]
    while e[0] in ("d", "i"):
        e = fn.exprs[e[1]]
    if e[0] == "m":
        return [f"{e[2]}.{e[3]}"]
    if e[0] == "v":
        found = [f"{fn.name}#{params[e[1]]}"] if e[1] in params else []
        for source in defined.get(e[1], []) if depth < 4 else ():
            found += [slot for slot in _slots(fn, source, params, defined, depth + 1) if not slot.startswith("?")]
        return list(dict.fromkeys(found)) or [f"?{fn.name}"]
    if e[0] == "g":
        return [f"={e[1]}"]
    if e[0] == "f":
        return [f"&{e[1]}"]
    return [f"?{fn.name}"]


def _entries(unit: Unit) -> list[TableEntry]:
    out: list[TableEntry] = []
    for item in unit.globals:
        constants: dict[tuple[Any, ...], dict[str, int]] = {}
        for access, value in item.entries:
            if value[0] == "c" and access and isinstance(access[-1], str):
                constants.setdefault(tuple(access[:-1]), {})[access[-1].split(".", 1)[-1]] = value[1]
        for access, value in item.entries:
            if value[0] != "f":
                continue
            fields = [a for a in access if isinstance(a, str)]
            slot = fields[-1] if fields else f"={item.name}"
            near = constants.get(tuple(access[:-1]), {}) if access else {}
            out.append(TableEntry(slot, value[1], item.name, item.file, item.static, near))
    return out
