"""C expressions of rule files."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lattices.expressions import names, rebuild, show, substitute, walk
from lattices.parsing import PatternError, parse

P = ("name", "p")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x->f", ("member", ("deref", ("name", "x")), "f")),
        ("x.f", ("member", ("name", "x"), "f")),
        ("&x->f", ("addr", ("member", ("deref", ("name", "x")), "f"))),
        ("&*p", P),
        ("*&p", P),
        ("_", ("any",)),
        ("f(a, __)", ("call", "f", (("name", "a"), ("rest",)))),
        ("p->g(_)", ("call", ("member", ("deref", P), "g"), (("any",),))),
        ("NULL", ("int", 0)),
        ("0600", ("int", 0o600)),
        ("0x10UL", ("int", 16)),
        ("'A'", ("int", 65)),
        ("1 << 3 | 1", ("int", 9)),
        ("-1", ("int", -1)),
        ("~m", ("un", "~", ("name", "m"))),
        ("(struct inode *)p", P),
        ("(umode_t)p", P),
        ("p == NULL", ("bin", "==", P, ("int", 0))),
        ("!p && q || r", ("or", ("and", ("not", P), ("name", "q")), ("name", "r"))),
        ("*p = _", ("assign", ("deref", P), ("any",))),
        ("p |= 2", ("assign", P, ("bin", "|", P, ("int", 2)))),
        ("p++", ("assign", P, ("bin", "+", P, ("int", 1)))),
        ("p[2]", ("index", P, ("int", 2))),
        ('f("a")', ("call", "f", (("str", "a"),))),
    ],
)
def test_forms(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [
        ("", 1, "empty"),
        ("a +", 4, "end"),
        ("a b", 3, "operator"),
        ("f(a, , b)", 6, "before ','"),
        ("f(a", 2, "not closed"),
        ("a)", 2, "closes nothing"),
        ("a; b", 2, "statements"),
        ("a @ b", 3, "unexpected"),
        ("x } void g(void) { y", 3, "unexpected"),
        ("a ? b : c", 1, "?:"),
        ("sizeof(x)", 1, "sizeof"),
        ("f(__, a)", 1, "last"),
        ("a, b", 1, "comma"),
        ("x /* y */", 3, "/*"),
        ("if (x) y", 8, ""),
    ],
)
def test_errors_point_at_the_character(text, column, word):
    with pytest.raises(PatternError) as caught:
        parse(text)
    assert word in caught.value.message
    if text != "if (x) y":
        assert caught.value.column == column


def test_other_things_than_text_are_refused():
    with pytest.raises(PatternError, match="quotes"):
        parse(3)


def test_names_leave_called_functions_out():
    assert names(parse("dir->i_op->unlink(dir, f(dentry), _)")) == ("dir", "dentry")


def test_substitution_folds_constants():
    folded = substitute(parse("mask & (A | B)"), {"A": ("int", 1), "B": ("int", 4)})
    assert folded == ("bin", "&", ("name", "mask"), ("int", 5))


leaves = st.one_of(
    st.sampled_from(["a", "b", "dir", "inode"]).map(lambda n: ("name", n)),
    st.integers(0, 1 << 40).map(lambda n: ("int", n)),
    st.just(("any",)),
)


def _grow(inner):
    fields = st.sampled_from(["i_op", "f_inode"])
    return st.one_of(
        st.tuples(st.just("member"), inner, fields),
        st.tuples(st.just("deref"), inner),
        st.tuples(st.just("addr"), inner),
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        st.tuples(st.just("bin"), st.sampled_from(["+", "-", "*", "&", "|", "<<", "==", "<", ">="]), inner, inner),
        st.tuples(st.just("index"), inner, inner),
        st.tuples(st.just("call"), st.just("f"), st.lists(inner, max_size=3).map(tuple)),
    )


@given(st.recursive(leaves, _grow, max_leaves=12))
def test_printing_and_reading_are_inverse(expression):
    folded = rebuild(expression, lambda part: part)
    assert parse(show(folded)) == folded
    assert next(walk(folded)) == folded


@given(st.text(max_size=30) | st.lists(st.sampled_from(["a", "b", "(", ")", "[", "]", "->", ".", ",", "*", "&", "&&", "|", "!", "=", "==", ";", "{", "}", "_", "__", "1", "'", '"', "int"])).map(" ".join))
@example("((((((((((")
@example("int")
@example("'")
def test_nothing_but_its_own_error_comes_out_of_the_reader(text):
    try:
        assert parse(text)
    except PatternError as error:
        assert 1 <= error.column <= len(text) + 1
