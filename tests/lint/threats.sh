#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every item of docs/inside/threat-model.md names the tests that hold it, or says that nothing does, and each named
# test is a job of scripts/test.
set -euo pipefail
cd "$(dirname "$0")/../.."

model=${1:-docs/inside/threat-model.md}
bad=0 items=0 held=0
complain() { bad=1; echo "$model:$*"; }
declare -A jobs=() named=()

while read -r _ job _; do
	jobs[$job]=1
done < <(scripts/test --list)
((${#jobs[@]} > 100)) || complain " scripts/test lists ${#jobs[@]} jobs"

while IFS=: read -r number item; do
	items=$((items + 1))
	if [[ $item =~ \(tests:\ ([a-z0-9_,\ .-]+)\)$ ]]; then
		held=$((held + 1))
		for job in ${BASH_REMATCH[1]//,/ }; do
			named[$job]=1
			[[ ${jobs[$job]:-} ]] || complain "$number: no job $job"
		done
	elif [[ $item != *' (not held)' ]]; then
		complain "$number: ends neither in (tests: …) nor in (not held)"
	fi
done < <(awk '
	function told() {if (item) print item; item = ""}
	/^ *- / {told(); item = NR ":" $0; next}
	/^ +[^ ]/ && item {sub(/^ +/, " "); item = item $0; next}
	{told()}
	END {told()}' "$model") # an item, and the lines that go on with it

((items > 50)) || complain " $items items: is it read at all?"
grep -q 'docs/inside/threat-model.md' SECURITY.md || complain " SECURITY.md does not lead here"
((!bad)) || exit 1
echo "$items sentences, $held of them held by ${#named[@]} tests"
