#!/bin/sh
# b4's per-patch check: a patch on standard input, a JSON array on standard output.
#     git config b4.review-perpatch-check-cmd /path/to/b4-check.sh
# The tree is the scanned one that kqual.tree names, else the checkout that b4 runs in; kqual.options are further options.
tree=$(git config --type=path kqual.tree) || tree=$(git rev-parse --show-toplevel) || exit 2
# On purpose a list of words.
# shellcheck disable=SC2046
exec kqual gate "$tree" $(git config kqual.options) --patch - --format b4 --quiet
