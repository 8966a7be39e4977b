#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `scripts/test --list` prints a promise of every job: one sentence of at most 35 words. The sentence begins with a
# capital letter or with code, and ends with a period. Each tier has jobs, and the ledger that the promises replace is
# gone. BREAK=1 adds a job whose promise is a heading, which must be found.
set -euo pipefail
cd "$(dirname "$0")/../.."

list=$(scripts/test --list)
[[ ! ${BREAK:-} ]] || list+=$'\ncore  made-up  The data path: each decision'
awk '
	{
		tier = $1
		name = $2
		jobs[tier]++
		sub(/^[^ ]+ +[^ ]+ */, "")
	}
	tier !~ /^(core|full|long)$/ {print name ": an unknown tier: " tier; bad = 1}
	!/^[A-Z`].*[.]$/ || NF > 35 {print name ": no promise in the first sentence of its head: " $0; bad = 1}
	END {
		if (jobs["core"] < 20 || jobs["full"] < 20 || jobs["long"] < 20) {
			print jobs["core"] + 0 " core, " jobs["full"] + 0 " full and " jobs["long"] + 0 " long jobs: at least 20 of each are expected"
			bad = 1
		}
		if (!bad) print NR " jobs have a promise"
		exit bad
	}' <<< "$list"
for gone in docs/acceptance.md scripts/accept; do
	[[ ! -e $gone ]] || { echo "promises replace $gone"; exit 1; }
done
