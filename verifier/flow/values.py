"""Symbolic values and locations of one function, hash-consed.

A value is named by where it came from: a parameter at entry, a load from a location, the result of a call at a
site, a constant, an operation.  Two expressions that name the same object evaluate to the same `Value` object, so
equality is identity.  Hash-consing after Filliatre and Conchon, "Type-safe modular hash-consing" (ML Workshop 2006);
access paths as object names after Landi and Ryder (PLDI 1992).

Operators of values, with their operands:

    c n                 constant                      s text              string
    p i                 parameter i at entry          f name              function
    ld loc              content of a location at entry or since the last unknown write
    & loc               address of a location         fv value field      field of a struct value
    r site name args    result of a call              out site i          what a call wrote through argument i
    phi block var       merge of several values       o op a b            operation
    ret                 (in summaries only) the returned value
    un why              not known

Operators of locations:

    L var   G name      local and global variables
    * value             what a value points to
    . loc field         member                        [] loc index        element
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

VOLATILE = frozenset({"r", "out", "phi", "L", "un"})
STATEMENTS = frozenset({"fact", "nfact", "cond", "took"})  # about values, never operands
MAX_DEPTH = 14
SITE_BITS = 24  # a site is the block's number and, below these bits, that of the statement
# IS_ERR_VALUE() and its kin compare without sign: the upper end of the numbers is the error numbers.
_ERRORS = {(">=", -4095): "<", (">", -4096): "<", ("<", -4095): ">=", ("<=", -4096): ">="}


class Value:
    """An interned node; compare with `is`.  `atoms` are the volatile roots that it mentions."""

    __slots__ = ("args", "atoms", "depth", "number", "op")

    def __init__(self, op: str, args: tuple[Any, ...], number: int) -> None:
        self.op = op
        self.args = args
        self.number = number
        atoms: frozenset[Value] = frozenset()
        depth = 0
        for arg in args:
            if arg.__class__ is Value:
                if arg.atoms:
                    atoms = atoms | arg.atoms if atoms else arg.atoms
                depth = max(depth, arg.depth)
            elif arg.__class__ is tuple:
                for item in arg:
                    if item.__class__ is Value:
                        if item.atoms:
                            atoms = atoms | item.atoms if atoms else item.atoms
                        depth = max(depth, item.depth)
        self.atoms = frozenset((self,)) if op in VOLATILE else atoms  # a volatile value stands for itself alone
        self.depth = 1 if op in VOLATILE else depth + 1

    def __repr__(self) -> str:
        return show(self)


def point_of(site: int) -> tuple[int, int]:
    """(block, statement) of a site."""
    return site >> SITE_BITS, site & ((1 << SITE_BITS) - 1)


class Values:
    """The table of one function's values; numbering follows creation, so it is deterministic."""

    def __init__(self) -> None:
        self.table: dict[tuple[Any, ...], Value] = {}
        self.zero = self.make("c", 0)
        self.one = self.make("c", 1)

    def make(self, op: str, *args: Any) -> Value:
        """The value with this operator and these operands; no simplification."""
        key = (op, *args)
        value = self.table.get(key)
        if value is None:
            value = Value(op, args, len(self.table))
            if value.depth > MAX_DEPTH and op not in STATEMENTS:
                value = Value("un", ("deep", len(self.table)), len(self.table))
            self.table[key] = value
        return value

    def const(self, number: int) -> Value:
        """A constant, as signed 64-bit when it does not fit otherwise."""
        if number >= 1 << 63:
            number -= 1 << 64
        return self.make("c", number)

    def deref(self, value: Value) -> Value:
        """The location that `value` points to."""
        if value.op == "&":
            return value.args[0]
        return self.make("*", value)

    def address(self, location: Value) -> Value:
        """The address of a location."""
        if location.op == "*":
            return location.args[0]
        return self.make("&", location)

    def operation(self, op: str, *args: Value) -> Value:
        """An operation, folded when all operands are constants and normalised when it is a comparison."""
        if all(a.op == "c" for a in args):
            folded = fold(op, [a.args[0] for a in args])
            if folded is not None:
                return self.const(folded)
        if len(args) == 2:
            a, b = args
            if op == "|":
                if a is self.zero:
                    return b
                if b is self.zero or a is b:
                    return a
            elif op in ("+", "-", "<<", ">>") and b is self.zero:
                return a
            elif op == "==" and a is b:
                return self.one
            elif op == "!=" and a is b or op == "&" and (a is self.zero or b is self.zero):
                return self.zero
            if b.op == "c" and (op, b.args[0]) in _ERRORS:
                return self.make("o", _ERRORS[op, b.args[0]], a, self.zero)
            if op == "!=" and b.op != "c" and a.op != "c":
                return self.make("o", "!", self.operation("==", a, b))
            if op in ("==", "!=", "&", "|", "+", "*", "^") and (
                (a.op == "c" and b.op != "c") or (b.op != "c" and a.number > b.number)
            ):
                a, b = b, a
            if op == "&" and b.op == "c" and a.op == "o" and a.args[0] == "&" and a.args[2].op == "c":
                return self.operation("&", a.args[1], self.const(a.args[2].args[0] & b.args[0]))
            if op == "&" and b.op == "c" and a.op == "o" and a.args[0] == "|" and a.args[2].op == "c":
                return self.operation("|", self.operation("&", a.args[1], b), self.const(a.args[2].args[0] & b.args[0]))
            return self.make("o", op, a, b)
        return self.make("o", op, *args)

    def substitute(self, value: Value, mapping: dict[Value, Value]) -> Value:
        """`value` with every occurrence of a key of `mapping` replaced, all at once."""
        memo: dict[Value, Value] = {}

        def walk(v: Value) -> Value:
            found = mapping.get(v)
            if found is not None:
                return found
            done = memo.get(v)
            if done is not None:
                return done
            changed = False
            args: list[Any] = []
            for arg in v.args:
                if arg.__class__ is Value:
                    new: Any = walk(arg)
                elif arg.__class__ is tuple:
                    new = tuple(walk(i) if i.__class__ is Value else i for i in arg)
                    if all(x is y for x, y in zip(new, arg, strict=True)):
                        new = arg
                else:
                    new = arg
                changed = changed or new is not arg
                args.append(new)
            out = self.build(v.op, args) if changed else v
            memo[v] = out
            return out

        return walk(value)

    def build(self, op: str, args: list[Any]) -> Value:
        """Like `make`, with the simplifications of dereference, address and operations."""
        if op == "*":
            return self.deref(args[0])
        if op == "&":
            return self.address(args[0])
        if op == "o":
            return self.operation(args[0], *args[1:])
        return self.make(op, *args)


