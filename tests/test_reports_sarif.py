"""SARIF 2.1.0: the shape that sites accept, the limits, and what is left out."""

import json

import jsonschema
import pytest
from documents import completeness, document, finding, hostile

from reports import json_document, sarif
from verifier.findings import Step, make_document

MESSAGE = {"type": "object", "required": ["text"], "additionalProperties": False,
           "properties": {"text": {"type": "string", "minLength": 1}}}  # fmt: skip
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "minimum": 0},
        "message": MESSAGE,
        "logicalLocations": {"type": "array", "items": {"required": ["name", "kind"]}},
        "physicalLocation": {
            "required": ["artifactLocation"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "required": ["uri"],
                    "additionalProperties": False,
                    "properties": {"uri": {"type": "string", "pattern": "^[A-Za-z0-9_.~/%:-]+$"}, "uriBaseId": {"const": "TREE"}},
                },
                "region": {"required": ["startLine"], "properties": {"startLine": {"type": "integer", "minimum": 1}}},
            },
        },
    },
}
NOTIFICATION = {
    "required": ["message", "level", "descriptor"],
    "additionalProperties": False,
    "properties": {"message": MESSAGE, "level": {"enum": ["none", "note", "warning", "error"]}, "descriptor": {"required": ["id"]}},
}
# The parts of the standard that we write, from sections 3.13 to 3.58 of its text.
SHAPE = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"required": ["id"], "properties": {"shortDescription": MESSAGE, "help": MESSAGE}},
                                    }
                                },
                            }
                        },
                    },
                    "invocations": {
                        "type": "array",
                        "items": {
                            "required": ["executionSuccessful"],
                            "properties": {"toolExecutionNotifications": {"type": "array", "items": NOTIFICATION}},
                        },
                    },
                    "results": {
                        "type": "array",
                        "maxItems": 5000,
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "ruleIndex", "level", "locations", "partialFingerprints"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": MESSAGE,
                                "locations": {"type": "array", "minItems": 1, "items": LOCATION},
                                "relatedLocations": {"type": "array", "items": LOCATION},
                                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                                "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
                                "properties": {"type": "object"},
                                "codeFlows": {
                                    "type": "array",
                                    "items": {
                                        "required": ["threadFlows"],
                                        "properties": {
                                            "message": MESSAGE,
                                            "threadFlows": {
                                                "type": "array",
                                                "minItems": 1,
                                                "items": {
                                                    "required": ["locations"],
                                                    "properties": {
                                                        "locations": {
                                                            "type": "array",
                                                            "minItems": 1,
                                                            "maxItems": 1000,
                                                            "items": {"required": ["location"], "properties": {"location": LOCATION}},
                                                        }
                                                    },
                                                },
                                            },
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def run_of(made):
    log = json.loads(sarif.render(made))
    jsonschema.validate(log, SHAPE)
    run = log["runs"][0]
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
