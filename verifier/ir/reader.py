"""Reads back what `verifier.ir.printer` prints: recursive descent over tokens, one line at a time.

For tests and for questions at a prompt.  The pool is rebuilt in the order of first use, which is the order that the
lowering leaves it in, so that `read_function(print_function(f)) == f`.
"""

from __future__ import annotations

import json
import re

from verifier.ir.model import Block, Function, Param

TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<number>[0-9]+)
    | (?P<name>%[0-9]+|[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<op>->|<<|>>|<=|>=|==|!=|\.\.|[-+*/%&|^~!<>=?:.,@$(){}\[\]])
    )""",
    re.VERBOSE,
)
# A member follows `->` or `:`; its tag and field are read apart from ordinary names.
MEMBER = re.compile(r'((?:[A-Za-z_][A-Za-z0-9_.]*(?=\.))?|"(?:[^"\\]|\\.)*")\.([A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\]|\\.)*")')
WORD = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[A-Za-z0-9_%.$:+/=~-]+)')
HEADING = re.compile(r"block ([0-9]+)(?: <- [0-9, ]+)?:\Z")
BINARY = frozenset(("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">="))


class ReadError(ValueError):
    """The text is no printed IR; the message has the line number."""


def plain(text: str) -> str:
    """Undo the printer's quoting of a word."""
    return json.loads(text) if text.startswith('"') else text


class Reader:
    """One function being read: its pool and the rest of the current line."""

    def __init__(self) -> None:
        self.exprs: list[tuple] = []
        self.index: dict[tuple, int] = {}
        self.text = ""
        self.at = 0
        self.row = 0

    def expr(self, node: tuple) -> int:
        found = self.index.get(node)
        if found is None:
            found = self.index[node] = len(self.exprs)
            self.exprs.append(node)
        return found

    # tokens

    def peek(self) -> tuple[str, str]:
        """Kind and text of the next token; ("", "") at the end of the line."""
        match = TOKEN.match(self.text, self.at)
        if match is None:
            if self.text[self.at :].strip():
                raise ReadError(f"cannot read {self.text[self.at:].strip()!r}")
            return "", ""
        kind = match.lastgroup or ""
        return kind, match.group(kind)

    def take(self, expected: str | None = None) -> tuple[str, str]:
        kind, token = self.peek()
        if expected is not None and (token != expected or kind == "string"):
            raise ReadError(f"expected {expected!r} at {self.text[self.at:].strip()!r}")
        match = TOKEN.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return kind, token

    def ahead(self, token: str) -> bool:
        kind, text = self.peek()
        return text == token and kind != "string"

    def skip(self, token: str) -> bool:
        if self.ahead(token):
            self.take()
            return True
        return False

    def number(self) -> int:
        sign = -1 if self.skip("-") else 1
        kind, token = self.take()
        if kind != "number":
            raise ReadError(f"expected a number, not {token!r}")
        return sign * int(token)

    def word(self) -> str:
        match = WORD.match(self.text, self.at)
        if match is None:
            raise ReadError(f"expected a word at {self.text[self.at:]!r}")
        self.at = match.end()
        return plain(match.group(1))

    # expressions

    def unary(self) -> int:
        kind, token = self.peek()
        if kind == "op" and token in ("*", "&", "-", "~", "!"):
            self.take()
            if token == "-" and self.peek()[0] == "number":
                return self.postfix(self.expr(("c", -int(self.take()[1]))))
            operand = self.unary()
            if token in "*&":
                return self.expr(("d" if token == "*" else "a", operand))
            return self.expr(("o", "neg" if token == "-" else token, operand))
        return self.postfix(self.primary())

    def primary(self) -> int:
        kind, token = self.take()
        if kind == "number":
            return self.expr(("c", int(token)))
        if kind == "string":
            return self.expr(("s", json.loads(token)))
        if kind == "name":
            return self.expr(("v", token))
        if token in ("@", "$", "%"):
            kind, name = self.take()
            if kind not in ("name", "string"):
                raise ReadError(f"expected a name after {token!r}")
            return self.expr(({"@": "g", "$": "f", "%": "v"}[token], plain(name)))
        if token == "(":
            inside = self.unary()
            if not self.skip(")"):
                op = self.take()[1]
                if op not in BINARY:
                    raise ReadError(f"unknown operator {op!r}")
                inside = self.expr(("o", op, inside, self.unary()))
                self.take(")")
            return inside
        if token == "{":
            _, word = self.take()
            if word == "container":
                base = self.unary()
                result = ("k", base, self.word())
            elif word == "unknown":
                result = ("u", self.word())
            else:
                raise ReadError(f"unknown form {word!r}")
            self.take("}")
            return self.expr(result)
        raise ReadError(f"expected an expression, not {token!r}")

    def postfix(self, base: int) -> int:
        while True:
            if self.ahead("->") or self.ahead(":") and MEMBER.match(self.text, self.at + 1):
                arrow = self.take()[1] == "->"
                match = MEMBER.match(self.text, self.at)
                if match is None:
                    raise ReadError(f"expected tag.field at {self.text[self.at:]!r}")
                self.at = match.end()
                owner = self.expr(("d", base)) if arrow else base
                base = self.expr(("m", owner, plain(match.group(1)), plain(match.group(2))))
            elif self.skip("["):
                base = self.expr(("i", base, self.unary()))
                self.take("]")
            else:
                return base

    def listed(self, end: str) -> list[int]:
        """Expressions separated by commas up to the token `end`, which is consumed."""
        found: list[int] = []
        while not self.skip(end):
            if found:
                self.take(",")
            found.append(self.unary())
        return found

    # lines

    def targets(self) -> list[int]:
        found = [self.number()]
        while self.skip(","):
            found.append(self.number())
        self.take("}")
        return found

    def terminator(self, line: int) -> tuple | None:
        """The line as a terminator; None (and nothing consumed) if it is a statement."""
        start = self.at
        word = self.take()[1]
        if word == "goto":
            return ("any", self.targets(), line) if self.skip("{") else ("jmp", self.number())
        if word == "return":
            return ("ret", self.unary() if self.peek()[0] else -1, line)
        if word == "if":
            tested = self.unary()
            self.take("goto")
            then = self.number()
            self.take("else")
            return ("br", tested, then, self.number(), line)
        if word == "switch":
            tested = self.unary()
            self.take("{")
            cases = []
            while not self.skip("default"):
                low = self.number()
                high = self.number() if self.skip("..") else low
                self.take(":")
                cases.append([low, high, self.number()])
                self.take(",")
            self.take(":")
            default = self.number()
            self.take("}")
            return ("sw", tested, cases, default, line)
        if word == "end" and not self.peek()[0]:
            return ("end", line)
        self.at = start
        return None

    def call(self) -> tuple[int, list[int]] | None:
        """Callee and arguments if a call starts here, else None (and nothing consumed)."""
        start = self.at
        if self.skip("["):
            callee = self.unary()
            self.take("]")
        else:
            kind, name = self.take()
            if kind not in ("name", "string") or not self.ahead("("):
                self.at = start
                return None
            callee = self.expr(("f", plain(name)))
        self.take("(")
        return callee, self.listed(")")

    def statement(self, line: int) -> tuple:
        if re.match(r"\s*asm\(", self.text[self.at :]):
            self.take("asm")
            self.take("(")
            outputs: list[int] = []
            while not self.skip(":"):
                if outputs:
                    self.take(",")
                outputs.append(self.unary())
            return ("asm", outputs, self.listed(")"), line)
        found = self.call()
        if found is not None:
            return ("call", -1, *found, line)
        place = self.unary()
        self.take("=")
        if self.skip("?"):
            return ("havoc", place, line)
        found = self.call()
        if found is not None:
            return ("call", place, *found, line)
        return ("=", place, self.unary(), line)


