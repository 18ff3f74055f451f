"""The pycparser front end: what it inlines and takes out, and that bad input is an error with a line, never a crash."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from verifier.frontend.lower import lower_unit
from verifier.frontend.pycparser_c import parse_c
from verifier.frontend.pycparser_text import prepare
from verifier.ir.checker import check_unit
from verifier.ir.printer import print_function


def lowered(text: str):
    unit = parse_c("t.c", text=textwrap.dedent(text).lstrip("\n"))
    assert unit.errors == []
    return lower_unit(unit)


def test_macros_includes_and_lines(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "kernel.h").write_text("#define LIMIT (2 * \\\n 3)\n#ifndef ABSENT\nint inside;\n#endif\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.c").write_text(
        '/* two\n lines */\n#include "../lib/kernel.h"\n\nint f(int x) // LIMIT "\n{\n\treturn x + LIMIT;\n}\n'
    )
    unit = lower_unit(parse_c("sub/a.c", tmp_path))
    assert unit.errors == []
    assert print_function(unit.functions[0]) == (
        "int f(int x)  sub/a.c:5-8\nblock 0:\n     7  return (x + 6)\n"
    )


def test_attributes_belong_to_their_names():
    unit = lowered(
        """
        void put(int *p);
        void gone(int code) __attribute__((noreturn));
        static int __attribute__((__section__(".init.text"))) start(int n)
        {
            int a __attribute__((cleanup(put))) = n, b = 2;
            if (n)
                gone(1);
            return b;
        }
        """
    )
    assert unit.declarations["noreturn"] == ["__builtin_trap", "__builtin_unreachable", "gone"]
    assert print_function(unit.functions[0]).splitlines()[1:] == [
        "  attributes static init",
        "  local int a",
        "  local int b",
        "block 0:",
        "     5  a = n",
        "     5  b = 2",
        "     6  if n goto 1 else 2",
        "block 1 <- 0:",
        "     7  gone(1)",
        "     7  end",
        "block 2 <- 0:",
        "     8  %1 = b",
        "     8  put(&a)",
        "     8  return %1",
    ]


def test_tables_are_flattened():
    unit = lowered(
        """
        struct ops { int (*open)(void); struct { int (*close)(int); int flags; } more; };
        int first(void) { return 0; }
        int second(int a) { return a; }
        static const struct ops tables[] = { { first, { .flags = 3 } }, [4].more.close = second };
        """
    )
    assert unit.globals[0].entries == [
        ([0, "ops.open"], ("f", "first")),
        ([0, "ops.more", "ops.more.flags"], ("c", 3)),
        ([4, "ops.more", "ops.more.close"], ("f", "second")),
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("int f(void) {\n  return 1\n}\n", "t.c:3: "),
        ("int f(void)\n{\n  return missing;\n}\n", "t.c:3: use of undeclared identifier 'missing'"),
        ("struct s { int a; };\nint f(struct s *p)\n{\n return p->b;\n}\n", "t.c:4: no member named 'b'"),
        ("int a;\n#include <linux/fs.h>\n", "t.c:2: #include <linux/fs.h> is no file of the corpus"),
        ('#include "absent.h"\n', "t.c:1: cannot read absent.h: FileNotFoundError"),
        ('#include "t.c"\n', "t.c:1: files include each other"),
        ("#define F(x) x\n", "t.c:1: only macros without parameters can be read here"),
        ("#if 1\nint a;\n#endif\n", "t.c:1: #if cannot be read here"),
        ("#ifdef A\nint a;\n", "t.c:3: #if without #endif"),
        ("int f(void) { return ({ 1; }); }\n", "t.c:1: "),
        ("int a __attribute__((cleanup(b);\n", "t.c:1: attribute without an end"),
    ],
)
def test_errors_have_a_line(text, error):
    errors = parse_c("t.c", text=text).errors
    assert errors and any(found.startswith(error) for found in errors), errors


def test_missing_and_binary_files_are_errors(tmp_path):
    assert parse_c("absent.c", tmp_path).errors == ["absent.c:1: cannot be read: No such file or directory"]
    (tmp_path / "bytes.c").write_bytes(b"\xff\xfe\x00int a;")
    assert parse_c("bytes.c", tmp_path).errors == ["bytes.c:1: cannot be read: not UTF-8"]


def test_deep_nesting_is_no_crash():
    deep = "int f(int a) { return " + "(" * 3000 + "a" + ")" * 3000 + "; }"
    unit = parse_c("t.c", text=deep)
    assert unit.errors == [] or "nested too deeply" in unit.errors[0]
    long = "int f(int a) { " + "".join(f"if (a == {n}) return {n}; else " for n in range(800)) + "return 0; }"
    chain = lower_unit(parse_c("t.c", text=long))
    assert chain.errors == [] and len(chain.functions[0].blocks) == 1601


TOKENS = (
    "int x f ( ) { } [ ] ; , = == + - * & . -> 1 'a' \"s\" if else for while do switch case default break continue "
    "return goto struct union enum typedef static sizeof ? : ! ~ ++ && || #define #include #ifdef #endif \n \\\n "
    "__attribute__((cleanup(f))) __attribute__(( /* // */ 0x ... void"
)
WORDS = st.sampled_from(TOKENS.split(" "))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=40))
@example("int x; int f(void) { struct { int a; } v = { .b = 1 }; return x.a + v; }")
@example("int f(int a) { int a; switch (a) { case f: ; } return *a + a[1] + a(); }")
@example("struct s; int f(struct s *p) { return sizeof(*p) + p->a; }")
@example("int a[-1]; int b[b]; enum { A = x }; typedef x y; y z;")
@example("int f(void) { int x = {}; int y[] = { [0] = 1, .a = 2 }; return offsetof(int, a) / 0; }")
def test_any_text_gives_a_unit(text):
    unit = lower_unit(parse_c("t.c", text=text))
    assert check_unit(unit) == []


def test_attribute_text_keeps_columns():
    source = prepare("t.c", lambda name: "int a __attribute__((unused)), *b;\n")
    assert source.text.splitlines()[1] == "int a                        , *b;"
    assert source.attributes == {("t.c", 1, 5): ["unused"]}
