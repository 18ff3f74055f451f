"""The subtree below a cursor as Python tuples, collected by one callback.

A node is (kind, cursor, children).  The visitor is told each node with its parent, in preorder; a stack of open
parents, compared by address, is enough to rebuild the tree.  Nothing else is asked of libclang here: most nodes
(implicit casts, parentheses) never need another call.
"""

from __future__ import annotations

from verifier.frontend import libclang_api as api
from verifier.frontend.libclang_api import CONTINUE, RECURSE, CXCursor

# Declarations and references
FUNCTION_DECL, VAR_DECL, PARM_DECL, ENUM_CONSTANT, FIELD_DECL = 8, 9, 10, 7, 6
TYPE_REF, MEMBER_REF, LABEL_REF = 43, 47, 48
# Expressions
UNEXPOSED, DECL_REF, MEMBER, CALL, INTEGER, FLOATING, IMAGINARY, STRING, CHARACTER = (
    100, 101, 102, 103, 106, 107, 108, 109, 110,
)
PAREN, UNARY, SUBSCRIPT, BINARY, COMPOUND_ASSIGN, CONDITIONAL, CAST, COMPOUND_LITERAL, INIT_LIST = range(111, 120)
ADDRESS_OF_LABEL, STATEMENT_EXPR, GENERIC, SIZEOF = 120, 121, 122, 136
LAST_EXPRESSION = 199
# Statements
UNEXPOSED_STMT, LABEL, COMPOUND, CASE, DEFAULT, IF, SWITCH, WHILE, DO, FOR, GOTO = range(200, 211)
INDIRECT_GOTO, CONTINUE_STMT, BREAK_STMT, RETURN, ASM = range(211, 216)
NULL_STMT, DECL_STMT = 230, 231
# Attributes
FIRST_ATTRIBUTE, ANNOTATE, LAST_ATTRIBUTE = 400, 406, 499

# Their children are not wanted, or only sometimes and then asked for separately: initialisers are reached through the
# declaration, so that the expression inside a `typeof` is not walked; a _Generic inside a `typeof` neither.
CLOSED = frozenset(
    (DECL_REF, INTEGER, FLOATING, STRING, CHARACTER, TYPE_REF, MEMBER_REF, LABEL_REF, VAR_DECL, SIZEOF, GENERIC, 2, 3,
     5, 20, FUNCTION_DECL, NULL_STMT, BREAK_STMT, CONTINUE_STMT)
)  # fmt: skip
# A VAR_DECL, a FUNCTION_DECL or a record keeps its place; a type reference is of no use anywhere.

Node = tuple[int, CXCursor, list]


class Collector:
    """Collects subtrees; one per process is enough, it holds no state between calls."""

    def __init__(self) -> None:
        self._keys: list[int] = []
        self._lists: list[list[Node]] = []
        self._visitor = api.VISITOR(self._visit)
        self._shallow: list[CXCursor] = []
        self._shallow_visitor = api.VISITOR(self._visit_shallow)

    def _visit(self, cursor: CXCursor, parent: CXCursor, _data: int | None) -> int:
        kind = cursor.kind
        if kind == TYPE_REF:
            return CONTINUE
        keys, lists = self._keys, self._lists
        key = parent.d1
        while keys[-1] != key:
            keys.pop()
            lists.pop()
        if kind in CLOSED:
            lists[-1].append((kind, cursor, ()))
            return CONTINUE
        children: list[Node] = []
        lists[-1].append((kind, cursor, children))
        keys.append(cursor.d1)
        lists.append(children)
        return RECURSE

    def _visit_shallow(self, cursor: CXCursor, _parent: CXCursor, _data: int | None) -> int:
        self._shallow.append(cursor)
        return CONTINUE

    def below(self, cursor: CXCursor) -> list[Node]:
        """The nodes below an expression or statement."""
        top: list[Node] = []
        self._keys = [cursor.d1]
        self._lists = [top]
        api.visit_children(cursor, self._visitor, None)
        return top

    def tree(self, cursor: CXCursor) -> Node:
        """The cursor as a node with all below it."""
        return (cursor.kind, cursor, () if cursor.kind in CLOSED else self.below(cursor))

    def children(self, cursor: CXCursor) -> list[CXCursor]:
        """The direct children."""
        self._shallow = []
        api.visit_children(cursor, self._shallow_visitor, None)
        return self._shallow
