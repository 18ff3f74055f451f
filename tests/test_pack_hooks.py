"""checks.toml against the hook definitions and the signatures of a real kernel tree."""

import os
import re
from pathlib import Path

import pytest

from lattices.pack import load

KERNELS = os.environ.get("KQUAL_KERNELS", "")
# Hooks whose function turns the modules' votes into an error number of its own.
VOTES = {"vm_enough_memory"}
# Hooks that hand out a label, or take one: their default says that no module does, and 0 alone that there is one to go on with.
HAND_OUT = {"inode_getsecctx", "inode_setsecurity", "secid_to_secctx", "socket_getpeersec_dgram"}


@pytest.fixture(params=["6.12", "6.1"])
def tree(request):
    path = Path(KERNELS) / f"linux-source-{request.param}"
    if not KERNELS or not (path / "include").is_dir():
        pytest.skip(f"KQUAL_KERNELS names no folder with linux-source-{request.param}")
    return request.param, path


def prototypes(path: Path) -> dict[str, tuple[str, list[str]]]:
    """(return type, parameter texts) of every security_* function declared in the header."""
    text = re.sub(r"/\*.*?\*/", "", (path / "include/linux/security.h").read_text(), flags=re.DOTALL)
    found = re.findall(r"\b(int|void|bool|ssize_t|size_t)\s+(security_\w+)\(([^;{}]*?)\)\s*[;{]", text)
    return {name: (kind, [p.strip() for p in params.split(",")]) for kind, name, params in found}


@pytest.mark.kernel
def test_hooks_that_return_nothing_decide_nothing(tree):
    pack = load(version=tree[0])
    wrong = [n for n, (kind, _) in sorted(prototypes(tree[1]).items()) if kind == "void" and pack.check(n).allow != "none"]
    assert wrong == []


@pytest.mark.kernel
def test_hooks_with_another_default_than_zero_are_listed(tree):
    pack = load(version=tree[0])
    text = (tree[1] / "include/linux/lsm_hook_defs.h").read_text()
    hooks = re.findall(r"LSM_HOOK\(int,\s*([^,]+),\s*(\w+)", text)
    assert len(hooks) > 150
    names = {f"security_{hook}" for default, hook in hooks if default != "0" and hook not in VOTES | HAND_OUT}
    assert names
    wrong = [name for name in sorted(names) if pack.check(name).allow == "errno"]
    assert wrong == []


@pytest.mark.kernel
def test_arguments_are_what_the_data_says(tree):
    pack = load(version=tree[0])
    for name, (_, params) in sorted(prototypes(tree[1]).items()):
        check = pack.check(name)
        numbers = [n for n in (check.mask, check.namespace, check.subject, *check.objects) if n is not None]
        assert all(n < len(params) for n in numbers), name
        if check.mask is not None:
            assert re.search(r"mask|mode|flag", params[check.mask]), (name, params)
        if check.namespace is not None:
            assert "user_namespace" in params[check.namespace], (name, params)
        if check.subject is not None:
            assert "struct cred" in params[check.subject], (name, params)
