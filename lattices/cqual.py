"""CQUAL's configuration grammar: partial orders of qualifiers in a file, read and printed.

    po-defn  ::= partial order [ po-opt* ]? { po-entry* }
    po-opt   ::= nonprop | flow-sensitive
    po-entry ::= qual-name [ qual-opt* ]?  |  qual-name < qual-name
    qual-opt ::= color = "name" | level = ref | level = value | sign = pos | sign = neg | sign = eq

Comments are /* */ and do not nest.  Options are separated by commas (spaces will do).  A name starts with `$` except
const, volatile and restrict.  A name used in `a < b` without an entry of its own has no options.  Several orders in a
file are orthogonal: their product is the lattice of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lattices.order import Order, OrderError, Product

PLAIN_NAMES = ("const", "volatile", "restrict")
LEVELS = ("ref", "value")
SIGNS = ("pos", "neg", "eq")

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n\f\v]+)|(?P<comment>/\*.*?\*/)|(?P<string>\"[^\"\n]*\")"
    r"|(?P<name>\$?[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)|(?P<punctuation>[][{}<=,])",
    re.DOTALL,
)
_NAME = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*\Z")


class LatticeError(ValueError):
    """A lattice file that cannot be read; line and column count from 1."""

    def __init__(self, message: str, line: int, column: int, file: str = "<lattice>") -> None:
        super().__init__(f"{file}:{line}:{column}: {message}")
        self.message, self.line, self.column, self.file = message, line, column, file


@dataclass(frozen=True)
class Qualifier:
    """One qualifier and its options; None where the file does not say."""

    name: str
    color: str | None = None
    level: str | None = None
    sign: str | None = None


@dataclass(frozen=True)
class PartialOrder:
    """One `partial order` block: its qualifiers in the sequence of the file, and its pairs (lower, upper)."""

    qualifiers: tuple[Qualifier, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    nonprop: bool = False
    flow_sensitive: bool = False
    order: Order = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", Order([q.name for q in self.qualifiers], self.pairs))

    def qualifier(self, name: str) -> Qualifier | None:
        """The qualifier of that name."""
        return next((q for q in self.qualifiers if q.name == name), None)


@dataclass(frozen=True)
class LatticeFile:
    """The orders of a file, orthogonal to each other."""

    orders: tuple[PartialOrder, ...]

    def product(self) -> Product:
        """The lattice of the whole: the product of all orders."""
        return Product([block.order for block in self.orders])


def load(path: str | Path) -> LatticeFile:
    """Read a lattice file; raises LatticeError, and OSError where it cannot be opened."""
    name = str(path)
    data = Path(path).read_bytes()
    try:
        return parse(data.decode("utf-8"), name)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise LatticeError("not UTF-8", line, 1, name) from None


def parse(text: str, file: str = "<lattice>") -> LatticeFile:
    """Read the text of a lattice file; raises LatticeError at the first character that does not fit."""
    return _Reader(text, file).read()


def show(lattices: LatticeFile) -> str:
    """The text of a lattice file; `parse(show(x))` equals `x`."""
    blocks = []
    for block in lattices.orders:
        options = [word for word, on in (("nonprop", block.nonprop), ("flow-sensitive", block.flow_sensitive)) if on]
        lines = [f"partial order{' [' + ', '.join(options) + ']' if options else ''} {{"]
        for q in block.qualifiers:
            settings = [f'color = "{q.color}"'] if q.color is not None else []
            settings += [f"level = {q.level}"] if q.level else []
            settings += [f"sign = {q.sign}"] if q.sign else []
            lines.append(f"    {q.name}{' [' + ', '.join(settings) + ']' if settings else ''}")
        lines += [f"    {lower} < {upper}" for lower, upper in block.pairs]
        blocks.append("\n".join([*lines, "}"]) + "\n")
    return "\n".join(blocks)


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.tokens = list(self._scan())
        self.at = 0

    def _scan(self) -> Iterator[tuple[str, str, int]]:
        position = 0
        while position < len(self.text):
            match = _TOKEN.match(self.text, position)
            if match is None:
                if self.text.startswith("/*", position):
                    raise self.error("comment is not closed", position)
                if self.text[position] == '"':
                    raise self.error("string is not closed on its line", position)
                raise self.error(f"unexpected character {self.text[position]!r}", position)
            if match.lastgroup not in ("space", "comment"):
                yield match.lastgroup or "", match[0], position
            position = match.end()
        yield "end", "", len(self.text)

    def error(self, message: str, position: int) -> LatticeError:
        line = self.text.count("\n", 0, position) + 1
        return LatticeError(message, line, position - self.text.rfind("\n", 0, position), self.file)

    @property
    def here(self) -> int:
        return self.tokens[self.at][2]

    def peek(self, text: str) -> bool:
        return self.tokens[self.at][1] == text and self.tokens[self.at][0] != "string"

    def take(self, kind: str, what: str) -> str:
        found, text, position = self.tokens[self.at]
        if found != kind:
            raise self.error(f"{what} is wanted, not {text!r}" if text else f"{what} is wanted before the end", position)
        self.at += 1
        return text

    def expect(self, text: str) -> None:
        if not self.peek(text):
            found = self.tokens[self.at][1]
            raise self.error(f"{text!r} is wanted, not {found!r}" if found else f"{text!r} is wanted before the end", self.here)
        self.at += 1

    def accept(self, text: str) -> bool:
        if self.peek(text):
            self.at += 1
            return True
        return False

    def read(self) -> LatticeFile:
        orders: list[PartialOrder] = []
        owner: dict[str, int] = {}
        while self.tokens[self.at][0] != "end":
            start = self.here
            block = self.block()
            for q in block.qualifiers:
                if q.name in owner:
                    raise self.error(f"{q.name} is in two orders", start)
                owner[q.name] = len(orders)
            orders.append(block)
        return LatticeFile(tuple(orders))

    def block(self) -> PartialOrder:
        self.expect("partial")
        self.expect("order")
        options: set[str] = set()
        if self.accept("["):
            while not self.accept("]"):
                position, word = self.here, self.take("name", "nonprop or flow-sensitive")
                if word not in ("nonprop", "flow-sensitive") or word in options:
                    raise self.error(f"{word!r}: an order is nonprop or flow-sensitive", position)
                options.add(word)
                self.accept(",")
        self.expect("{")
        found: dict[str, Qualifier] = {}
        declared: set[str] = set()
        pairs: list[tuple[str, str]] = []
        places: list[int] = []
        while not self.accept("}"):
            position, name = self.here, self.name()
            if self.accept("<"):
                upper = self.name()
                pairs.append((name, upper))
                places.append(position)
                for each in (name, upper):
                    found.setdefault(each, Qualifier(each))
                if name == upper:
                    raise self.error(f"{name} cannot stand below itself", position)
            else:
                if name in declared:
                    raise self.error(f"{name} is declared twice", position)
                declared.add(name)
                found[name] = Qualifier(name, **self.settings())
        try:
            return PartialOrder(tuple(found.values()), tuple(pairs), "nonprop" in options, "flow-sensitive" in options)
        except OrderError:
            raise self.first_cycle(found, pairs, places) from None

    def first_cycle(
        self, found: dict[str, Qualifier], pairs: list[tuple[str, str]], places: list[int]
    ) -> LatticeError:
        low, high = 0, len(pairs)  # pairs[:low] are an order, pairs[:high] are not
        message = ""
        while high - low > 1:
            middle = (low + high) // 2
            try:
                Order(found, pairs[:middle])
                low = middle
            except OrderError:
                high = middle
        try:
            Order(found, pairs[:high])
        except OrderError as error:
            message = str(error)
        return self.error(message, places[high - 1])

    def name(self) -> str:
        position, name = self.here, self.take("name", "a qualifier")
        if name not in PLAIN_NAMES and not _NAME.match(name):
            raise self.error(f"{name!r}: a qualifier starts with $, except {', '.join(PLAIN_NAMES)}", position)
        return name

    def settings(self) -> dict[str, str]:
        settings: dict[str, str] = {}
        if not self.accept("["):
            return settings
        while not self.accept("]"):
            position, key = self.here, self.take("name", "color, level or sign")
            if key not in ("color", "level", "sign") or key in settings:
                raise self.error(f"{key!r}: options are color, level and sign, each once", position)
            self.expect("=")
            if key == "color":
                settings[key] = self.take("string", "a color in quotes")[1:-1]
            else:
                position, value = self.here, self.take("name", f"a {key}")
                allowed = LEVELS if key == "level" else SIGNS
                if value not in allowed:
                    raise self.error(f"{key} is {' or '.join(allowed)}, not {value!r}", position)
                settings[key] = value
            self.accept(",")
        return settings
