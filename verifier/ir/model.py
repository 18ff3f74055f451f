"""The intermediate representation: functions as control-flow graphs of statements over pooled expressions.

A function's expressions form a pool without duplicates (hash-consing after Filliatre and Conchon, ML Workshop 2006):
each is a flat tuple whose operands are smaller indices into the same pool, so that one decode of a MessagePack list
restores all of them.  Expressions have no side effects; calls are statements.

Expression forms (first item is the operator, `e` are pool indices):

    ("c", n)  ("s", text)                 integer and string constants
    ("v", name)                           parameter, local or temporary (temporaries start with `%`)
    ("g", name)  ("f", name)              global variable, function designator
    ("m", e, tag, field)                  member of the object e; `p->f` is ("m", ("d", p), tag, f)
    ("d", e)  ("a", e)                    dereference, address of
    ("i", e, e)                           array element
    ("o", op, e...)                       unary  neg ~ !  or binary  + - * / % & | ^ << >> == != < <= > >=
    ("k", e, tag)                         container_of: pointer to the `struct tag` around what e points to
    ("u", why)                            not understood

Statements (`line` last):

    ("=", lvalue, e, line)
    ("call", destination lvalue or -1, callee e, [argument e...], line)
    ("asm", [output lvalue...], [input e...], line)
    ("havoc", lvalue, line)               the variable goes out of scope or comes into it without a value

Terminators:

    ("jmp", block)  ("br", condition e, then block, else block, line)
    ("sw", e, [[low, high, block]...], default block, line)
    ("ret", e or -1, line)  ("end", line)  execution does not come back (noreturn)
    ("any", [block...], line)             asm goto and computed goto: any of them

Block 0 is the entry.  Blocks are numbered in reverse postorder.
"""

from __future__ import annotations

from typing import Any

import msgspec

Expr = tuple[Any, ...]
Statement = tuple[Any, ...]


class Block(msgspec.Struct, array_like=True):
    """Straight-line statements and one terminator."""

    statements: list[tuple]
    terminator: tuple


class Param(msgspec.Struct, array_like=True, frozen=True):
    """A parameter; `type` is a type class (`int`, `uint`, `bool`, `ptr:TAG`, `struct:TAG`, `fnptr`, `void`)."""

    name: str
    type: str


class Function(msgspec.Struct, array_like=True):
    """A function body.  `file` is relative to the tree; attributes are `init`, `inline`, `weak`, `noreturn`, `stub`."""

    name: str
    file: str
    line: int
    end_line: int
    static: bool
    returns: str
    params: list[Param]
    attributes: list[str]
    exprs: list[tuple]
    blocks: list[Block]
    unknowns: list[str] = []
    local_types: dict[str, str] = {}


class GlobalInit(msgspec.Struct, array_like=True):
    """Initialiser of a file-scope or function-static object, flattened.

    `entries` are [access, value]: `access` is a list of field names and array indices (ints) from the object's top,
    with `tag.field` notation for fields ("inode_operations.unlink"); `value` is ("f", function), ("c", int),
    ("s", text), ("ag", global) for the address of a global, or ("u", why).
    """

    name: str
    file: str
    line: int
    static: bool
    type: str
    entries: list[tuple[list[Any], tuple]]


class Unit(msgspec.Struct, array_like=True):
    """One translation unit: what its own file and the headers outside the precompiled one define."""

    file: str
    functions: list[Function]
    globals: list[GlobalInit]
    declarations: dict[str, list[str]] = {}
    errors: list[str] = []


def encode(unit: Unit) -> bytes:
    """MessagePack bytes of a unit."""
    return msgspec.msgpack.encode(unit)


def decode(data: bytes) -> Unit:
    """Inverse of `encode`; raises msgspec.ValidationError or msgspec.DecodeError on anything else."""
    return msgspec.msgpack.decode(data, type=Unit)
