"""Formats that CI systems and review tools read: GitLab's code quality, b4's per-patch check; and the last line of a run."""

from __future__ import annotations

import json

import jsonschema
import pytest
from documents import completeness, document, finding, hostile

from reports import b4, gitlab
from verifier.cli import decision
from verifier.cli.main import main
from verifier.findings import LedgerEntry, Units, UnitTrouble, make_document

CODE_QUALITY = {  # what GitLab's parser asks for
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]+$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!/|\\./)"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}
B4 = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["tool", "status", "summary", "url", "details"],
        "additionalProperties": False,
        "properties": {
            "tool": {"const": "kqual"},
            "status": {"enum": ["pass", "warn", "fail"]},
            **{key: {"type": "string"} for key in ("summary", "url", "details")},
        },
    },
}


def whole(*findings, **more):
    return make_document(completeness(10, 10), findings, **more)


def test_code_quality_has_gitlabs_shape():
    for made in (document(), hostile(), whole(), whole(finding(line=0)), make_document(completeness(0, 0), [])):
        jsonschema.validate(json.loads(gitlab.render(made)), CODE_QUALITY)


def test_code_quality_tells_issues_apart_and_says_what_is_missing():
    made = document()
    issues = json.loads(gitlab.render(made))
    assert [i["severity"] for i in issues] == ["critical", "minor", "info", "info", "info"]
    assert len({i["fingerprint"] for i in issues}) == 5
    assert issues[0]["fingerprint"] == made.findings[0].fingerprint
    assert issues[0]["location"] == {"path": "fs/namei.c", "lines": {"begin": 3}}
    assert "9 of 10 units" in issues[-1]["description"] and issues[-1]["location"]["path"] == "fs/broken.c"
    assert json.loads(gitlab.render(whole())) == []


@pytest.mark.parametrize(
    ("made", "code", "status"),
    [
        (whole(), 0, "pass"),
        (whole(finding(tier="note")), 0, "pass"),
        (whole(finding(tier="warning")), 0, "warn"),
        (whole(finding(tier="warning")), 1, "fail"),
        (whole(finding()), 1, "fail"),
        (make_document(completeness(), []), 3, "warn"),
        (hostile(), 1, "fail"),
    ],
)
def test_b4_records(made, code, status):
    answer = json.loads(b4.render(made, code))
    jsonschema.validate(answer, B4)
    assert [record["status"] for record in answer] == [status]
    assert answer[0]["details"].startswith("completeness: ")


def test_b4_says_why_a_patch_was_not_checked(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.c").write_text("int a;\n")
    (tmp_path / "p").write_text("--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-int b;\n+int c;\n")
    with pytest.raises(SystemExit) as ended:
        main(["gate", str(tmp_path / "tree"), "--patch", str(tmp_path / "p"), "--format", "b4", "-q", "-j", "1"])
    assert ended.value.code == 2
    answer = json.loads(capfd.readouterr().out)
    jsonschema.validate(answer, B4)
    assert answer[0]["status"] == "warn" and "does not apply" in answer[0]["summary"]


def changed(total, analysed):
    made = completeness(10, 10)
    lost = [UnitTrouble(file="a.c", error="a.c: no")] * (total - analysed)
    made.change = Units(total=total, analysed=analysed, partial=[], lost=lost)
    return made


STALE = LedgerEntry(kind="stale-allow", what="a.c:1: allow x has nothing to permit")


@pytest.mark.parametrize(
    ("made", "terms", "code", "words"),
    [
        (whole(), {}, 0, "passed (status 0): 0 findings of tier error or graver; all 10 units fully analysed"),
        (whole(finding()), {}, 1, "failed (status 1): 1 finding of tier error or graver; all 10"),
        (whole(finding(tier="warning")), {}, 0, "passed (status 0): 0 findings of tier error"),
        (whole(finding(tier="warning")), {"fail_on": "warning"}, 1, "1 finding of tier warning or graver"),
        (whole(finding()), {"fail_on": "never"}, 0, "1 finding, --fail-on never"),
        (make_document(completeness(), []), {}, 3, "1 of 10 units were not fully analysed; 2.0% are allowed"),
        (make_document(completeness(), []), {"allow_incomplete": 0.1}, 0, "1 of 10 units were not fully analysed"),
        (make_document(completeness(0, 0), []), {}, 3, "incomplete (status 3)"),
        (make_document(changed(2, 2), []), {}, 0, "all 2 units of the change fully analysed; all 10 units"),
        (make_document(changed(2, 1), []), {}, 3, "1 of 2 units of the change were not fully analysed"),
    ],
)
def test_the_last_line_says_what_was_decided(made, terms, code, words):
    terms = decision.Terms(**terms)
    assert decision.status(made, terms) == code
    assert words in decision.line(made, terms, "linux")
    assert f"(status {code})" in decision.line(made, terms, "linux")


def test_strict_fails_on_comments_without_effect():
    made = completeness(10, 10)
    made.ledger = [STALE]
    made = make_document(made, [])
    assert decision.status(made, decision.Terms()) == 0
    assert decision.status(made, decision.Terms(strict=True)) == 1
    assert "1 comment without effect (--strict)" in decision.line(made, decision.Terms(strict=True), "linux")
