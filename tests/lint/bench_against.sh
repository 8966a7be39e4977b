#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `scripts/bench --against` keeps the rows of one state together, names the row or the median that exceeds a limit,
# and takes ratios from samples that were taken together.
set -euo pipefail
cd "$(dirname "$0")/../.."

/usr/bin/python3 - << 'EOF'
import itertools
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests/bench")
import against

states = [state for state, _ in itertools.groupby(against.all_rows(), key=lambda row: row.state)]
assert len(states) == len(set(states)), states

def limits(*ratios):
    results = [{"label": "row %d" % n, "ratio": r} for n, r in enumerate(ratios)]
    return [line.split(":")[0] for line in against.too_slow(results, 15, 8)]

assert limits(1, 1.14, 0.5) == []
assert against.too_slow([{"label": "row", "ratio": 2, "whole": 1.1}], 15, 20, "whole") == []
assert limits(1, 1.16, 0.5) == ["row 1"]
assert limits(1.09, 1.1, 0.5) == ["median"]
assert limits(2, 2, 2) == ["row 0", "row 1", "row 2", "median"]

# the machine is ten times slower from the second sample on, for all targets
ns = {against.REDIRECT: [10, 100, 100], against.PARSE: [15, 150, 150], against.OTHER: [20, 200, 200], against.NEW: [30, 300, 300]}
r = against.summary(against.all_rows()[0], ns)
assert r["ratio"] == r["ratio_low"] == r["ratio_high"] == 2, r
assert r["whole"] == 1.5, r
assert r["over_parse"] == 150, r
EOF

listed=$(scripts/bench --against nothing --list)
for row in 'dnat ipv6, reply' 'none ipv4, original' 'masquerade 64, reply' \
	'dnat ipv4 guard, original' 'dnat ipv6 strict, reply' 'route nic, site' 'blind 66, original' \
	'dnat ipv4, reply, 20000' 'masquerade 44, original, 1000' 'masquerade 44, reply, 1000000' \
	'route nic, site, 65535' 'blind 44, 100,000 sites, original, 1000000'; do
	grep -qx "$row" <<< "$listed" || { echo "--list: no row '$row'"; exit 1; }
done

refused() { # WHAT-IT-SAYS OPTION...
	local status=0 said
	said=$(scripts/bench "${@:2}" 2>&1) || status=$?
	[[ $status == 1 && $said == *"$1"* ]] || { echo "${*:2}: status $status: $said"; exit 1; }
}
refused '--against nothing: not a program' --against nothing
refused '--rows nothing: no row matches' --against nothing --rows nothing
echo 'bench --against names what is slower'
