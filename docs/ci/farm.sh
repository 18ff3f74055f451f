#!/bin/bash
# One change on a build farm: REPOSITORY (a git clone, bare or not), BASE and HEAD (revisions), RESULTS (a folder).
# Writes kqual.json, kqual.mail (a report in the manner of the 0-day robot) and kqual.log there; exits with kqual's
# status: 0 nothing new, 1 findings, 2 an error, 3 incomplete. KQUAL_WORK keeps the tree, the build directory and the
# store from one run to the next; KQUAL_OPTIONS are further options, such as --scope fs.
set -euo pipefail

if [ $# != 4 ]; then
	echo "usage: $0 REPOSITORY BASE HEAD RESULTS" >&2
	exit 2
fi
repository=$1 base=$2 head=$3 results=$4
work=${KQUAL_WORK:-${XDG_CACHE_HOME:-$HOME/.cache}/kqual-farm}
mkdir -p "$work" "$results"
base=$(git -C "$repository" rev-parse --verify --end-of-options "$base^{commit}")
head=$(git -C "$repository" rev-parse --verify --end-of-options "$head^{commit}")

# One run at a time has the tree; others wait for it.
exec 9> "$work/lock"
flock 9

# The ground is scanned once. It stays at its commit, whatever the base of a change is: the gate reads what lies between.
tree=$work/tree
if [ ! -e "$tree/.git" ]; then
	git -C "$repository" worktree prune
	git -C "$repository" worktree add --quiet --detach "$tree" "$base"
fi
# On purpose a list of words.
# shellcheck disable=SC2086
set -- --build "$work/build" --store "$work/store.sqlite" ${KQUAL_OPTIONS:-}
status=0
kqual gate "$tree" "$@" --base "$base" --head "$head" --format json -o "$results/kqual.json" 2> "$results/kqual.log" || status=$?
cat "$results/kqual.log" >&2
if [ "$status" != 2 ]; then
	kqual report "$results/kqual.json" --format mail -o "$results/kqual.mail" 2>> "$results/kqual.log"
fi
exit "$status"
