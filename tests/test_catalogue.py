"""The catalogue of hooks: what `[[hook]]` tables may say, and that the bundled one agrees with the rules."""

import pytest

from lattices import catalogue, pack
from lattices.lint import lint

HEAD = """
[[service]]
id = "file"
title = "Files"

[[check]]
name = "thing_capable"
family = "capability"
allow = "true"
reason = "asks the hook thing_cap on the way"

[[rule]]
id = "thing-use"
service = "file"
operation = "use_thing(thing)"
requires = ["security_thing_use(thing) || thing_capable(thing)"]
reason = "uses the thing"
good = "int f(void) { return 0; }"
bad = "int g(void) { return 0; }"
"""


def problems(tmp_path, table):
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "rules.toml").write_text(HEAD + table)
    return [f"{p.message} | {p.hint}" for p in lint(directory=folder)]


def test_entries_that_agree_with_the_rules(tmp_path):
    assert not problems(tmp_path, """
[[hook]]
name = "thing_use"
guards = ["thing-use"]

[[hook]]
name = "thing_cap"
within = ["thing_capable"]

[[hook]]
name = "thing_free"
nothing = "frees what modules keep for a thing"

[[hook]]
name = "thing_gone"
versions = "<6.1"
nothing = "contradicts the rule, but not for this kernel"
functions = ["security_thing_use"]
""")


@pytest.mark.parametrize(("entry", "said"), [
    ('name = "thing_use"\nnothing = "x"', "`nothing`, but rule thing-use asks for it"),
    ('name = "odd"\nfunctions = ["security_thing_use"]\nnothing = "x"', "`nothing`, but rule thing-use asks for it"),
    ('name = "thing_use"\nguards = ["thing-usage"]', "unknown rule 'thing-usage' in `guards`"),
    ('name = "thing_free"\nguards = ["thing-use"]', "rule thing-use does not ask for it"),
    ('name = "thing_cap"\nwithin = ["thing_capability"]', "`within` names thing_capability, which is no check"),
    ('name = "thing_cap"\nwithin = ["thing_capable"]\nnothing = "x"', "`nothing` beside what it guards"),
    ('name = "thing_cap"\nfor = "x"', "unknown key `for`"),
    ('nothing = "x"', "[[hook]] without `name`"),
])  # fmt: skip
def test_entries_that_do_not(tmp_path, entry, said):
    found = problems(tmp_path, f"[[hook]]\n{entry}\n")
    assert len(found) == 1 and said in found[0], found


def test_an_entry_twice_is_an_error(tmp_path):
    found = problems(tmp_path, '[[hook]]\nname = "a"\nnothing = "x"\n[[hook]]\nname = "a"\nnothing = "y"\n')
    assert found and "there already" in found[0]


@pytest.mark.parametrize("version", ["6.12", "6.1"])
def test_the_bundled_catalogue_agrees_with_the_rules(version):
    found = pack.load(version=version)
    assert catalogue.problems(found) == []
    # an entry says something: why nothing is guarded, or what the rules cannot tell
    for hook in found.hooks.values():
        own = (f"security_{hook.name}",)
        assert hook.nothing or hook.guards or hook.within or hook.wider or hook.functions != own, hook.name


@pytest.mark.parametrize("version", ["6.12", "6.1"])
def test_checks_have_reasons_and_families_have_members(version):
    found = pack.load(version=version)
    assert [name for name, check in found.checks.items() if not check.reason] == []
    assert set(found.families) == {"capability", "dac", "lockdown", "flags"}
    for family in found.families.values():
        assert not set(family.other) & set(found.checks), family.name
        assert all(family.other.values()), family.name
