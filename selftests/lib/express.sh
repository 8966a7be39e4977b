# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced, after lib.sh: something changes while the express path carries the packets, and 100 ms later no packet goes the old way any
# more (by --long; 500 ms else). The test defines sends TENTHS, which sends packets for that many tenths of a second, and seen=(NAMESPACE COUNTER), which counts
# the packets that go the old way. BREAK=1 turns the generation back, as if the data path were not told of the change.

hits() { wgxdp show --json | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin).get("express", {}).get("hits", 0))'; }

control=/sys/fs/bpf/wgxdp/default/control
generation() { bpftool -j map dump pinned $control | /usr/bin/python3 -c 'import json, sys
print(*json.load(sys.stdin)[0]["value"][4:8])'; }
turn_back() { # GENERATION: entries that have it are valid again
	local value
	value=$(bpftool -j map dump pinned $control | /usr/bin/python3 -c 'import json, sys
v = json.load(sys.stdin)[0]["value"]
v[4:8] = sys.argv[1].split()
print(*v)' "$1")
	# shellcheck disable=SC2086 # split into its bytes
	bpftool map update pinned $control key 0 0 0 0 value $value
}

# ms until the daemon has followed a change. On a machine that may be busy, it has more time, and a second in $late
# pieces besides
followed_within=100 late=0
[[ ${WGXDP_STRICT:-} ]] || followed_within=500 late=5
# shellcheck disable=SC2154 # the tests set `seen`
was_seen() { arrived "${seen[@]}"; }
changes() { # WHAT COMMAND...
	local number after n old
	sends $((7 + followed_within / 100)) &
	sender=$!
	sleep 0.25
	number=$(generation)
	"${@:2}"
	[[ ! ${BREAK:-} ]] || turn_back "$number"
	sleep "$(awk "BEGIN {print $followed_within / 1000}")"
	after=$(was_seen)
	wait $sender
	old=$(($(was_seen) - after))
	for ((n = 0; n < late && old; n++)); do
		after=$(was_seen)
		sends 2
		old=$(($(was_seen) - after))
	done
	expect "$1: the old way, $((followed_within + 200 * n)) ms later" $old == 0
}
