"""Rules that speak of the functions in `in`: their variables, the globals that they store to, what a pointer leads to."""

import pytest

from lattices.pack import PackError, load
from verifier.program.examples import examples, judge

HEAD = """
prelude = '''
struct order { int flags; };
int level;
int capable(int cap);
_Bool reserved(int port) { return port < 1024; }
int fill(struct order *order);
int act(int x);
'''
"""

RULES = {
    "a-global": (
        'operation = "level = _"\nin = ["f"]\nrequires = ["capable(1)"]',
        "int f(void) { if (!capable(1)) return -1; level = 2; return 0; }",
        "int f(void) { level = 2; return capable(1); }",
    ),
    "what-a-pointer-leads-to": (
        'operation = "*out = _"\nin = ["f"]\nvariables = ["out"]\nrequires = ["capable(1)"]',
        "int f(int *out, int *in) { *in = 1; if (!capable(1)) return -1; *out = 2; return 0; }",
        "int f(int *out, int *in) { if (!capable(1)) *in = 1; *out = 2; return 0; }",
    ),
    "a-parameter-that-is-not-used-again": (
        'operation = "act(_)"\nin = ["f"]\nvariables = ["order"]\nrequires = ["capable(order->flags)"]',
        "int f(struct order *order) { int e = capable(order->flags); if (!e) return -1; if (reserved(1)) level = 1; return act(1); }",
        "int f(struct order *order) { int e = capable(1); if (!e) return -1; if (reserved(1)) level = 1; return act(1); }",
    ),
    "each-of-several-conditions": (
        """operation = "act(_)"\nin = ["f"]\nvariables = ["flags", "port"]
        requires = ["capable(1) || flags & 8 || port == 7 || !reserved(port)"]""",
        "int f(int flags, int port) { if (!(flags & 8) && port != 7 && reserved(port) && !capable(1)) return -1; return act(port); }",
        "int f(int flags, int port) { if (!(flags & 4) && port != 7 && reserved(port) && !capable(1)) return -1; return act(port); }",
    ),
    "a-member-of-a-local-struct": (
        'operation = "act(_)"\nin = ["f"]\nvariables = ["order"]\nrequires = ["capable(1)"]\nwhen = "order.flags == 3"',
        "int f(void) { struct order order; if (fill(&order)) return -1; if (order.flags == 3 && !capable(1)) return -1; return act(1); }",
        "int f(void) { struct order order; if (fill(&order)) return -1; if (order.flags == 2 && !capable(1)) return -1; return act(1); }",
    ),
}


def written(name, body, good="", bad=""):
    return f"[[rule]]\nid = '{name}'\nservice = 'file'\nreason = 'r'\n{body}\ngood = '''{good}'''\nbad = '''{bad}'''\n"


@pytest.mark.parametrize("name", RULES)
def test_good_passes_and_bad_is_reported(name, tmp_path):
    (tmp_path / "r.toml").write_text(HEAD + written(name, *RULES[name]))
    pack = load(extra=[tmp_path])
    wanted = examples([pack.rule(name)])
    assert [e.expected for e in wanted] == ["good", "bad"]
    assert [why for _, why in judge(pack, wanted, 1, lambda *_: None)] == ["", ""]


@pytest.mark.parametrize("body", ['operation = "level = _"', 'operation = "act(x)"\nvariables = ["y"]'])
def test_variables_and_globals_are_those_of_named_functions(body, tmp_path):
    (tmp_path / "r.toml").write_text(HEAD + written("x", body + '\nrequires = ["capable(1)"]'))
    with pytest.raises(PackError, match="name the functions|stand for those"):
        load(extra=[tmp_path])
