# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the tests of scripts/bench --devices: checks of its figures, and of the hosts afterwards.
source "${BASH_SOURCE[0]%/*}/lib.sh"

make -s bench-programs > "$work/make" 2>&1 || fail "make bench-programs: $(< "$work/make")"

hosts() { # everything that the bench may change
	local ns
	for ns in sender firewall; do
		inside "$ns" ip -br address show | grep -o '^[a-z0-9]*\|19[89]\.\S*\|2001:2:\S*'
		inside "$ns" ip neigh show nud permanent
		inside "$ns" nft list ruleset
		inside "$ns" ip route show type blackhole
		inside "$ns" ip -6 route show type blackhole
		inside "$ns" sysctl -a 2> /dev/null | grep -E 'forwarding|rp_filter'
		on_host "$ns"
	done
}
is_as_before() { # WHEN
	hosts > "$work/now"
	diff "$work/before" "$work/now" || fail "$1: the hosts (>) are not as before (<)"
	say "ok both hosts are as before, $1"
}

plausible() { # DRIVER SENT-BY ROW...: checks build/bench-devices.json, and prints the table that the bench wrote to $work/out
	sed 's/^/    /' "$work/out"
	/usr/bin/python3 - "$build/bench-devices.json" "$(nproc)" "$@" > "$work/wrong" <<- 'EOF'
	import json, sys
	result = json.load(open(sys.argv[1]))
	want = [(name, family) for family in ("ipv4", "ipv6") for name in sys.argv[5:]]
	if [(r["name"], r["family"]) for r in result["rows"]] != want:
	    print("rows:", [(r["name"], r["family"]) for r in result["rows"]])
	for r in result["rows"]:
	    best = max((t for t in r["trials"] if t["pps"] == r["pps"]), key=lambda t: t["sent"])
	    if not (500 <= r["pps"] <= 1e8 and r["lost"] <= best["sent"] / 1000 and 0 < r["cpus"] <= int(sys.argv[2]) * 1.5
	            and 10 <= r["ns"] <= 1e7 and 0.02 <= r["ratio_to_bare"] <= 50 and r["limit"] in ("sender", "forwarder")):
	        print({k: v for k, v in r.items() if k != "trials"})
	if [d["driver"] for d in result["machine"]["devices"]] != [sys.argv[3]] * 2 or not result["machine"]["kernel"]:
	    print(result["machine"])
	if result["sender"]["by"] != sys.argv[4]:
	    print(result["sender"])
	EOF
	[[ ! -s $work/wrong ]] || fail "implausible: $(< "$work/wrong")"
	say 'ok the figures are plausible'
}
