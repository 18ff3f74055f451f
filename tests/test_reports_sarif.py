"""SARIF 2.1.0: the shape that sites accept, the limits, and what is left out."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from documents import completeness, document, finding, hostile

from reports import comparison, json_document, sarif
from verifier.findings import Dismissed, Step, make_document

# As published by OASIS (rtm.5; the errata changed no key that is written here).
SCHEMA = jsonschema.Draft4Validator(
    json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")),
    format_checker=jsonschema.FormatChecker(),
)
URI = re.compile(r"[A-Za-z0-9_.~/%:-]+\Z")


def run_of(made):
    log = json.loads(sarif.render(made))
    run = log["runs"][0]
    some = run | {"results": run["results"][:40]}  # the validator takes seconds for a thousand of them
    SCHEMA.validate(log | {"runs": [some]})
    assert len(run["results"]) <= sarif.MOST_RESULTS
    places = [place for result in run["results"] for place in [*result["locations"], *result.get("relatedLocations", [])]]
    for result in run["results"]:
        for step in result["codeFlows"][0]["threadFlows"][0]["locations"]:
            places.append(step["location"])
            assert step["location"]["message"]["text"]
    for place in places:
        assert URI.match(place["physicalLocation"]["artifactLocation"]["uri"]), place
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["help"]["text"] and rule["help"]["markdown"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


@pytest.mark.parametrize("made", [document(), document(fixed=[finding(line=7)]), hostile(), make_document(completeness(), [])])
def test_shape(made):
    run_of(made)


def test_bytes_are_equal():
    assert sarif.render(document()) == sarif.render(document())
    assert json_document.render(document()) == json_document.render(document())


def test_results():
    run = run_of(document())
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note", "note"]
    first = run["results"][0]
    assert first["partialFingerprints"] == {"kqual/v1": document().findings[0].fingerprint}
    steps = first["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["physicalLocation"]["region"]["startLine"] for step in steps] == [9, 3]
    assert first["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert "baselineState" not in first


def test_the_ledger_is_in_the_notifications():
    notes = run_of(document())["invocations"][0]["toolExecutionNotifications"]
    kinds = [note["descriptor"]["id"] for note in notes]
    assert kinds == ["completeness", "lost-unit", "unresolved-call", "inline-asm"]
    assert "unknown type name" in notes[1]["message"]["text"]


def test_gate_states():
    run = run_of(document(fixed=[finding(line=7)]))
    assert [result["baselineState"] for result in run["results"]] == ["new"] * 4 + ["absent"]


def test_the_schema_can_fail():
    log = json.loads(sarif.render(document()))
    log["runs"][0]["results"][0]["level"] = "grave"
    assert not SCHEMA.is_valid(log)


def test_rules_have_help():
    rules = run_of(document())["tool"]["driver"]["rules"]
    text = rules[0]["help"]["text"]
    assert "must come after security_inode_unlink." in text and "Missing check: " in text and "kqual explain inode-unlink" in text


def test_suppressions():
    key = document().findings[0].fingerprint
    log = json.loads(sarif.render(document(), {key: "reviewed: the caller holds the lock"}))
    SCHEMA.validate(log)
    results = log["runs"][0]["results"]
    assert results[0]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "reviewed: the caller holds the lock"}
    ]
    assert all(result["suppressions"] == [] for result in results[1:])


def test_a_dismissed_finding_of_a_rule_without_others():
    made = make_document(completeness(), [], dismissed=[Dismissed(finding=document().findings[0], verdict="known", reason="told")])
    run = run_of(made)
    assert run["results"][0]["suppressions"][0]["justification"] == "known: told"
    assert run["tool"]["driver"]["rules"][0]["id"] == "inode-unlink"


def test_limits_are_said():
    long = [Step(file="a.c", line=n + 1, function="f", note="on") for n in range(1500)]
    made = make_document(completeness(), [finding(line=n + 1, tier="note" if n else "error", path=long if not n else []) for n in range(5003)])
    run = run_of(made)
    assert len(run["results"]) == 5000
    assert run["results"][0]["level"] == "error"
    steps = run["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"]
    assert len(steps) == 1000 and steps[-1]["location"]["physicalLocation"]["region"]["startLine"] == 1500
    texts = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert any("3 of 5,003 results are left out" in text for text in texts)
    assert any("1 path cut to 1,000 steps" in text for text in texts)


def test_states_against_an_older_scan():
    old = make_document(completeness(), [finding(), finding(function="gone"), finding(function="better")])
    new = make_document(completeness(), [finding(line=44), finding(function="came"), finding(function="better", tier="warning")])
    found = comparison.compare(old, new)
    log = json.loads(sarif.render(new, states=comparison.states(found), gone=comparison.gone(found)))
    SCHEMA.validate(log)
    states = {r["locations"][0]["logicalLocations"][0]["name"]: r["baselineState"] for r in log["runs"][0]["results"]}
    assert states == {"vfs_unlink": "unchanged", "came": "new", "better": "updated", "gone": "absent"}


@pytest.mark.parametrize("made", [document(), document(fixed=[finding(line=7)]), hostile(), make_document(completeness(), [])])
def test_a_reader_of_others_understands_it(tmp_path, made):
    loader = pytest.importorskip("sarif.loader", reason="sarif-tools is not installed")
    (tmp_path / "a.sarif").write_bytes(sarif.render(made))
    read = loader.load_sarif_file(str(tmp_path / "a.sarif"))
    records = read.get_records()
    expected = [*made.findings, *(made.fixed or [])]
    assert read.get_distinct_tool_names() == ["kqual"] and len(records) == len(expected)
    assert sorted(record["Severity"] for record in records) == sorted(finding.tier for finding in expected)
    assert sorted(int(record["Line"]) for record in records) == sorted(finding.line for finding in expected)
