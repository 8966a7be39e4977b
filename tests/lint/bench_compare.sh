#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `scripts/bench-compare` calls neither equal results nor differences within the noise slower. Rows that lost more or
# are missing are named. The files of docs/bench are readable.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

result() { # RATIO SPREAD: a row whose ratio is this, and a second one
	awk -v r="$1" -v s="$2" 'BEGIN {
		row = "{\"name\": \"%s\", \"direction\": \"original\", \"family\": \"ipv4\", \"size\": 144, \"clients\": 1, \"ns\": 250, \"ratio_to_bare\": %f, \"ratio_min\": %f, \"ratio_max\": %f}"
		printf("{\"rows\": [" row ", " row "]}\n", "wgxdp dnat ipv4", r, r - s, r + s, "wgxdp none ipv6", 0.9, 0.89, 0.91)
	}'
}

expect() { # STATUS WHAT-IT-SAYS OLD NEW
	local status=0
	scripts/bench-compare "$3" "$4" > "$work/out" 2> "$work/said" || status=$?
	if [[ $status != "$1" ]] || ! grep -q -- "$2" "$work/said" "$work/out"; then
		echo "$3 $4: status $status, expected $1 and '$2'"
		cat "$work/said"
		exit 1
	fi
}

result 0.80 0.01 > "$work/old"
result 0.78 0.01 > "$work/near"
result 0.70 0.01 > "$work/slow"
result 0.70 0.09 > "$work/noisy"
sed 's/wgxdp none ipv6/wgxdp other/' "$work/old" > "$work/gone"
echo '{"rows": []}' > "$work/empty"
expect 0 '+0.0 %' "$work/old" "$work/old"
expect 0 '-2.5 %' "$work/old" "$work/near"
expect 1 'wgxdp dnat ipv4, original, ipv4, 144 bytes, 1 clients: slower by 12.5 %' "$work/old" "$work/slow"
expect 0 'noise 14' "$work/old" "$work/noisy"
expect 1 'wgxdp none ipv6.*: not measured any more' "$work/old" "$work/gone"
expect 2 'no row is in both' "$work/old" "$work/empty"
expect 2 'nowhere' "$work/old" "$work/nowhere"
for file in docs/bench/*.json; do
	[[ ! -e $file ]] || expect 0 'wgxdp' "$file" "$file"
done
echo 'bench-compare names what is slower'
