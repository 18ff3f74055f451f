"""Headers as items: what each declares, and what is not plainly a macro, a function or a prototype."""

from __future__ import annotations

import pytest

from verifier.frontend.items import DIRECTIVE, FUNCTION, MACRO, OTHER, PROTOTYPE, items

KINDS = {
    "int f(struct a *p);": (PROTOTYPE, ("f",)),
    "extern void __printf(1, 2) f(const char *, ...);": (PROTOTYPE, ("f",)),
    "static inline int f(int a) { if (a) { return 1; } return g(a); }": (FUNCTION, ("f",)),
    "static inline void f(void) __must_hold(x) { }": (FUNCTION, ("f",)),
    "struct file *f(void) __noreturn;": (PROTOTYPE, ("f",)),
    "#define M(x) \\\n\tf(x)": (MACRO, ("M",)),
    "#undef M": (MACRO, ("M",)),
    "#include <linux/types.h>": (DIRECTIVE, ()),
    "struct a { int x; };": (OTHER, ()),
    "struct a;": (OTHER, ()),
    "enum { A, B };": (OTHER, ()),
    "typedef int (*filldir)(int);": (OTHER, None),
    "extern int (*hook)(int);": (OTHER, ()),
    "extern int counter;": (OTHER, ()),
    "DECLARE_PER_CPU(int, counter);": (OTHER, ()),
    "static DEFINE_MUTEX(lock);": (OTHER, ()),
    "static const struct ops o = { .f = f };": (OTHER, ()),
    "extern typeof(f) g;": (OTHER, ()),
    "int f(void), g(void) = 3;": (OTHER, None),
}


@pytest.mark.parametrize("text", KINDS)
def test_kinds(text):
    (item,) = items(text)
    kind, names = KINDS[text]
    assert item.kind == kind and (names is None or item.names == names)


def test_comments_and_lines_do_not_count():
    assert items("int f(int a);\n#define M 1\n") == items("/* f */ int f(\n\tint a // of f\n);\n#define M /* one\n */ 1\n")
    assert items('#define S "/* no comment */"') != items('#define S "/* a comment */"')


def test_conditions_are_told():
    one = items("#ifdef A\nint f(void);\n#else\nint g(void);\n#endif\nint h(void);\n")
    where = {item.names[0]: item.where for item in one if item.names}
    assert where == {"f": ("ifdef A",), "g": ("else",), "h": ()}


def test_a_macro_in_front_of_a_function_is_told_with_it():
    (item,) = items("DEFINE_FREE(x, int, close(_T))\nstatic inline int f(void) { return 0; }")
    assert item.kind == OTHER
    bodies = items("static inline int f(void)\n{\n#ifdef A\n\tg();\n#endif\n\treturn 0;\n}\n")
    assert [i.kind for i in bodies] == [DIRECTIVE, DIRECTIVE, FUNCTION] and "ifdef" in bodies[-1].body
