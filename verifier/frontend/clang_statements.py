"""Statements and function bodies: from libclang nodes to the AST of docs/engine.md."""

from __future__ import annotations

from verifier.frontend import libclang_api as api
from verifier.frontend.clang_expressions import STATIC, UNIQUE, innermost
from verifier.frontend.clang_inits import Initialisers
from verifier.frontend.clang_nodes import (
    ANNOTATE,
    ASM,
    BREAK_STMT,
    CASE,
    COMPOUND,
    CONTINUE_STMT,
    DECL_REF,
    DECL_STMT,
    DEFAULT,
    DO,
    FIRST_ATTRIBUTE,
    FOR,
    FUNCTION_DECL,
    GOTO,
    IF,
    INDIRECT_GOTO,
    LABEL,
    LABEL_REF,
    LAST_ATTRIBUTE,
    LAST_EXPRESSION,
    MEMBER,
    NULL_STMT,
    RETURN,
    SUBSCRIPT,
    SWITCH,
    UNARY,
    UNEXPOSED,
    UNEXPOSED_STMT,
    VAR_DECL,
    WHILE,
    Collector,
    Node,
)  # fmt: skip
from verifier.frontend.clang_text import SourceText
from verifier.frontend.libclang_api import CXCursor
from verifier.frontend.tables import flatten
from verifier.ir.model import GlobalInit

ASSERTION = "__compiletime_assert"
# Objects that only keep symbols alive or describe them to the module loader.
NOISE = ("__UNIQUE_ID", "__export_symbol", "__ksymtab", "__kstrtab")
LVALUES = (DECL_REF, MEMBER, SUBSCRIPT, UNARY)
OBJECTS = ("var", "glob", "mem", "deref", "idx")


