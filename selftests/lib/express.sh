# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced, after lib.sh: something changes while the express path carries packets, and no packet goes the old way any more.
# A command of wgxdp tells the data path before it returns, also while the daemon is stopped. Packets that were on their
# way arrive within 50 ms (by --long; 250 ms else). The daemon follows a change of the host within 100 ms (by --long; 500
# ms else). The test sends packets all the time, and defines seen=(NAMESPACE COUNTER), which counts the packets that go
# the old way. BREAK=1 stops the daemon while the host changes.

hits() { shown get express.hits; }

# ms until the daemon has followed a change of the host. On a machine that may be busy, it has more time, and a second in
# $late pieces besides
followed_within=100 arrived_within=50 late=0
[[ ${WGXDP_STRICT:-} || ${BREAK:-} ]] || followed_within=500 arrived_within=250 late=5
# shellcheck disable=SC2154 # the tests set `seen`
was_seen() { arrived "${seen[@]}"; }
changes() { # WHAT COMMAND...
	local after n old within=$arrived_within pieces=0
	if [[ $2 == host || $2 == rule ]]; then
		within=$followed_within pieces=$late
		[[ ! ${BREAK:-} ]] || kill -STOP "$daemon"
	else
		stop_unlocked
	fi
	"${@:2}"
	nap "$(printf '0.%03d' $within)"
	after=$(was_seen)
	nap 0.3
	old=$(($(was_seen) - after))
	for ((n = 0; n < pieces && old; n++)); do
		after=$(was_seen)
		nap 0.2
		old=$(($(was_seen) - after))
	done
	kill -CONT "$daemon"
	expect "$1: the old way, $((within + 200 * n)) ms later" $old == 0
}
