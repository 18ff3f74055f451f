"""The rules outside of the VFS: they load for both kernels, and their hook table agrees with them."""

from __future__ import annotations

import pytest

from lattices import expressions, pack

FILES = ("task", "mm", "ipc", "keys", "net-socket", "net-xfrm", "net-inet", "io-uring", "bpf-perf", "system")


def core(version):
    """Rules of this half for a kernel version, and the problems in their files."""
    found, problems = pack.collect(version=version)
    names = {f"lattices/linux/rules/{name}.toml" for name in FILES} | {"lattices/linux/checks-core.toml"}
    return found, [r for r in found.rules if r.file in names], [p for p in problems if str(p).split(":")[0] in names]


@pytest.mark.parametrize("version", ["6.12", "6.1"])
def test_rules_load_without_a_problem(version):
    _, rules, problems = core(version)
    assert not problems
    assert len(rules) > 350


def test_each_rule_has_a_reason_and_two_different_examples():
    _, rules, _ = core("6.12")
    for rule in rules:
        assert rule.reason and rule.good and rule.bad, rule.id
        assert rule.good != rule.bad, rule.id


def test_examples_name_a_function_that_the_rule_speaks_of():
    _, rules, _ = core("6.12")
    for rule in rules:
        if rule.in_functions:
            assert any(f"{name}(" in rule.good for name in rule.in_functions), rule.id


def test_no_rule_asks_for_a_hook_that_decides_nothing():
    found, rules, _ = core("6.12")
    for rule in rules:
        for line in rule.requires:
            for name in expressions.calls(line):
                check = found.check(name)
                assert check is None or check.allow != "none", (rule.id, name)