def read_function(text: str) -> Function:
    """The function that `print_function` printed; ReadError with the line number on anything else."""
    reader = Reader()
    lines = text.rstrip("\n").split("\n")
    try:
        function, first = _read_head(reader, lines)
        for number in range(first, len(lines)):
            line = lines[number]
            reader.row = number
            if line.startswith("block "):
                heading = HEADING.match(line)
                if heading is None or int(heading.group(1)) != len(function.blocks):
                    raise ReadError("bad block heading")
                function.blocks.append(Block([], ()))
                continue
            if not function.blocks:
                raise ReadError("statement outside a block")
            block = function.blocks[-1]
            prefix = re.match(r" *(-?[0-9]+)?  ", line)
            if prefix is None or block.terminator:
                raise ReadError("bad statement")
            reader.text, reader.at = line, prefix.end()
            source_line = int(prefix.group(1) or 0)
            end = reader.terminator(source_line)
            if end is not None:
                block.terminator = end
            else:
                block.statements.append(reader.statement(source_line))
            if reader.peek()[0]:
                raise ReadError(f"{reader.text[reader.at:].strip()!r} is left over")
        if not function.blocks or any(not block.terminator for block in function.blocks):
            raise ReadError("a block has no end")
    except ReadError as error:
        raise ReadError(f"line {reader.row + 1}: {error}") from None
    except RecursionError:
        raise ReadError(f"line {reader.row + 1}: nested too deeply") from None
    function.exprs = reader.exprs
    return function


def _read_head(reader: Reader, lines: list[str]) -> tuple[Function, int]:
    """The function without blocks, and the number of its first block line."""
    reader.text, reader.at = lines[0], 0
    returns, name = reader.word(), reader.word()
    reader.take("(")
    params = []
    while not reader.skip(")"):
        if params:
            reader.take(",")
        kind = reader.word()
        params.append(Param(reader.word(), kind))
    place = re.match(r'  ("(?:[^"\\]|\\.)*"|.*):(-?[0-9]+)-(-?[0-9]+)\Z', lines[0][reader.at :])
    if place is None:
        raise ReadError("no file and lines")
    function = Function(
        name=name, file=plain(place.group(1)), line=int(place.group(2)), end_line=int(place.group(3)), static=False,
        returns=returns, params=params, attributes=[], exprs=[], blocks=[], unknowns=[], local_types={},
    )
    number = 1
    while number < len(lines) and lines[number].startswith("  "):
        reader.text, reader.at, reader.row = lines[number], 0, number
        kind = reader.word()
        if kind == "attributes":
            while reader.text[reader.at :].strip():
                function.attributes.append(reader.word())
            function.static = function.attributes[:1] == ["static"]
            del function.attributes[: int(function.static)]
        elif kind == "local":
            local_type = reader.word()
            function.local_types[reader.word()] = local_type
        elif kind == "unknown":
            function.unknowns.append(reader.word())
        else:
            raise ReadError(f"unknown line {kind!r}")
        number += 1
    return function, number
