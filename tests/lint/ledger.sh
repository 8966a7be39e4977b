#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# docs/acceptance.md: every row is complete (scripts/accept -c), no figure is longer than 200 characters, and scripts/test has every job
# that a command names. BREAK=1 checks a copy whose commands name a made-up job, and must fail.
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/accept -c
text=$(sed "${BREAK:+s/scripts\/test --long /&made-up-job /}" docs/acceptance.md)
cells() { awk -F ' [|] ' -v cell="$1" 'NF == 4 {print $cell}' <<< "$text"; }

if cells 3 | LC_ALL=C.UTF-8 grep -E '.{201}'; then
	echo 'these figures are longer than 200 characters: keep the last result alone'
	exit 1
fi

calls=$(cells 2 | grep -oE 'scripts/test [^&|;\\`]+')
names() { tr -d "'" | tr ' ' '\n' | grep -vE '^(scripts/test|--.*|)$' | sort -u; }
mapfile -t short < <(grep -v -- ' --long ' <<< "$calls" | names)
mapfile -t long < <(grep -- ' --long ' <<< "$calls" | names)
((${#short[@]} > 10 && ${#long[@]} > 50)) || { echo "only ${#short[@]} and ${#long[@]} jobs were found"; exit 1; }
listed=$(scripts/test --list "${short[@]}" && scripts/test --long --list "${long[@]}")
echo "the commands name $(wc -l <<< "$listed") jobs, all of which exist"
