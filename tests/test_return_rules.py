"""Rules whose operation is what a function hands out: `return &table` in named functions."""

import pytest

from lattices.expressions import names, show
from lattices.pack import PackError, load
from lattices.parsing import PatternError, parse_operation
from verifier.certificates.produce import Producer
from verifier.program.analyse import analysis
from verifier.program.examples import examples, judge
from verifier.program.linked import link_anew
from verifier.store import Store
from verifier.tree import open_tree
from verifier.verify.check import Checker, Fails
from verifier.verify.world import World

HEAD = """
globals = ["secret"]
prelude = '''
struct table { int rank; };
struct table secret;
struct table plain;
int capable(int cap);
'''
"""
GOOD = "struct table *pick(int kind) { if (kind == 1) return &plain; if (!capable(1)) return 0; return &secret; }"
CHOSEN = "struct table *pick(int kind) { switch (kind) { case 1: return &plain; case 2: return capable(1) ? &secret : 0; } return 0; }"
KEPT = "struct table *pick(int kind) { struct table *t = &plain; if (capable(1)) t = &secret; return t; }"
BAD = "struct table *pick(int kind) { if (kind == 1) return &plain; capable(1); return &secret; }"
ONE_WAY = "struct table *pick(int kind) { if (kind == 1 && !capable(1)) return 0; return &secret; }"


def rules(folder, good="", bad="", operation="return &secret", where='in = ["pick"]'):
    folder.mkdir(exist_ok=True)
    (folder / "r.toml").write_text(
        f"{HEAD}[[rule]]\nid = 'secret-handed-out'\nservice = 'file'\noperation = '{operation}'\n{where}\n"
        f"requires = ['capable(1)']\nreason = 'r'\ngood = '''{good}'''\nbad = '''{bad}'''\n"
    )
    return load(extra=[folder])


def test_a_return_is_read_with_what_it_hands_out():
    assert parse_operation("return &secret") == ("return", ("addr", ("name", "secret")))
    assert parse_operation("returned(x)") == ("call", "returned", (("name", "x"),))
    assert show(parse_operation("return  a->b + _")) == "return a->b + _"
    assert names(parse_operation("return a->b")) == ("a",)


@pytest.mark.parametrize(("text", "column"), [("return", 7), ("return f(", 9), ("return a b", 10)])
def test_what_does_not_fit_is_pointed_at(text, column):
    with pytest.raises(PatternError) as caught:
        parse_operation(text)
    assert caught.value.column == column


@pytest.mark.parametrize(("good", "bad"), [(GOOD, BAD), (CHOSEN, ONE_WAY), (KEPT, BAD)])
def test_good_passes_and_bad_is_reported(good, bad, tmp_path):
    pack = rules(tmp_path / "rules", good, bad)
    wanted = examples([pack.rule("secret-handed-out")])
    assert [why for _, why in judge(pack, wanted, 1, lambda *_: None)] == ["", ""]


def test_another_object_is_not_the_operation(tmp_path):
    pack = rules(tmp_path / "rules", "struct table *pick(int kind) { return &plain; }", BAD)
    (first, why), _ = judge(pack, examples([pack.rule("secret-handed-out")]), 1, lambda *_: None)
    assert first.expected == "good" and "does not perform the operation" in why


def test_a_return_is_no_requirement(tmp_path):
    with pytest.raises(PackError, match="return"):
        folder = tmp_path / "rules"
        rules(folder)
        (folder / "r.toml").write_text((folder / "r.toml").read_text().replace("'capable(1)'", "'return &secret'"))
        load(extra=[folder])


@pytest.fixture
def proved(tmp_path):
    """(records of a program's certificates, a checker over it)."""
    (tmp_path / "tree").mkdir()
    source = f"struct table {{ int rank; }};\nstruct table secret, plain;\nint capable(int cap);\n{CHOSEN}\n"
    (tmp_path / "tree" / "a.c").write_text(source + "int use(int kind) { return pick(kind)->rank; }\n")
    pack = rules(tmp_path / "rules")
    with Store.open(tmp_path / "store.db") as store:
        found = analysis(open_tree(str(tmp_path / "tree"), "plain", build=str(tmp_path / "build")), store, pack, 1, (), None)
        records = list(Producer(found).records())
        program, doors = link_anew(found.records, store, pack, True, lambda *_: None)
        yield records, Checker(World(program, doors, pack, lambda key: store.get("unit", key)))


def test_what_is_mediated_has_a_certificate_that_verifies(proved):
    records, checker = proved
    (record,) = [r for r in records if r.get("rule") == "secret-handed-out"]
    assert (record["ground"], record["operation"]) == ("dominated", "return &secret")
    checker.obligation(record)
    block, index, line = record["site"]
    for moved in (block - 1, block + 1):
        with pytest.raises(Fails):
            checker.obligation({**record, "site": [moved, index, line]})
