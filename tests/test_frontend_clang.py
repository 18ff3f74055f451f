"""libclang's nodes become the AST of docs/engine.md: one construct a test, on C written as kernels write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.frontend import libclang_api as api
from verifier.frontend.ast import AstFunction, AstUnit
from verifier.frontend.clang import UnitReader
from verifier.frontend.flags import ATTRIBUTE_MACROS, PARSER
from verifier.frontend.lower import lower_unit
from verifier.frontend.sources import Sources
from verifier.ir.checker import check_unit

PRELUDE = """
#define offsetof(t, m) __builtin_offsetof(t, m)
#define container_of(ptr, type, member) ({ void *__mptr = (void *)(ptr); \\
    _Static_assert(1, ""); ((type *)(__mptr - offsetof(type, member))); })
#define READ_ONCE(x) ({ do { extern void __compiletime_assert_77(void); \\
    if (!(sizeof(x) == 8)) __compiletime_assert_77(); } while (0); \\
    (*(const volatile typeof(_Generic((x), char: (char)0, default: (x))) *)&(x)); })
#define WRITE_ONCE(x, v) do { *(volatile typeof(x) *)&(x) = (v); } while (0)
#define __cleanup(f) __attribute__((__cleanup__(f)))
#define __free(n) __cleanup(__free_##n)
struct list { struct list *next; };
struct inner { int a, b; };
struct ops { int (*open)(int); void (*close)(void); const char *name; };
typedef struct { int val; } kuid_t;
struct obj {
    int x;
    union { int u1; long u2; struct { int s1, s2; }; };
    struct { int q; struct { int deep; } in; } named;
    struct list node;
    struct inner arr[3];
    kuid_t uid;
    int bits : 3;
    int : 5;
    const struct ops *ops;
};
int use(int, ...);
void die(void) __attribute__((noreturn));
static int op_open(int x) { return x; }
"""


def read(text: str, tmp_path: Path) -> AstUnit:
    """The AST of PRELUDE and `text`."""
    source = tmp_path / "t.c"
    source.write_text(PRELUDE + text)
    sources = Sources(str(tmp_path), None)
    index = api.create_index(1, 0)
    handle, code = api.parse(index, str(source), [*PARSER, *ATTRIBUTE_MACROS], api.KEEP_GOING)
    assert code == 0
    unit = UnitReader(sources.name, sources.read).unit(handle, "t.c")
    api.dispose_unit(handle)
    api.dispose_index(index)
    assert unit.errors == []
    assert check_unit(lower_unit(unit)) == []
    return unit


def without_lines(e: object) -> object:
    """The tuple without its lines: they end statements and calls."""
    if isinstance(e, list):
        return tuple(without_lines(x) for x in e)
    if not isinstance(e, tuple):
        return e
    ends = ("call", "expr", "decl", "if", "while", "do", "for", "switch", "case", "default", "block", "label", "goto",
            "asmgoto", "computedgoto", "break", "continue", "return", "asm")  # fmt: skip
    if e and e[0] in ends:
        e = e[:-1]
    return tuple(without_lines(x) for x in e)


def function(unit: AstUnit, name: str) -> AstFunction:
    """The function of that name."""
    return next(f for f in unit.functions if f.name == name)


def body(text: str, tmp_path: Path, name: str = "f") -> tuple:
    """Statements of `f` without lines."""
    return without_lines(function(read(text, tmp_path), name).body)[1]


def value(expression: str, tmp_path: Path, parameters: str = "struct obj *o, struct obj v, int x, int y") -> tuple:
    """The AST of one expression."""
    return body(f"long f({parameters}) {{ return (long)({expression}); }}", tmp_path)[0][1]


O = ("deref", ("var", "o"))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("o->x", ("mem", O, "obj", "x")),
        ("v.x", ("mem", ("var", "v"), "obj", "x")),
        ("(&v)->x", ("mem", ("var", "v"), "obj", "x")),
        ("(*o).x", ("mem", O, "obj", "x")),
        ("o->u1", ("mem", O, "obj", "u1")),
        ("o->s2", ("mem", O, "obj", "s2")),
        ("o->named.q", ("mem", ("mem", O, "obj", "named"), "obj.named", "q")),
        (
            "o->named.in.deep",
            ("mem", ("mem", ("mem", O, "obj", "named"), "obj.named", "in"), "obj.named.in", "deep"),
        ),
        ("o->arr[1].b", ("mem", ("idx", ("mem", O, "obj", "arr"), ("int", 1)), "inner", "b")),
        ("o->uid.val", ("mem", ("mem", O, "obj", "uid"), "kuid_t", "val")),
        ("READ_ONCE(o->u2)", ("mem", O, "obj", "u2")),
        ("__builtin_expect(!!(x), 0)", ("un", "!", ("un", "!", ("var", "x")))),
        ("__builtin_constant_p(x)", ("int", 0)),
        ("__builtin_constant_p(3)", ("int", 1)),
        ("__builtin_choose_expr(0, o, x)", ("var", "x")),
        ("__builtin_types_compatible_p(typeof(o->x), int)", ("int", 1)),
        ("__builtin_types_compatible_p(typeof(*o), struct inner)", ("int", 0)),
        ("sizeof(*o)", ("int", 72)),
        ("offsetof(struct obj, node)", ("int", 24)),
        ("(1UL << 3) | 1", ("int", 9)),
        ("~0U", ("int", 4294967295)),
        ("(unsigned char)-1", ("int", 255)),
        ("'x'", ("int", 120)),
        ("use(x) ?: y", ("cond", ("call", ("fun", "use"), (("var", "x"),)), None, ("var", "y"))),
        ("x ? y : 3", ("cond", ("var", "x"), ("var", "y"), ("int", 3))),
        ("1 ? y : 3", ("var", "y")),
        ("0 && use(x)", ("int", 0)),
        ("x && !y", ("and", ("var", "x"), ("un", "!", ("var", "y")))),
        ("_Generic(x, long: 1, int: x, default: 2)", ("var", "x")),
        ("op_open(x)", ("call", ("fun", "op_open"), (("var", "x"),))),
        ("(*op_open)(x)", ("call", ("fun", "op_open"), (("var", "x"),))),
        ("o->ops->open(x)", ("call", ("mem", ("deref", ("mem", O, "obj", "ops")), "ops", "open"), (("var", "x"),))),
        ("x--, y", ("comma", ("incdec", "-", False, ("var", "x")), ("var", "y"))),
        ("__builtin_strlen(\"ab\" \"c\")", ("int", 3)),
        ("(struct inner){ .b = x }.b", ("mem", ("init", "inner", (("b", ("var", "x")),)), "inner", "b")),
        ("*&x", ("var", "x")),
        ("1.5", ("unknown", "float")),
    ],
)  # fmt: skip
def test_expressions(expression: str, expected: tuple, tmp_path: Path) -> None:
    assert value(expression, tmp_path) == expected


def test_container_of_is_one_step(tmp_path: Path) -> None:
    e = value("container_of(l->next, struct obj, node)", tmp_path, "struct list *l")
    assert e == ("container", ("mem", ("deref", ("var", "l")), "list", "next"), "obj")


def test_container_of_a_typeof(tmp_path: Path) -> None:
    e = value("container_of(l->next, typeof(*o), arr[x])", tmp_path, "struct list *l, struct obj *o, int x")
    assert e == ("container", ("mem", ("deref", ("var", "l")), "list", "next"), "obj")


def test_volatile_store_is_a_plain_store(tmp_path: Path) -> None:
    (statement,) = body("void f(struct obj *o) { WRITE_ONCE(o->u2, 1); }", tmp_path)
    assert statement[1][1][0] == ("expr", ("assign", "", ("mem", O, "obj", "u2"), ("int", 1)))


def test_cleanup_through_macros_and_plain(tmp_path: Path) -> None:
    text = """
    void __free_kfree(void *p); void unlock(int *p);
    #define CLASS(name, var) int var __cleanup(class_##name##_destructor) = class_##name##_constructor
    void class_fd_destructor(int *p); int class_fd_constructor(int fd);
    int f(int n)
    {
        int *p __free(kfree) = 0;
        int q __attribute__((cleanup(unlock))) = 1;
        CLASS(fd, r)(n);
        return use(n, p, q, r);
    }
    """
    names = [s[3] for s in body(text, tmp_path) if s[0] == "decl"]
    assert names == ["__free_kfree", "unlock", "class_fd_destructor"]


def test_parts_of_for(tmp_path: Path) -> None:
    text = """
    #define forever for (;;)
    int f(int n)
    {
        int i;
        for (;;) break;
        for (i = 0; i < n;) i++;
        for (; i < 5; i++) ;
        for (int j = 0, k = 1; ; j++) if (j > k) return j;
        forever break;
    }
    """
    parts = [tuple(x is not None for x in s[1:4]) for s in body(text, tmp_path) if s[0] == "for"]
    assert parts == [
        (False, False, False), (True, True, False), (False, True, True), (True, False, True), (False, False, False),
    ]  # fmt: skip


def test_switch_has_ranges_and_markers(tmp_path: Path) -> None:
    text = "int f(int x) { switch (x) { case 1: return 1; case 2 ... 5: case 7: x++; break; default: x = 9; } return x; }"
    switch = body(text, tmp_path)[0]
    markers = [s for s in switch[2][1] if s[0] in ("case", "default")]
    assert markers == [("case", 1, 1), ("case", 2, 5), ("case", 7, 7), ("default",)]


def test_jumps(tmp_path: Path) -> None:
    text = """
    int f(int x)
    {
        static void *t[] = { &&a, &&b };
        asm goto("jmp %l[out]" : : "r"(x) : : out);
        goto *t[x];
    a:  return 1;
    b:  return 2;
    out: return 0;
    }
    """
    statements = body(text, tmp_path)
    assert ("asmgoto", ("out",)) in statements
    assert ("computedgoto", ("a", "b", "out")) in statements


def test_asm_goto_label_given_to_a_macro(tmp_path: Path) -> None:
    text = """
    #define get(x, label) do { asm goto("" : : "m"(x) : : label); } while (0)
    int f(int x) { get(x, bad); return 0; bad: return 1; other: return 2; }
    """
    loop = body(text, tmp_path)[0]
    assert ("asmgoto", ("bad",)) in loop[1][1]


def test_asm_operands(tmp_path: Path) -> None:
    text = """
    #define MEMORY(x) "+m"(x)
    int f(int x)
    {
        int r;
        asm volatile("mov %1,%0" : "=r"(r) : "r"(x), "i"(4) : "memory");
        asm volatile("" ::: "memory");
        asm volatile("inc %0" : MEMORY(x));
        return r;
    }
    """
    asm = [s for s in body(text, tmp_path) if s[0] == "asm"]
    assert asm == [
        ("asm", "mov %1,%0", (("var", "r"),), (("var", "x"),)),
        ("asm", "inc %0", (("var", "x"),), ()),
    ]  # fmt: skip


def test_locals_have_names_of_their_own(tmp_path: Path) -> None:
    text = """
    int f(int x)
    {
        int y = x;
        { int y = 2; x += y; }
        for (int y = 0; y < 2; y++) x += y;
        { int __UNIQUE_ID_t_12 = 1; x += __UNIQUE_ID_t_12; }
        return x + y;
    }
    """
    f = function(read(text, tmp_path), "f")
    assert list(f.local_types) == ["y", "y.1", "y.2", "__UNIQUE_ID_t"]


def test_va_arg(tmp_path: Path) -> None:
    text = """
    int f(int n, ...)
    {
        __builtin_va_list ap; int r;
        __builtin_va_start(ap, n); r = __builtin_va_arg(ap, int); use(n, ap); __builtin_va_end(ap);
        return r;
    }
    """
    statements = body(text, tmp_path)
    assert ("expr", ("assign", "", ("var", "r"), ("vaarg",))) in statements
    assert ("expr", ("call", ("fun", "use"), (("var", "n"), ("var", "ap")))) in statements


TABLES = """
static void op_close(void) { die(); }
static const struct ops table = { .open = op_open, .close = op_close, .name = "t" };
static const struct ops tables[] = { { op_open, op_close }, [3] = { .name = "x" }, [4 ... 5] = { .open = op_open } };
static struct obj big = {
    1, { 2 }, { 3, { 4 } }, .arr = { 1, 2, [2] = { .b = 5 } }, .s2 = 7, .ops = &table, .named.in.deep = 9
};
struct inner elided[2] = { 1, 2, 3, 4 };
static int numbers[] = { 1, 2, 3 };
static struct { int (*f)(int); int z; } unnamed = { op_open, 3 };
static struct obj *pointer = &(struct obj){ .x = 4 };
int f(void) { static const struct ops st = { .open = op_open }; return st.open(1) + unnamed.z; }
"""


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("table", [(["ops.open"], ("f", "op_open")), (["ops.close"], ("f", "op_close")), (["ops.name"], ("s", "t"))]),
        (
            "tables",
            [
                ([0, "ops.open"], ("f", "op_open")), ([0, "ops.close"], ("f", "op_close")),
                ([3, "ops.name"], ("s", "x")), ([4, "ops.open"], ("f", "op_open")), ([5, "ops.open"], ("f", "op_open")),
            ],
        ),
        (
            "big",
            [
                (["obj.x"], ("c", 1)), (["obj.u1"], ("c", 2)), (["obj.named", "obj.named.q"], ("c", 3)),
                (["obj.named", "obj.named.in", "obj.named.in.deep"], ("c", 4)),
                (["obj.arr", 0, "inner.a"], ("c", 1)), (["obj.arr", 0, "inner.b"], ("c", 2)),
                (["obj.arr", 2, "inner.b"], ("c", 5)), (["obj.s2"], ("c", 7)), (["obj.ops"], ("ag", "table")),
                (["obj.named", "obj.named.in", "obj.named.in.deep"], ("c", 9)),
            ],
        ),
        (
            "elided",
            [
                ([0, "inner.a"], ("c", 1)), ([0, "inner.b"], ("c", 2)), ([1, "inner.a"], ("c", 3)),
                ([1, "inner.b"], ("c", 4)),
            ],
        ),
        ("numbers", []),
        ("unnamed", [(["unnamed.f"], ("f", "op_open")), (["unnamed.z"], ("c", 3))]),
        ("pointer", [(["obj.x"], ("c", 4))]),
        ("f.st", [(["ops.open"], ("f", "op_open"))]),
    ],
)  # fmt: skip
def test_tables(name: str, entries: list, tmp_path: Path) -> None:
    unit = read(TABLES, tmp_path)
    assert next(g.entries for g in unit.globals if g.name == name) == entries


def test_facts_of_functions(tmp_path: Path) -> None:
    text = """
    __attribute__((__section__(".init.text"))) int start(void) { return 0; }
    int __attribute__((__weak__)) soft(kuid_t u, unsigned n, int (*cb)(int), char *s, _Bool b) { die(); return 0; }
    static inline int security_nothing(int x) { return 0; }
    static inline int security_something(int x) { return use(x); }
    """
    unit = read(text, tmp_path)
    soft = function(unit, "soft")
    assert function(unit, "start").attributes == ["init"]
    assert (soft.attributes, soft.static, soft.returns) == (["weak"], False, "int")
    assert [t for _, t in soft.params] == ["struct:kuid_t", "uint", "fnptr", "ptr:", "bool"]
    assert function(unit, "security_nothing").attributes == ["inline", "stub"]
    assert function(unit, "security_something").attributes == ["inline"]
    assert "die" in unit.declarations["noreturn"]


def test_header_functions_only_where_they_are_used(tmp_path: Path) -> None:
    (tmp_path / "h.h").write_text(
        "static inline int inner_one(int x) { return x; }\n"
        "static inline int used(int x) { return inner_one(x); }\n"
        "static inline int unused(int x) { return x; }\n"
        "static const struct ops header_table = { .name = \"h\" };\n"
    )
    unit = read('#include "h.h"\nint f(int x) { return used(x) + !header_table.name; }', tmp_path)
    from_header = [(f.file, f.name) for f in unit.functions if f.file == "h.h"]
    assert from_header == [("h.h", "used"), ("h.h", "inner_one")]
    assert [g.name for g in unit.globals if g.file == "h.h"] == ["header_table"]


def test_an_error_is_told_with_its_place(tmp_path: Path) -> None:
    source = tmp_path / "t.c"
    source.write_text("int good(void) { return 0; }\nint bad(void) { return nothing; }\n")
    sources = Sources(str(tmp_path), None)
    handle, _ = api.parse(api.create_index(1, 0), str(source), list(PARSER), api.KEEP_GOING)
    unit = UnitReader(sources.name, sources.read).unit(handle, "t.c")
    assert unit.errors == ["t.c:2: use of undeclared identifier 'nothing'"]
    assert [f.name for f in unit.functions] == ["good", "bad"]