class Statements(Initialisers):
    """Reads statements.  `begin` starts a function; names, labels and local types are per function."""

    def __init__(self, collector: Collector, text: SourceText) -> None:
        super().__init__(collector, text)
        self.function_name = ""
        self.static_tables: list[GlobalInit] = []
        self._used: dict[str, int] = {}
        self._labels: dict[int, str] = {}
        self._label_names: dict[str, list[str]] = {}
        self._open_jumps: list[tuple[list[str], set[str]]] = []
        self._macro_jumps: list[tuple[list[str], set[str], tuple]] = []
        self._label_places: dict[tuple, list[str]] = {}
        self._statement = {
            COMPOUND: self._compound,
            IF: self._if,
            WHILE: self._while,
            DO: self._do,
            FOR: self._for,
            SWITCH: self._switch,
            CASE: self._case,
            DEFAULT: self._default,
            LABEL: self._label,
            GOTO: self._goto,
            INDIRECT_GOTO: self._indirect_goto,
            BREAK_STMT: lambda node, out: out.append(("break", self.line(node[1]))),
            CONTINUE_STMT: lambda node, out: out.append(("continue", self.line(node[1]))),
            RETURN: self._return,
            ASM: self._asm,
            DECL_STMT: self._declarations,
            NULL_STMT: lambda node, out: None,
            UNEXPOSED_STMT: lambda node, out: [self.statement(child, out) for child in node[2]],
        }

    def begin(self, name: str) -> None:
        """Forget the previous function."""
        self.function_name = name
        self.local_types = {}
        self.taken_labels = {}
        self._used = {}
        self._labels = {}
        self._label_names = {}
        self._open_jumps = []
        self._macro_jumps = []
        self._label_places = {}

    def finish(self) -> None:
        """Fill in the targets of `asm goto` and computed jumps, whose labels may stand behind them."""
        for targets, words in self._open_jumps:
            names = sorted({name for word in words for name in self._label_names.get(word, ())})
            targets.extend(names or sorted(self._labels.values()))
        for targets, words, place in self._macro_jumps:
            # A macro's `asm` may go to a label that it is given, or to one of the macro's own.
            names = {name for word in words for name in self._label_names.get(word, ())}
            targets.extend(sorted(names | set(self._label_places.get(place, ()))))

    def local_name(self, spelled: str, type_class: str) -> str:
        """A name for a local variable that no other in the function has."""
        match = UNIQUE.match(spelled)
        if match:
            spelled = match.group(1)
        count = self._used.get(spelled, 0)
        self._used[spelled] = count + 1
        name = f"{spelled}.{count}" if count else spelled
        self.local_types[name] = type_class
        return name

    def label_name(self, key: int, cursor: CXCursor) -> str:
        """The function-wide name of a label; local labels of repeated macros are told apart."""
        name = self._labels.get(key)
        if name is None:
            spelled = api.cursor_spelling(cursor)
            match = UNIQUE.match(spelled)
            if match:
                spelled = match.group(1)
            same = self._label_names.setdefault(spelled, [])
            name = self._labels[key] = f"{spelled}.{len(same)}" if same else spelled
            same.append(name)
        return name

    def statement(self, node: Node, out: list[tuple]) -> None:
        """Append the AST of a statement (or expression statement) to `out`."""
        kind = node[0]
        if kind <= LAST_EXPRESSION:
            e = self.expr(node)
            out.append(("expr", e, self.line(node[1])))
            return
        read = self._statement.get(kind)
        if read is None:
            out.append(("expr", ("unknown", f"statement kind {kind}"), self.line(node[1])))
        else:
            read(node, out)

    def block(self, node: Node) -> list[tuple]:
        """The statements inside a compound statement."""
        out: list[tuple] = []
        for child in node[2]:
            self.statement(child, out)
        return out

    def _body(self, node: Node) -> tuple:
        out: list[tuple] = []
        if node[0] == COMPOUND:
            out = self.block(node)
        else:
            self.statement(node, out)
        return ("block", tuple(out), self.line(node[1]))

    def _compound(self, node: Node, out: list[tuple]) -> None:
        inner = self.block(node)
        if inner:
            out.append(("block", tuple(inner), self.line(node[1])))

    def _if(self, node: Node, out: list[tuple]) -> None:
        children = node[2]
        condition = self.expr(children[0])
        then = self._body(children[1])
        otherwise = self._body(children[2]) if len(children) > 2 else None
        out.append(("if", condition, then, otherwise, self.line(node[1])))

    def _while(self, node: Node, out: list[tuple]) -> None:
        condition = self.expr(node[2][0])
        body = self._body(node[2][-1])
        if condition != ("int", 0) or body[1]:
            out.append(("while", condition, body, self.line(node[1])))

    def _do(self, node: Node, out: list[tuple]) -> None:
        if is_assertion(node[2][0]):
            return
        body = self._body(node[2][0])
        condition = self.expr(node[2][1])
        if body[1] or not (condition[0] == "int" and not condition[1]):
            out.append(("do", body, condition, self.line(node[1])))

    def _for(self, node: Node, out: list[tuple]) -> None:
        children = node[2]
        parts: list[Node | None] = list(children[:-1])
        if len(parts) < 3:
            present = self.text.for_parts(node[1])
            if present is None or sum(present) != len(parts):
                present = guessed_parts(parts)
            rest = iter(parts)
            parts = [next(rest) if there else None for there in present]
        before: list[tuple] = []
        if parts[0] is not None:
            self.statement(parts[0], before)
        line = self.line(node[1])
        start = None if not before else before[0] if len(before) == 1 else ("block", tuple(before), line)
        condition = self.expr(parts[1]) if parts[1] is not None else None
        step = self.expr(parts[2]) if parts[2] is not None else None
        out.append(("for", start, condition, step, self._body(children[-1]), line))

    def _switch(self, node: Node, out: list[tuple]) -> None:
        value = self.expr(node[2][0])
        out.append(("switch", value, self._body(node[2][-1]), self.line(node[1])))

    def _case(self, node: Node, out: list[tuple]) -> None:
        children = node[2]
        low = self._case_value(children[0])
        high = self._case_value(children[1]) if len(children) > 2 else low
        out.append(("case", low, high, self.line(node[1])))
        self.statement(children[-1], out)

    def _case_value(self, node: Node) -> int:
        value = api.evaluate(node[1])
        return 0 if value is None else value

    def _default(self, node: Node, out: list[tuple]) -> None:
        out.append(("default", self.line(node[1])))
        for child in node[2]:
            self.statement(child, out)

    def _label(self, node: Node, out: list[tuple]) -> None:
        name = self.label_name(node[1].d1, node[1])
        self._label_places.setdefault(api.spelling_extent(node[1])[:2], []).append(name)
        out.append(("label", name, self.line(node[1])))
        for child in node[2]:
            if not FIRST_ATTRIBUTE <= child[0] <= LAST_ATTRIBUTE:
                self.statement(child, out)

    def _goto(self, node: Node, out: list[tuple]) -> None:
        for child in node[2]:
            if child[0] == LABEL_REF:
                out.append(("goto", self.label_name(child[1].d0, child[1]), self.line(node[1])))

    def _indirect_goto(self, node: Node, out: list[tuple]) -> None:
        targets: list[str] = []
        self._open_jumps.append((targets, set()))
        out.append(("computedgoto", targets, self.line(node[1])))

    def _return(self, node: Node, out: list[tuple]) -> None:
        out.append(("return", self.expr(node[2][0]) if node[2] else None, self.line(node[1])))

    def _asm(self, node: Node, out: list[tuple]) -> None:
        jumps, template, count, words = self.text.asm(node[1])
        operands = [(child[0] in LVALUES, self.expr(child)) for child in node[2] if child[0] != LABEL_REF]
        operands = [(bare and e[0] in OBJECTS, e) for bare, e in operands]
        if count is None or count > len(operands):
            # inputs are values: clang wraps the reading of a variable; outputs are bare lvalues and come first
            count = 0
            while count < len(operands) and operands[count][0]:
                count += 1
        outputs = tuple(e for _, e in operands[:count] if e[0] in OBJECTS)
        inputs = tuple(e for place, (_, e) in enumerate(operands) if place >= count or e[0] not in OBJECTS)
        inputs = tuple(e for e in inputs if e[0] != "int")  # some count __COUNTER__; none carries data
        line = self.line(node[1])
        if outputs or inputs or template:
            out.append(("asm", template, outputs, inputs, line))
        if jumps:
            targets: list[str] = []
            self._open_jumps.append((targets, words))
            out.append(("asmgoto", targets, line))
        elif jumps is None:
            targets = []
            self._macro_jumps.append((targets, words, api.spelling_extent(node[1])[:2]))
            out.append(("asmgoto", targets, line))

    def _declarations(self, node: Node, out: list[tuple]) -> None:
        for child in node[2]:
            if child[0] == VAR_DECL:
                self._variable(child[1], out)

    def _variable(self, cursor: CXCursor, out: list[tuple]) -> None:
        type_ = api.cursor_type(cursor)
        spelled = api.cursor_spelling(cursor)
        if api.global_storage(cursor):
            if api.storage_class(cursor) == STATIC:
                self._static_variable(cursor, type_, spelled)
            return
        self.types.name_after(type_, spelled)
        name = self.local_name(spelled, self.types.class_of(type_))
        self.decls[cursor.d0] = ("var", name)
        value = None
        first = api.initializer(cursor)
        if first.kind and first.d1:
            value = self.initial_value(type_, self.collector.tree(first))
        out.append(("decl", name, value, self._cleanup(cursor), self.line(cursor)))

    def _static_variable(self, cursor: CXCursor, type_, spelled: str) -> None:
        self.types.name_after(type_, spelled)
        name = self.local_name(spelled, self.types.class_of(type_))
        kind = self.local_types.pop(name)
        name = f"{self.function_name}.{name}"
        self.decls[cursor.d0] = ("glob", name)
        table = None if spelled.startswith(NOISE) else self.table(cursor, name, kind)
        if table is not None:
            self.static_tables.append(table)

    def table(self, cursor: CXCursor, name: str, kind: str) -> GlobalInit | None:
        """The initialiser of an object of static storage, None if it has none.  The caller sets its file."""
        first = api.initializer(cursor)
        if not (first.kind and first.d1):
            return None
        type_ = api.cursor_type(cursor)
        entries = []
        if not self.plain_numbers(type_):
            entries = flatten(self.initial_value(type_, self.collector.tree(first)))
        static = api.storage_class(cursor) == STATIC
        return GlobalInit(name, "", self.line(cursor), static, kind, entries)

    def _cleanup(self, cursor: CXCursor) -> str | None:
        """The function of `__attribute__((cleanup(function)))`; see `flags.ATTRIBUTE_MACROS`."""
        if not api.has_attributes(cursor):
            return None
        for child in self.collector.children(cursor):
            if child.kind == ANNOTATE:
                text = api.cursor_spelling(child)
                if text.startswith("cleanup:"):
                    return text[8:].strip()
            elif FIRST_ATTRIBUTE <= child.kind <= LAST_ATTRIBUTE:
                file, offset, end_file, end = api.spelling_extent(child)
                words = self.text.at(file, offset, end - offset + 1 if file == end_file else 0)
                name, _, argument = words.partition("(")
                if name.strip() == "cleanup":
                    return argument.strip(" )\n\t")
        return None


def is_assertion(body: Node) -> bool:
    """Is it the `do { } while (0)` of a compile-time assertion?"""
    if body[0] == COMPOUND and body[2]:
        first = body[2][0]
        if first[0] == DECL_STMT and first[2] and first[2][0][0] == FUNCTION_DECL:
            return api.cursor_spelling(first[2][0][1]).startswith(ASSERTION)
    return False


def guessed_parts(parts: list[Node]) -> tuple[bool, bool, bool]:
    """Which parts of a `for` are there, by their form, where its text is out of reach."""
    first = second = third = False
    for node in parts:
        inner = innermost(node)
        if inner[0] == DECL_STMT:
            first = True
        elif inner[0] == UNARY and api.unary_operator(inner[1]) <= 4:
            third = True
        elif not second and inner[0] != UNEXPOSED:
            second = True
        else:
            third = True
    spare = len(parts) - (first + second + third)
    if spare > 0 and not first:
        first = True
        spare -= 1
    return first, second or spare > 0, third or spare > 1
