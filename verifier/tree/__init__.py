"""A kernel tree, or a directory of C files, becomes compile commands."""

from verifier.tree.doctor import diagnose
from verifier.tree.intake import default_build, open_tree
from verifier.tree.model import CompileCommand, Diagnosis, Progress, Tree, TreeError

__all__ = ["CompileCommand", "Diagnosis", "Progress", "Tree", "TreeError", "default_build", "diagnose", "open_tree"]
