"""The second front end: self-contained C through pycparser, to the same AST as libclang's.

`parse_c` reads a file; `pycparser_text` takes out what pycparser cannot read, `pycparser_expressions` reads
expressions and initialisers, `pycparser_types` knows types; statements and declarations are read here.  Nothing that
is no C, or is beyond these means, raises: it is listed in `AstUnit.errors` as "file:line: message".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from pycparser import CParser, c_ast
from pycparser.c_parser import ParseError

from verifier.frontend.ast import AstFunction, AstUnit
from verifier.frontend.pycparser_expressions import Expressions, line
from verifier.frontend.pycparser_text import SourceText, prepare
from verifier.frontend.pycparser_types import Type, wrapped
from verifier.frontend.tables import flatten
from verifier.ir.model import GlobalInit

DEEP = 20_000  # Python frames for deeply nested sources
ALWAYS_NORETURN = ("__builtin_trap", "__builtin_unreachable")
ERROR_PLACE = re.compile(r"(.*?):(\d+)(?::\d+)?:? *(.*)\Z", re.DOTALL)


class UnitReader(Expressions):
    """Reads one unit's declarations, functions and statements."""

    def __init__(self, source: SourceText) -> None:
        super().__init__()
        self.source = source
        self.functions: list[AstFunction] = []
        self.globals: list[GlobalInit] = []
        self.aliases: set[str] = set()
        self.function_name = ""
        self.local_types: dict[str, str] = {}
        self.used: dict[str, int] = {}

    # file scope

    def unit(self, tree: c_ast.FileAST) -> None:
        for item in tree.ext:
            if isinstance(item, c_ast.FuncDef):
                self.function(item)
            elif isinstance(item, c_ast.Typedef):
                self.typedef(item)
            elif isinstance(item, c_ast.Decl):
                self.declaration(item)

    def typedef(self, node: c_ast.Typedef) -> None:
        self.types.scopes[-1][node.name] = self.types.of(node.type, node.name)

    def attributes(self, node: c_ast.Decl) -> list[str]:
        """Texts of the attributes of a declared name."""
        coord = name_place(node)
        return self.source.attributes.get((coord.file, coord.line, coord.column), [])

    def declaration(self, node: c_ast.Decl) -> None:
        """A declaration at file scope, or of a function or `extern` object anywhere."""
        kind = self.types.of(node.type, node.name or "")
        if node.name is None:
            return
        words = self.attributes(node)
        if kind[0] == "fn":
            self.names[0][node.name] = (("fun", node.name), kind)
            if "_Noreturn" in (node.funcspec or ()) or any(w.strip("_") == "noreturn" for w in words):
                self.noreturn.add(node.name)
            self.aliases.update(f"{node.name}={argument(w)}" for w in words if w.lstrip("_").startswith("alias"))
            return
        self.names[0][node.name] = (("glob", node.name), kind)
        if node.init is not None:
            self.table(node, node.name, kind)
            fixed = "static" in (node.storage or ()) and "const" in (node.quals or ())
            if fixed and self.types.class_of(kind) in ("int", "uint", "bool"):
                # a `static const` number stands for its value
                value = self.constant(node.init)
                if value is not None:
                    self.names[0][node.name] = (("int", wrapped(value, kind)), kind)

    def table(self, node: c_ast.Decl, name: str, kind: Type) -> None:
        """Record the initialiser of an object of static storage."""
        entries = []
        element = kind
        while element[0] == "arr":
            element = element[1]
        if kind[0] != "arr" or self.types.class_of(element) not in ("int", "uint", "bool"):
            entries = flatten(self.initial_value(kind, node.init))
        static = "static" in (node.storage or ())
        coord = name_place(node)
        self.globals.append(GlobalInit(name, coord.file, coord.line, static, self.types.class_of(kind), entries))

    def function(self, node: c_ast.FuncDef) -> None:
        """A function definition."""
        declared = node.decl
        self.declaration(declared)
        self.function_name = declared.name
        self.local_types, self.used = {}, {}
        names: dict = {}
        params: list[tuple[str, str]] = []
        self.names.append(names)
        self.types.scopes.append({})
        arguments = declared.type.args.params if declared.type.args is not None else []
        for param in arguments:
            if isinstance(param, c_ast.EllipsisParam):
                continue
            kind = self.types.of(param.type)
            if kind == ("void",):
                continue
            if kind[0] == "fn":
                kind = ("ptr", kind)
            own = self.unique(getattr(param, "name", None) or f"arg{len(params)}")
            if getattr(param, "name", None):
                names[param.name] = (("var", own), kind)
            params.append((own, self.types.class_of(kind)))
        body: list[tuple] = []
        for item in node.body.block_items or ():
            self.statement(item, body)
        self.types.scopes.pop()
        self.names.pop()
        words = self.attributes(declared)
        attributes = [known for word in words for known in known_attribute(word)]
        if "inline" in (declared.funcspec or ()):
            attributes.append("inline")
        if declared.name in self.noreturn:
            attributes.append("noreturn")
        opening = node.body.coord
        named = name_place(declared)
        end = self.source.closing.get((opening.file, opening.line, opening.column), opening.line)
        self.functions.append(
            AstFunction(
                name=declared.name,
                file=named.file,
                line=named.line,
                end_line=end,
                static="static" in (declared.storage or ()),
                returns=self.types.class_of(self.types.of(declared.type)[1]),
                params=params,
                attributes=sorted(set(attributes)),
                body=("block", tuple(body), opening.line),
                local_types=self.local_types,
            )
        )

    def unique(self, spelled: str) -> str:
        """A name that no other variable of the function has."""
        count = self.used.get(spelled, 0)
        self.used[spelled] = count + 1
        return f"{spelled}.{count}" if count else spelled

    # statements

    def statement(self, node: c_ast.Node | None, out: list[tuple]) -> None:
        """Append the AST of a statement to `out`."""
        if node is None or isinstance(node, (c_ast.EmptyStatement, c_ast.StaticAssert, c_ast.Pragma)):
            return
        read = STATEMENTS.get(type(node))
        if read is not None:
            read(self, node, out)
        else:
            out.append(("expr", self.expr(node), line(node)))

    def body(self, node: c_ast.Node | None) -> tuple:
        """A statement as a block with a scope of its own."""
        out: list[tuple] = []
        self.names.append({})
        self.types.scopes.append({})
        for item in (node.block_items or ()) if isinstance(node, c_ast.Compound) else (node,):
            self.statement(item, out)
        self.types.scopes.pop()
        self.names.pop()
        return ("block", tuple(out), line(node) if node is not None else 0)

    def compound(self, node: c_ast.Compound, out: list[tuple]) -> None:
        inner = self.body(node)
        if inner[1]:
            out.append(inner)

    def variable(self, node: c_ast.Decl, out: list[tuple]) -> None:
        storage = node.storage or ()
        if node.name is None or isinstance(node.type, c_ast.FuncDecl) or "extern" in storage:
            self.declaration(node)
            return
        kind = self.types.of(node.type, node.name)
        name = self.unique(node.name)
        if "static" in storage:
            name = f"{self.function_name}.{name}"
            self.names[-1][node.name] = (("glob", name), kind)
            if node.init is not None:
                self.table(node, name, kind)
            return
        self.local_types[name] = self.types.class_of(kind)
        self.names[-1][node.name] = (("var", name), kind)
        cleanup = [argument(word) for word in self.attributes(node) if word.lstrip("_").startswith("cleanup")]
        value = self.initial_value(kind, node.init) if node.init is not None else None
        out.append(("decl", name, value, cleanup[0] if cleanup else None, name_place(node).line))

    def declarations(self, node: c_ast.DeclList, out: list[tuple]) -> None:
        for item in node.decls:
            self.variable(item, out)

    def if_(self, node: c_ast.If, out: list[tuple]) -> None:
        # A chain of else-ifs is read in a loop and folded from its end, whatever its length.
        arms = []
        while True:
            condition = self.expr(node.cond)
            arms.append((condition, self.body(node.iftrue), line(node)))
            if not isinstance(node.iffalse, c_ast.If):
                break
            node = node.iffalse
        otherwise = self.body(node.iffalse) if node.iffalse is not None else None
        for condition, then, number in reversed(arms):
            otherwise = ("if", condition, then, otherwise, number)
        out.append(otherwise)

    def while_(self, node: c_ast.While, out: list[tuple]) -> None:
        condition = self.expr(node.cond)
        body = self.body(node.stmt)
        if condition != ("int", 0) or body[1]:
            out.append(("while", condition, body, line(node)))

    def do(self, node: c_ast.DoWhile, out: list[tuple]) -> None:
        body = self.body(node.stmt)
        condition = self.expr(node.cond)
        if body[1] or condition[0] != "int" or condition[1]:
            out.append(("do", body, condition, line(node)))

    def for_(self, node: c_ast.For, out: list[tuple]) -> None:
        self.names.append({})
        before: list[tuple] = []
        self.statement(node.init, before)
        start = None if not before else before[0] if len(before) == 1 else ("block", tuple(before), line(node))
        condition = self.expr(node.cond) if node.cond is not None else None
        step = self.expr(node.next) if node.next is not None else None
        out.append(("for", start, condition, step, self.body(node.stmt), line(node)))
        self.names.pop()

    def switch(self, node: c_ast.Switch, out: list[tuple]) -> None:
        value = self.expr(node.cond)
        out.append(("switch", value, self.body(node.stmt), line(node)))

    def case(self, node: c_ast.Case, out: list[tuple]) -> None:
        value = self.constant(node.expr)
        if value is None:
            self.fail(node, "case value is no integer constant")
            value = 0
        out.append(("case", value, value, line(node)))
        for item in node.stmts or ():
            self.statement(item, out)

    def default(self, node: c_ast.Default, out: list[tuple]) -> None:
        out.append(("default", line(node)))
        for item in node.stmts or ():
            self.statement(item, out)

    def label(self, node: c_ast.Label, out: list[tuple]) -> None:
        out.append(("label", node.name, line(node)))
        self.statement(node.stmt, out)

    def return_(self, node: c_ast.Return, out: list[tuple]) -> None:
        out.append(("return", self.expr(node.expr) if node.expr is not None else None, line(node)))


