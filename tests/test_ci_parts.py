"""The copyable files of docs/ci as they stand: their steps run on a small tree, their hooks in real repositories."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from gate_trees import FILES, RULES, write_tree
from test_reports_ci import B4, CODE_QUALITY

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PARTS = ROOT / "docs" / "ci"
SCRIPTS = ("farm.sh", "b4-check.sh", "pre-commit", "pre-push")
DROP = ("\tif (err)\n\t\treturn err;\n\treturn perform", "\treturn perform")
HARMLESS = ("return -1;", "return -2;")


class Machine:
    """A home, a path with stand-ins for what needs the network, and a repository of the small tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = write_tree(folder / "work" / "linux", FILES)
        write_tree(folder, {"rules/own.toml": RULES})
        bin = folder / "bin"
        stand_in = '#!/bin/sh\necho "$(basename "$0") $*" >> ' + str(folder / "called") + "\n"
        write_tree(bin, {name: stand_in for name in ("sudo", "apt-get", "pip")})
        write_tree(bin, {"kqual": f'#!/bin/sh\nexec {sys.executable} -m verifier.cli.main "$@"\n'})
        for path in bin.iterdir():
            path.chmod(0o755)
        (folder / "home").mkdir()
        self.environment = {
            "PATH": f"{bin}:{os.environ['PATH']}", "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8",
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip
        self.git("init", "-q", "-b", "main")
        self.commit("first")

    def run(self, command, cwd=None, check=True, **more):
        """(status, standard output, standard error) of a command."""
        environment = self.environment | more.pop("environment", {})
        done = subprocess.run(command, cwd=cwd or self.repository, env=environment, capture_output=True, text=True, check=False, **more)
        assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
        return done.returncode, done.stdout, done.stderr

    def git(self, *arguments):
        return self.run(["git", *arguments])[1].strip()

    def edit(self, old, new):
        path = self.repository / "core" / "doors.c"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    def commit(self, name):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", name)
        return self.git("rev-parse", "HEAD")

    def branch(self, name, old, new, start="main"):
        self.git("checkout", "-q", "-b", name, start)
        self.edit(old, new)
        return self.commit(name)

    def scanned(self):
        """A scanned worktree beside the repository, as the hooks and b4 want it."""
        self.git("worktree", "add", "-q", "--detach", str(self.folder / "scanned"), "main")
        options = f"--rules {self.folder}/rules"
        self.run(["kqual", "scan", str(self.folder / "scanned"), *options.split(), "-q"])
        self.git("config", "kqual.tree", str(self.folder / "scanned"))
        self.git("config", "kqual.options", options)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


# What every file must be


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_shell(name):
    shell = (PARTS / name).read_text().partition("\n")[0].removeprefix("#!")
    assert shell in ("/bin/sh", "/bin/bash") and os.access(PARTS / name, os.X_OK)
    subprocess.run([shell, "-n", str(PARTS / name)], check=True)


def workflow():
    return yaml.safe_load((PARTS / "github-workflow.yml").read_text())


def action():
    return yaml.safe_load((PARTS / "github-action" / "action.yml").read_text())


def test_the_workflow_and_the_action_fit_each_other():
    flow, own = workflow(), action()
    on = flow[True]  # YAML 1.1 takes the key `on` for true
    assert set(on) == {"pull_request", "push"} and flow["permissions"] == {"contents": "read", "security-events": "write"}
    (step,) = [s for s in flow["jobs"]["kqual"]["steps"] if s["uses"] == "./.github/actions/kqual"]
    assert set(step["with"]) <= set(own["inputs"])
    assert {name for name, value in own["inputs"].items() if value.get("required")} <= set(step["with"])
    for step in [*flow["jobs"]["kqual"]["steps"], *own["runs"]["steps"]]:
        assert re.fullmatch(r"(\./|[\w-]+/[\w/-]+@v\d+$).*", step.get("uses", "./")), step
        assert "uses" in step or step["shell"] == "bash"
    text = (PARTS / "github-action" / "action.yml").read_text()
    for name in re.findall(r"inputs\.([\w-]+)", text):
        assert name in own["inputs"], name


def test_no_step_splices_expressions_into_the_shell():
    """What a stranger names (a branch, a title) must not become a command."""
    assert all("${{" not in step.get("run", "") for step in action()["runs"]["steps"])


# GitHub


class Runner:
    """Runs the composite action's steps in order: `run:` as it stands by bash, `uses:` noted down."""

    def __init__(self, machine: Machine, **inputs: str) -> None:
        own = action()
        self.machine = machine
        self.values = {f"inputs.{name}": str(value.get("default", "")) for name, value in own["inputs"].items()}
        self.values |= {f"inputs.{name.replace('_', '-')}": value for name, value in inputs.items()}
        self.values |= {"runner.temp": str(machine.folder / "temp"), "github.workspace": str(machine.repository)}
        (machine.folder / "temp").mkdir(exist_ok=True)
        self.summary = machine.folder / "summary.md"
        self.summary.unlink(missing_ok=True)
        self.used: dict[str, dict[str, str]] = {}
        self.status = 0
        for step in own["runs"]["steps"]:
            if "if" in step and not self.holds(step["if"]):
                continue
            if "uses" in step:
                self.used[step["uses"].partition("@")[0]] = {k: self.filled(str(v)) for k, v in step.get("with", {}).items()}
                continue
            self.status = self.step(step)
            if self.status:
                break

    def filled(self, text):
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda match: self.values[match[1]], text)

    def holds(self, condition):
        name, _, value = condition.partition(" == ")
        return self.values[name] == value.strip("'")

    def step(self, step):
        output = self.machine.folder / "output"
        output.write_text("")
        environment = {name: self.filled(value) for name, value in step.get("env", {}).items()}
        environment |= {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(self.summary), "RUNNER_TEMP": self.values["runner.temp"]}
        # as the runner starts `shell: bash`
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        status, self.out, self.err = self.machine.run(command, check=False, environment=environment)
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.values[f"steps.{step.get('id')}.outputs.{name}"] = value
        return status


