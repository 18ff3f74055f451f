"""The IR as text that a person can read and `verifier.ir.reader` can read back.

    int may_open(ptr:inode inode, int mask)  fs/a.c:10-20
      attributes static
      local int err
    block 0:
        12  err = security_inode_permission(inode, (mask & 7))
        13  if err goto 1 else 2
    block 1 <- 0:
        14  return err

Names are locals and parameters, `%1` temporaries, `@x` globals, `$f` functions (without `$` where they are called).
A member carries its struct tag: `inode->inode.i_op` for a pointer, `path:path.dentry` for an object.  `[e](...)` calls
what e points to; `x = ?` means that x holds nothing known from here on.
"""

from __future__ import annotations

import json
import re

from verifier.ir.dominance import predecessors
from verifier.ir.model import Function, GlobalInit, Unit

WORD = re.compile(r"[A-Za-z0-9_%.$:+/=~-]+\Z")
NAME = re.compile(r"(?:%[0-9]+|[A-Za-z_][A-Za-z0-9_.]*)\Z")
MEMBER = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.]*)?\Z")
FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def quoted(text: str, plain: re.Pattern) -> str:
    """The text itself where it matches `plain`, else a JSON string."""
    return text if plain.match(text) else json.dumps(text)


def expression_texts(exprs: list[tuple]) -> list[str]:
    """Text of each expression of a pool."""
    texts: list[str] = []
    for node in exprs:
        kind = node[0]
        if kind == "c":
            text = str(node[1])
        elif kind == "s":
            text = json.dumps(node[1])
        elif kind == "v":
            text = quoted(node[1], NAME) if NAME.match(node[1]) else "%" + json.dumps(node[1])
        elif kind == "g":
            text = "@" + quoted(node[1], NAME)
        elif kind == "f":
            text = "$" + quoted(node[1], NAME)
        elif kind == "m":
            member = quoted(node[2], MEMBER) + "." + quoted(node[3], FIELD)
            base = exprs[node[1]]
            if base[0] == "d":
                text = f"{_operand(exprs, texts, base[1])}->{member}"
            else:
                text = f"{_operand(exprs, texts, node[1])}:{member}"
        elif kind == "d":
            text = "*" + texts[node[1]]
        elif kind == "a":
            text = "&" + texts[node[1]]
        elif kind == "i":
            text = f"{_operand(exprs, texts, node[1])}[{texts[node[2]]}]"
        elif kind == "o" and len(node) == 3:
            operand = f"({texts[node[2]]})" if exprs[node[2]][0] == "c" else texts[node[2]]
            text = ("-" if node[1] == "neg" else node[1]) + operand
        elif kind == "o":
            text = f"({texts[node[2]]} {node[1]} {texts[node[3]]})"
        elif kind == "k":
            text = f"{{container {texts[node[1]]} {quoted(node[2], MEMBER) or json.dumps('')}}}"
        elif kind == "u":
            text = f"{{unknown {json.dumps(node[1])}}}"
        else:
            raise ValueError(f"unknown expression {node!r}")
        texts.append(text)
    return texts


def _operand(exprs: list[tuple], texts: list[str], e: int) -> str:
    """Text of an expression as the left side of `->`, `:` or `[`."""
    node = exprs[e]
    prefix = node[0] in ("d", "a") or node[0] == "o" and len(node) == 3 or node[0] == "c"
    return f"({texts[e]})" if prefix else texts[e]


def print_statement(function: Function, statement: tuple, texts: list[str] | None = None) -> str:
    """One statement without its line."""
    texts = texts if texts is not None else expression_texts(function.exprs)
    kind = statement[0]
    if kind == "=":
        return f"{texts[statement[1]]} = {texts[statement[2]]}"
    if kind == "havoc":
        return f"{texts[statement[1]]} = ?"
    if kind == "call":
        callee = texts[statement[2]]
        callee = callee[1:] if function.exprs[statement[2]][0] == "f" else f"[{callee}]"
        call = f"{callee}({', '.join(texts[e] for e in statement[3])})"
        return call if statement[1] < 0 else f"{texts[statement[1]]} = {call}"
    if kind == "asm":
        outputs, inputs = (", ".join(texts[e] for e in part) for part in statement[1:3])
        return f"asm({outputs} : {inputs})" if outputs else f"asm(: {inputs})"
    raise ValueError(f"unknown statement {statement!r}")


def print_terminator(terminator: tuple, texts: list[str]) -> str:
    """One terminator without its line."""
    kind = terminator[0]
    if kind == "jmp":
        return f"goto {terminator[1]}"
    if kind == "br":
        return f"if {texts[terminator[1]]} goto {terminator[2]} else {terminator[3]}"
    if kind == "sw":
        cases = [f"{low}: {to}" if low == high else f"{low} .. {high}: {to}" for low, high, to in terminator[2]]
        return f"switch {texts[terminator[1]]} {{{', '.join([*cases, f'default: {terminator[3]}'])}}}"
    if kind == "ret":
        return "return" if terminator[1] < 0 else f"return {texts[terminator[1]]}"
    if kind == "end":
        return "end"
    if kind == "any":
        return f"goto {{{', '.join(str(target) for target in terminator[1])}}}"
    raise ValueError(f"unknown terminator {terminator!r}")


def print_function(function: Function) -> str:
    """The whole function, ending in a newline."""
    texts = expression_texts(function.exprs)
    params = ", ".join(f"{quoted(p.type, WORD)} {quoted(p.name, WORD)}" for p in function.params)
    place = f"{quoted(function.file, WORD)}:{function.line}-{function.end_line}"
    lines = [f"{quoted(function.returns, WORD)} {quoted(function.name, WORD)}({params})  {place}"]
    attributes = (["static"] if function.static else []) + [quoted(a, WORD) for a in function.attributes]
    if attributes:
        lines.append(f"  attributes {' '.join(attributes)}")
    for name, kind in sorted(function.local_types.items()):
        lines.append(f"  local {quoted(kind, WORD)} {quoted(name, WORD)}")
    lines.extend(f"  unknown {json.dumps(why)}" for why in function.unknowns)
    before = predecessors(function.blocks)
    for number, block in enumerate(function.blocks):
        entered = ", ".join(str(n) for n in before[number])
        lines.append(f"block {number} <- {entered}:" if entered else f"block {number}:")
        for statement in block.statements:
            lines.append(f"{statement[-1]:6}  {print_statement(function, statement, texts)}")
        line = "" if block.terminator[0] == "jmp" else block.terminator[-1]
        lines.append(f"{line:6}  {print_terminator(block.terminator, texts)}")
    return "\n".join(lines) + "\n"


def print_global(initial: GlobalInit) -> str:
    """One initialised object: a heading and a line for each entry."""
    static = "static " if initial.static else ""
    lines = [f"{static}{quoted(initial.type, WORD)} {initial.name}  {initial.file}:{initial.line}"]
    for access, value in initial.entries:
        path = "".join(f"[{step}]" if isinstance(step, int) else f" {step}" for step in access).strip()
        lines.append(f"    {path or '.'} = {value[0]} {json.dumps(value[1])}")
    return "\n".join(lines) + "\n"


def print_unit(unit: Unit) -> str:
    """A whole translation unit: its errors, declarations, globals and functions, in their order."""
    parts = [f"unit {unit.file}\n"]
    parts.extend(f"error {error}\n" for error in unit.errors)
    parts.extend(f"{key}: {', '.join(names)}\n" for key, names in sorted(unit.declarations.items()) if names)
    parts.extend(print_global(initial) for initial in unit.globals)
    parts.extend(print_function(function) for function in unit.functions)
    return "\n".join(parts)