STATEMENTS: dict[type, Callable[[UnitReader, c_ast.Node, list[tuple]], None]] = {
    c_ast.Compound: UnitReader.compound,
    c_ast.Decl: UnitReader.variable,
    c_ast.DeclList: UnitReader.declarations,
    c_ast.Typedef: lambda self, node, out: self.typedef(node),
    c_ast.If: UnitReader.if_,
    c_ast.While: UnitReader.while_,
    c_ast.DoWhile: UnitReader.do,
    c_ast.For: UnitReader.for_,
    c_ast.Switch: UnitReader.switch,
    c_ast.Case: UnitReader.case,
    c_ast.Default: UnitReader.default,
    c_ast.Label: UnitReader.label,
    c_ast.Goto: lambda self, node, out: out.append(("goto", node.name, line(node))),
    c_ast.Break: lambda self, node, out: out.append(("break", line(node))),
    c_ast.Continue: lambda self, node, out: out.append(("continue", line(node))),
    c_ast.Return: UnitReader.return_,
}


def name_place(node: c_ast.Decl):
    """Coordinates of the declared name; those of the declaration itself are of its first `*`."""
    declarator = node.type
    while isinstance(declarator, (c_ast.PtrDecl, c_ast.ArrayDecl, c_ast.FuncDecl)):
        declarator = declarator.type
    return declarator.coord if isinstance(declarator, c_ast.TypeDecl) and declarator.coord else node.coord


