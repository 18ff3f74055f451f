"""Every service has rules with examples, and a removal in benchmarks/services.toml that a rule of it can find."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

from lattices import pack as packs
from lattices.expressions import calls

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("services_benchmark", BENCHMARKS / "services.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize("version", ["6.1.192", "6.12.117"])
def test_every_service_has_rules_with_examples_and_a_removal(benchmark, version):
    pack = packs.load(version=version)
    rules = Counter(rule.service for rule in pack.rules if rule.good.strip() and rule.bad.strip())
    wanted = set(pack.services) - ({"mptcp"} if version == "6.1.192" else set())  # its hook came with 6.6
    assert wanted <= rules.keys()
    assert {removal["service"] for removal in benchmark.removals(version)} == wanted


def test_removals_name_checks_that_rules_of_the_service_ask_for_on_some_way(benchmark):
    pack = packs.load(version="6.12.117")
    for removal in benchmark.removals("6.12.117"):
        assert pack.check(removal["check"]) is not None, removal
        asked = {name for rule in pack.rules if rule.service == removal["service"] for line in rule.requires for name in calls(line)}
        implied = {right[1] for check in pack.checks.values() if check.name == removal["check"] for _, right in check.implies}
        assert asked & {removal["check"], *implied} or removal["check"].endswith(("_ok", "_security", "_permission")), removal


TEXT = """int other(void);
static int one(struct a *a,
	       int b)
{
	return security_a(a);
}

SYSCALL_DEFINE1(two, int, b)
{
	return one(0, b) ? : security_b(b);
}

int three(void)
{
	if (!capable(3))
		return -1;
	return security_a(0);
}
"""


@pytest.mark.parametrize(
    ("function", "check", "line"),
    [("one", "security_a", 5), ("three", "security_a", 17), ("three", "capable", 15), ("one", "capable", None), ("four", "capable", None)],
)
def test_the_first_call_in_a_function(benchmark, function, check, line):
    assert benchmark.line_of(TEXT, function, check) == line


def test_a_removed_call_becomes_the_constant_that_allows(benchmark):
    pack = packs.load(version="6.12.117")
    assert "if (!1)" in benchmark.removed(TEXT, {"function": "three", "check": "capable"}, pack)
    assert "return 0;\n}\n\nSYSCALL" in benchmark.removed(TEXT, {"function": "one", "check": "security_a"}, pack)
    assert benchmark.removed(TEXT, {"function": "one", "check": "security_b"}, pack) is None
