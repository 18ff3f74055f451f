"""Mining of candidate rules from what most of the code does."""

from __future__ import annotations

import tomllib

import pytest

from lattices import pack as packs
from lattices.lint import lint
from verifier.cli.main import main
from verifier.oracles.mining import wilson

pytestmark = pytest.mark.slow

PROGRAM = """
struct box { int label; };
struct box_ops { int (*stir)(struct box *box, int how); };
struct shelf { struct box *box; struct box_ops *ops; };
int security_box(struct box *box, int how);
int security_shelf(struct shelf *shelf);
void box_open(struct box *box, int how);
void box_note(int what);

static int allowed(struct box *box, int how) { return security_box(box, how); }

int one(struct box *b) { if (security_box(b, 1)) return -1; box_open(b, 1); box_note(1); return 0; }
int two(struct box *b, int how) { if (security_box(b, how)) return -1; box_open(b, how); return 0; }
int three(struct box *b, int how) { int err = allowed(b, how); if (!err) box_open(b, how); return err; }
int four(struct box *b, int how) { if (allowed(b, how)) return -1; box_open(b, how); return 0; }
int other(struct box *b, struct box *c) { if (security_box(c, 1)) return -1; box_open(b, 1); return 0; }
int late(struct box *b) { box_open(b, 1); return security_box(b, 1); }
int never(struct box *b) { box_open(b, 1); box_note(2); return 0; }
int s1(struct shelf *s) { if (security_shelf(s)) return -1; return s->ops->stir(s->box, 1); }
int s2(struct shelf *s) { if (security_box(s->box, 2)) return -1; return s->ops->stir(s->box, 2); }
int s3(struct shelf *s) { if (security_box(s->box, 3)) return -1; return s->ops->stir(s->box, 3); }
"""


@pytest.fixture
def mined(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "box.c").write_text(PROGRAM)

    def run(*options):
        with pytest.raises(SystemExit) as ended:
            main(["rules", "mine", "tree", "--config", "plain", "-q", *options])
        assert not ended.value.code
        return capfd.readouterr().out

    return run


def test_what_most_sites_do_becomes_a_candidate_with_its_evidence(mined):
    text = mined("--min-support", "4", "--min-confidence", "50")
    (rule,) = tomllib.loads(text)["rule"]
    assert rule["operation"] == "box_open(a0, a1)" and rule["requires"] == ["security_box(a0, a1)"]
    assert rule["tier"] == "warning" and "4 of 7 sites" in rule["reason"]
    evidence = [line.split(": ")[1] for line in text.splitlines() if line.startswith("#     with ")]
    assert evidence == ["one", "two", "three", "four"]
    assert [line.split(": ")[1] for line in text.splitlines() if line.startswith("#     without")] == ["other", "late", "never"]


def test_slots_are_operations(mined):
    rules = tomllib.loads(mined("--min-support", "2", "--min-confidence", "60"))["rule"]
    (rule,) = [rule for rule in rules if "slot" in rule]
    assert rule["slot"] == "box_ops.stir" and rule["operation"] == "ops->stir(a0, a1)"
    assert rule["requires"] == ["security_box(a0, a1)"]


def test_support_and_confidence_are_bounds(mined):
    assert "rule" not in tomllib.loads(mined("--min-support", "5", "--min-confidence", "0"))
    assert "rule" not in tomllib.loads(mined("--min-support", "4", "--min-confidence", "60"))


def test_candidates_load_and_the_linter_asks_for_what_people_must_write(mined, tmp_path):
    assert "2 candidates written" in mined("--min-support", "2", "--min-confidence", "50", "-o", "mined.toml")
    assert [rule.id for rule in packs.load(extra=["mined.toml"]).rules if rule.service == "mined"] == [
        "mined-box-open-security-box", "mined-box-ops-stir-security-box",
    ]  # fmt: skip
    assert {problem.message.split(" has ")[1] for problem in lint(["mined.toml"])} == {"no `good`", "no `bad`"}


def test_what_a_rule_asks_for_already_is_left_out(mined, tmp_path):
    mined("--min-support", "2", "--min-confidence", "50", "-o", "mined.toml")
    again = mined("--rules", "mined.toml", "--min-support", "2", "--min-confidence", "50")
    assert "rule" not in tomllib.loads(again)


def test_the_output_is_the_same_each_time(mined):
    assert mined("--min-support", "1", "--min-confidence", "0") == mined("--min-support", "1", "--min-confidence", "0")


def test_many_sites_rank_before_few():
    assert wilson(40, 41) > wilson(4, 4) > wilson(3, 4) > wilson(0, 4)
    assert 0 <= wilson(0, 1) < 1e-9 and wilson(1000, 1000) < 1
