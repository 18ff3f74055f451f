"""The qualifier flow against brute force: every path of random small programs, run concretely.

An operation is unprotected when some run reaches it although no call of the hook returned 0 on the way.  The solver
must find exactly those programs (conditions are used once each, so no path is infeasible for another reason).
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from lattices import pack as packs
from verifier.frontend.ast import AstFunction, AstUnit
from verifier.frontend.lower import lower_unit
from verifier.ir.model import encode
from verifier.program.analyse import Analysis

RULE = """
[[service]]
id = "test"
title = "Test"
[[rule]]
id = "toy"
service = "test"
operation = "operate(x)"
requires = ["security_toy(x)"]
reason = "a toy"
"""


class Memory(dict):
    """A store in memory."""

    def get(self, kind, key):
        return dict.get(self, (kind, key))

    def put(self, kind, key, data):
        self[kind, key] = data

    def put_many(self, kind, items):
        for key, data in items:
            self[kind, key] = data

    def get_many(self, kind, keys):
        return {k: self[kind, k] for k in keys if (kind, k) in self}


def programs():
    leaf = st.one_of(
        st.tuples(st.just("hook"), st.integers(0, 1)),
        st.tuples(st.just("retif"), st.integers(0, 1)),
        st.tuples(st.just("unless"), st.integers(0, 1)),
        st.tuples(st.just("copy"), st.integers(0, 1)),
        st.tuples(st.just("zero"), st.integers(0, 1)),
        st.tuples(st.just("or"), st.integers(0, 1)),
        st.just(("op",)),
    )
    return st.recursive(
        st.lists(leaf, min_size=1, max_size=5),
        lambda inner: st.lists(st.one_of(leaf, st.tuples(st.just("if"), inner, inner)), min_size=1, max_size=4),
        max_leaves=12,
    )


def violated(program):
    """Brute force: does any run operate without a hook having returned 0?"""

    def run(stmts, envs):
        """envs: list of (e0, e1, passed); returns those that go on."""
        nonlocal bad
        for s in stmts:
            out = set()
            for e, passed in envs:
                if s[0] == "hook":
                    for r in (0, -1):
                        new = (r, e[1]) if s[1] == 0 else (e[0], r)
                        out.add((new, passed or r == 0))
                elif s[0] == "retif":
                    if e[s[1]] == 0:
                        out.add((e, passed))
                elif s[0] == "unless":
                    if e[s[1]] != 0:
                        out.add((e, passed))
                elif s[0] == "copy":
                    out.add(((e[1 - s[1]],) * 2, passed))
                elif s[0] == "zero":
                    out.add(((0, e[1]) if s[1] == 0 else (e[0], 0), passed))
                elif s[0] == "or":
                    v = e[0] | e[1]
                    out.add(((v, e[1]) if s[1] == 0 else (e[0], v), passed))
                elif s[0] == "if":
                    out |= run(s[1], {(e, passed)}) | run(s[2], {(e, passed)})
                else:
                    bad = bad or not passed
                    out.add((e, passed))
            envs = out
        return envs

    bad = False
    run(program, {((0, 0), False)})
    return bad


def to_ast(program):
    conditions = count()
    params = [("x", "ptr:thing")]

    def var(i):
        return ("var", f"e{i}")

    def convert(stmts):
        out = []
        for s in stmts:
            if s[0] == "hook":
                out.append(("expr", ("assign", "", var(s[1]), ("call", ("fun", "security_toy"), (("var", "x"),), 3)), 3))
            elif s[0] == "retif":
                out.append(("if", var(s[1]), ("return", var(s[1]), 4), None, 4))
            elif s[0] == "unless":
                out.append(("if", ("un", "!", var(s[1])), ("return", var(s[1]), 4), None, 4))
            elif s[0] == "copy":
                out.append(("expr", ("assign", "", var(s[1]), var(1 - s[1])), 5))
            elif s[0] == "zero":
                out.append(("expr", ("assign", "", var(s[1]), ("int", 0)), 5))
            elif s[0] == "or":
                out.append(("expr", ("assign", "|", var(s[1]), var(1 - s[1])), 5))
            elif s[0] == "if":
                name = f"c{next(conditions)}"
                params.append((name, "int"))
                out.append(("if", ("var", name), ("block", convert(s[1]), 6), ("block", convert(s[2]), 6), 6))
            else:
                out.append(("expr", ("call", ("fun", "operate"), (("var", "x"),), 9), 9))
        return tuple(out)

    body = (("decl", "e0", ("int", 0), None, 2), ("decl", "e1", ("int", 0), None, 2), *convert(program))
    return AstFunction("f", "t.c", 1, 99, False, "int", params, [], ("block", (*body, ("return", ("int", 0), 98)), 1), {})


def analysed(function, folder):
    (Path(folder) / "rules.toml").write_text(RULE, encoding="utf-8")
    pack = packs.load(Path(folder))
    store = Memory()
    store.put("unit", "k", encode(lower_unit(AstUnit("t.c", [function], [], {}, []))))
    analysis = Analysis([SimpleNamespace(file="t.c", key="k", status="analysed", error="")], store, pack, True)
    analysis.run()
    return analysis


@settings(max_examples=600, deadline=None)
@given(program=programs())
def test_flow_equals_brute_force(tmp_path_factory, program):
    analysis = analysed(to_ast(program), tmp_path_factory.mktemp("pack"))
    findings = [f for f in analysis.document().findings if f.rule == "toy"]
    assert bool(findings) == violated(program)
