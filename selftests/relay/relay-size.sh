#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# alone
# A relay of 10,000 peers and 100,000 routes reloads ten changed routes within 0.2 s, and all routes within 0.5 s. Its
# file has 3 MB. A reload that changes ten routes writes ten entries and takes at most 0.2 s, from the shell and back.
# A reload that brings all routes takes at most 0.5 s. The test also prints the time of `wgxdp up` from nothing, with
# its programs.
#
#     relay   site: a device with 10,000 peers behind it
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
[[ ! ${BREAK:-} ]] || WGXDP_STRICT=1 # otherwise slow machines would get longer time limits

rounds=9 on=relay

# FILE: reloads it; sets ms and entries
reload() {
	local began
	began=${EPOCHREALTIME/./}
	for ((again = 0; again < 9 * ${BREAK:-0}; again++)); do wgxdp check -c "$work/$1.yaml" > /dev/null 2>&1 || :; done
	wgxdp reload -c "$work/$1.yaml" > "$work/said" 2>&1 || fail "reload: $(head "$work/said")"
	ms=$(((${EPOCHREALTIME/./} - began) / 1000)) entries=$(sed -n 's/^the data path is up: \([0-9]*\) map .* written$/\1/p' "$work/said")
}

median() { printf '%s\n' "$@" | sort -n | sed -n "$((rounds / 2 + 1))p"; }
owner() { wgxdp show routes --json | /usr/bin/python3 -c 'import json, sys
routes = json.load(sys.stdin)["routes"]
print(len(routes), *[r["peer"] for r in routes if r["prefix"] == sys.argv[1]])' "$1"; }

namespaces relay
routers relay
inside relay ip tuntap add site mode tun
inside relay ip link set site up
addresses relay site fd12:3456:7fff::1/128
"$root/selftests/lib/peers.py" 10000 100000 site > "$work/one.yaml"
"$root/selftests/lib/peers.py" 10000 100000 site 10 > "$work/other.yaml"
"$root/selftests/lib/peers.py" 10000 10000 site > "$work/few.yaml"

began=${EPOCHREALTIME/./}
wgxdp up -c "$work/one.yaml" > "$work/said" || fail 'up'
say "up from nothing: $(((${EPOCHREALTIME/./} - began) / 1000)) ms, $(grep 'entries were written' "$work/said")"
expect 'routes, and whose one of them is' "$(owner fd12:3456:7801:5f94::/64)" == '100000 site-4'

took=()
for ((round = 0; round < rounds; round++)); do
	reload few
	expect 'entries that 90,000 routes leave' "$entries" == 90000
	reload one
	expect 'entries that they write' "$entries" == 90000
	took+=("$ms")
done
say "90,000 routes took ${took[*]} ms"
expect "ms for routes to be loaded, median of $rounds" "$(median "${took[@]}")" '<=' "$(at_most 500)"

took=()
for ((round = 0; round < rounds; round++)); do
	if ((round % 2)); then reload one; else reload other; fi
	[[ $entries == 10 ]] || fail "$entries entries written for 10 changed routes"
	took+=("$ms")
done
say "ten changed routes took ${took[*]} ms, and wrote 10 entries each time"
expect 'the new owner' "$(owner fd12:3456:7801:5f94::/64)" == '100000 site-5'
expect "ms for a reload, median of $rounds" "$(median "${took[@]}")" '<=' "$(at_most 200)"