def fold(op: str, n: list[int]) -> int | None:
    """Value of an operation over constants; None where it has none (division by zero, huge shift)."""
    if len(n) == 1:
        return {"neg": -n[0], "~": ~n[0], "!": int(n[0] == 0), "err": min(n[0], 0)}.get(op)
    a, b = n
    if op in ("/", "%"):
        if b == 0:
            return None
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return quotient if op == "/" else a - quotient * b
    if op in ("<<", ">>"):
        if not 0 <= b < 64:
            return None
        return (a << b) & ((1 << 64) - 1) if op == "<<" else a >> b
    table: dict[str, Callable[[int, int], int]] = {
        "+": int.__add__, "-": int.__sub__, "*": int.__mul__, "&": int.__and__, "|": int.__or__, "^": int.__xor__,
        "==": lambda x, y: int(x == y), "!=": lambda x, y: int(x != y), "<": lambda x, y: int(x < y),
        "<=": lambda x, y: int(x <= y), ">": lambda x, y: int(x > y), ">=": lambda x, y: int(x >= y),
    }  # fmt: skip
    return table[op](a, b) if op in table else None


def export(value: Value, rename: Callable[[Value], tuple[Any, ...] | None]) -> tuple[Any, ...] | None:
    """A value as nested plain tuples for a summary, or None where it speaks of something local.

    `rename` may give another spelling for a value (the returned one becomes ("ret",)).
    """
    other = rename(value)
    if other is not None:
        return other
    if value.op in VOLATILE:
        return None
    out: list[Any] = [value.op]
    for arg in value.args:
        if arg.__class__ is Value:
            item = export(arg, rename)
            if item is None:
                return None
            out.append(item)
        else:
            out.append(arg)
    return tuple(out)


def mentions_member(value: Value, field: str) -> bool:
    """Whether a value speaks of a member of this name, at any depth."""
    if value.op == "." and value.args[1] == field:
        return True
    for arg in value.args:
        for item in arg if arg.__class__ is tuple else (arg,):
            if item.__class__ is Value and mentions_member(item, field):
                return True
    return False


def show(value: Value, names: list[str] | None = None, depth: int = 6) -> str:
    """C-like text of a value; `names` are the parameters', what lies deeper than `depth` becomes `...`."""
    op, a = value.op, value.args
    if depth == 0 and op not in ("c", "p", "L", "G", "f"):
        return "..."

    def sub(v: Any) -> str:
        return show(v, names, depth if op in ("ld", "&", "*") else depth - 1) if v.__class__ is Value else str(v)

    if op == "c":
        return str(a[0])
    if op == "s":
        return '"' + a[0] + '"'
    if op == "p":
        return names[a[0]] if names and a[0] < len(names) else f"arg{a[0]}"
    if op in ("f", "G", "L"):
        return str(a[0])
    if op == "ld":
        return sub(a[0])
    if op == "&":
        return "&" + sub(a[0])
    if op == "*":
        return "*" + sub(a[0])
    if op == ".":
        base = a[0]
        return (sub(base.args[0]) + "->" if base.op == "*" else sub(base) + ".") + str(a[1])
    if op == "[]":
        base = a[0]
        return (sub(base.args[0]) if base.op == "*" else sub(base)) + "[" + sub(a[1]) + "]"
    if op == "fv":
        return sub(a[0]) + "." + str(a[1])
    if op == "r":
        return f"{a[1]}({', '.join(sub(x) for x in a[2])})"
    if op == "out":
        return f"{a[2]}(..)"
    if op == "phi":
        return str(a[1]).split(".")[0]
    if op == "o":
        if len(a) == 2:
            return f"PTR_ERR_OR_ZERO({sub(a[1])})" if a[0] == "err" else {"neg": "-"}.get(a[0], a[0]) + sub(a[1])
        return f"{sub(a[1])} {a[0]} {sub(a[2])}"
    if op == "k":
        return f"container_of({sub(a[0])}, {a[1]})"
    if op == "ret":
        return "return value"
    return "?"