def argument(attribute: str) -> str:
    """The argument of `word(argument)`, without quotes."""
    return attribute.partition("(")[2].strip(' ()"')


def known_attribute(attribute: str) -> list[str]:
    """IR attributes for the text of a C attribute."""
    word = attribute.partition("(")[0].strip().strip("_")
    if word == "weak":
        return ["weak"]
    if word == "alias":
        return [f"alias={argument(attribute)}"]
    if word == "section" and argument(attribute).startswith((".init.text", ".meminit.text")):
        return ["init"]
    return []


def parse_c(name: str | Path, root: str | Path | None = None, text: str | None = None) -> AstUnit:
    """The AST of a C file.

    `name` is the file, relative to the folder `root` (names in the result are relative to it as well); `text` is
    used in its place if given.  Errors of any kind, the file's absence included, are in the result's `errors`.
    """
    name = Path(name).as_posix()
    folder = Path(root) if root is not None else Path()

    def read(wanted: str) -> str:
        if text is not None and wanted == name:
            return text
        return (folder / wanted).read_text(encoding="utf-8")

    unit = AstUnit(name, [], [], {"noreturn": sorted(ALWAYS_NORETURN)}, [])
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEP))
    try:
        source = prepare(name, read)
        parser = CParser()
        tree = parser.parse(source.text, name)
        reader = UnitReader(source)
        reader.unit(tree)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        return unit._replace(errors=[f"{name}:1: cannot be read: {reason}"])
    except ParseError as error:
        match = ERROR_PLACE.match(str(error))
        if match:
            message = f"{match[1]}:{match[2]}: {match[3]}"
        else:
            # Some of pycparser's errors come without a line; its lexer still knows how far it got.
            lexer = parser.clex
            file, number = getattr(lexer, "filename", name) or name, getattr(lexer, "lineno", 1)
            message = f"{file}:{number}: {str(error).rpartition(': ')[2]}"
        return unit._replace(errors=[*source.errors, message])
    except RecursionError:
        return unit._replace(errors=[f"{name}:1: nested too deeply"])
    except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # pycparser's own slips on input that is no C; ours would show in the agreement tests
        return unit._replace(errors=[f"{name}:1: not C ({type(error).__name__})"])
    finally:
        sys.setrecursionlimit(limit)
    declarations = {"noreturn": sorted({*reader.noreturn, *ALWAYS_NORETURN})}
    if reader.aliases:
        declarations["alias"] = sorted(reader.aliases)
    errors = sorted(set(source.errors)) + list(dict.fromkeys(reader.failures))
    return AstUnit(name, reader.functions, reader.globals, declarations, errors)