def test_github_from_an_empty_cache_to_a_verdict(machine):
    rules = {"package": "kqual.whl", "rules": str(machine.folder / "rules")}
    first = Runner(machine, mode="scan", fail_on="never", **rules)
    assert first.status == 0, first.err
    assert "pip install --quiet kqual.whl" in (machine.folder / "called").read_text()
    assert first.used["actions/cache/save"]["key"] == f"kqual-audit-{machine.git('rev-parse', 'HEAD')}"
    assert (machine.folder / "home" / ".cache" / "kqual").is_dir()

    machine.branch("good", *HARMLESS)
    machine.branch("bad", *DROP)
    for name, status in (("good", 0), ("bad", 1)):
        machine.git("checkout", "-q", "--detach", "main")
        machine.git("merge", "-q", "--no-ff", name)
        merge = machine.git("rev-parse", "HEAD")
        run = Runner(machine, strict="true", **rules)
        assert run.status == status and run.values["steps.run.outputs.status"] == str(status), run.err
        assert "actions/cache/save" not in run.used and machine.git("rev-parse", "HEAD") == merge
        assert run.used["github/codeql-action/upload-sarif"]["sarif_file"].endswith("temp/kqual/kqual.sarif")
        summary = run.summary.read_text()
        assert ("core/doors.c:6" in summary) == bool(status) and "1 of 1 unit that it touches read in full" in summary
        log = json.loads((machine.folder / "temp" / "kqual" / "kqual.sarif").read_text())
        jsonschema.validate(log, json.loads((ROOT / "tests" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text()))
        assert len(log["runs"][0]["results"]) == status


def test_github_does_not_pass_when_kqual_fails(machine):
    run = Runner(machine, package="x", mode="scan", config="/no/such/config")
    assert run.status == 2 and run.values["steps.run.outputs.status"] == "2"


# GitLab


def job():
    return yaml.safe_load((PARTS / "gitlab-ci.yml").read_text())["kqual"]


def gitlab(machine, base, head):
    """The job's script as the runner has it: one line after the other, ended by the first that fails."""
    own = job()
    project = machine.folder / "project"
    machine.run(["git", "clone", "-q", "--depth=1", f"file://{machine.repository}", str(project)])
    machine.run(["git", "fetch", "-q", "--depth=1", "origin", head], cwd=project)
    given = {
        "CI_PROJECT_DIR": str(project), "CI_BUILDS_DIR": str(machine.folder), "CI_COMMIT_SHA": head, "KQUAL_PACKAGE": "kqual.whl",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
    }  # fmt: skip
    variables = {name: re.sub(r"\$(\w+)", lambda m: given[m[1]], value) for name, value in own["variables"].items()}
    variables["KQUAL_OPTIONS"] = f"--rules {machine.folder}/rules"
    script = "set -eo pipefail\n" + "\n".join([*own["before_script"], *own["script"]])
    status, out, err = machine.run(["bash", "-c", script], cwd=project, check=False, environment=given | variables)
    return status, out, err, project


@pytest.mark.parametrize(("change", "status"), [(HARMLESS, 0), (DROP, 1)])
def test_gitlab(machine, change, status):
    base = machine.git("rev-parse", "HEAD")
    head = machine.branch("topic", *change)
    found, out, err, project = gitlab(machine, base, head)
    assert found == status, err
    report = json.loads((project / job()["artifacts"]["reports"]["codequality"]).read_text())
    jsonschema.validate(report, CODE_QUALITY)
    assert [issue["location"]["path"] for issue in report] == ["core/doors.c"] * status
    assert out.splitlines()[-1].startswith("result: the patch introduces")
    assert all((project / path).exists() for path in [*job()["artifacts"]["paths"], *job()["cache"]["paths"]])
    assert job()["allow_failure"] == {"exit_codes": [3]} and not (machine.folder / "kqual-base").exists()


# A build farm, b4


def test_a_farm_runs_several_changes_on_one_store(machine, tmp_path):
    base = machine.git("rev-parse", "HEAD")
    good = machine.branch("good", *HARMLESS)
    bad = machine.branch("bad", *DROP)
    environment = machine.environment | {"KQUAL_OPTIONS": f"--rules {tmp_path}/rules -j 1", "KQUAL_WORK": str(tmp_path / "farm")}
    runs = [
        subprocess.Popen([PARTS / "farm.sh", machine.repository, base, head, tmp_path / name], env=environment,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name, head in (("good", good), ("bad", bad), ("worse", "bad"))
    ]
    said = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 1, 1], said
    assert (tmp_path / "good" / "kqual.mail").read_text().startswith("Subject: kqual: nothing found")
    mail = (tmp_path / "bad" / "kqual.mail").read_text()
    assert mail.startswith("Subject: kqual: 1 new error\n") and "\n>> core/doors.c:6: error: " in mail
    assert (tmp_path / "bad" / "kqual.json").read_bytes() == (tmp_path / "worse" / "kqual.json").read_bytes()
    assert "failed (status 1)" in (tmp_path / "bad" / "kqual.log").read_text()
    assert machine.run([PARTS / "farm.sh", "a"], check=False)[0] == 2
    assert machine.run([PARTS / "farm.sh", machine.repository, "nowhere", bad, tmp_path / "x"], check=False)[0] != 0


def test_b4(machine):
    machine.scanned()
    for name, change, status in (("good", HARMLESS, "pass"), ("bad", DROP, "fail")):
        machine.branch(name, *change)
        patch = machine.git("format-patch", "-1", "--stdout") + "\n"
        code, out, err = machine.run([PARTS / "b4-check.sh"], check=False, input=patch)
        answer = json.loads(out)
        jsonschema.validate(answer, B4)
        assert (answer[0]["status"], code) == (status, int(status == "fail")), err
    second = machine.branch("second", "return err ? err : walk", "return err ? -1 : walk", "bad")
    patch = machine.git("format-patch", "-1", "--stdout", second).replace("-\treturn err ?", "-\treturn errno ?")
    answer = json.loads(machine.run([PARTS / "b4-check.sh"], check=False, input=patch + "\n")[1])
    assert answer[0]["status"] == "warn" and "does not apply" in answer[0]["summary"]


# Hooks


def install(machine, name):
    hook = machine.repository / ".git" / "hooks" / name
    hook.write_text((PARTS / name).read_text())
    hook.chmod(0o755)


def test_pre_commit(machine):
    machine.scanned()
    install(machine, "pre-commit")
    machine.edit(*HARMLESS)
    machine.git("add", "-A")
    machine.edit(*DROP)  # not staged
    assert machine.run(["git", "commit", "-q", "-m", "good"])[0] == 0
    status, _, err = machine.run(["git", "commit", "-q", "-a", "-m", "bad"], check=False)
    assert status == 1 and "core/doors.c:6: error: " in err and "failed (status 1)" in err
    assert machine.git("log", "--format=%s") == "good\nfirst"
    (machine.repository / "README").write_text("words\n")
    machine.git("add", "README")
    assert "kqual" not in machine.run(["git", "commit", "-m", "no C", "README"])[2]

    machine.git("checkout", "-q", "core")
    (machine.repository / "core" / "doors.c").write_text('#include "gone.h"\n')  # cannot be read: no verdict
    machine.git("config", "kqual.strict", "true")
    status, _, err = machine.run(["git", "commit", "-q", "-a", "-m", "unread"], check=False)
    assert status == 1 and "incomplete (status 3)" in err
    machine.git("config", "kqual.strict", "false")
    status, _, err = machine.run(["git", "commit", "-q", "-a", "-m", "unread"])
    assert "incomplete (status 3)" in err
    machine.git("config", "--unset", "kqual.tree")
    machine.git("checkout", "-q", "main~1", "core")
    assert "no scanned tree" in machine.run(["git", "commit", "-q", "-a", "-m", "unset"])[2]


def test_pre_push(machine):
    machine.scanned()
    other = machine.folder / "other.git"
    machine.run(["git", "init", "-q", "--bare", str(other)])
    machine.git("remote", "add", "origin", str(other))
    machine.git("push", "-q", "origin", "main")
    install(machine, "pre-push")
    machine.branch("topic", *HARMLESS)
    machine.git("push", "-q", "origin", "topic")
    machine.edit(*DROP)
    machine.commit("bad")
    status, _, err = machine.run(["git", "push", "-q", "origin", "topic"], check=False)
    assert status == 1 and "core/doors.c:6: error: " in err
    assert machine.run(["git", "--git-dir", str(other), "log", "--format=%s", "topic"])[1].split() == ["topic", "first"]
    machine.git("branch", "fresh")
    assert machine.run(["git", "push", "-q", "origin", "fresh"], check=False)[0] == 1
    machine.git("push", "-q", "origin", ":topic")
