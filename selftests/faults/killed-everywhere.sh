#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 3600
# A killed command leaves no half-done state. Commands are killed instead of each call by which they change something
# outside of themselves (faultrun), one call at a time. The commands are `up` from nothing, `down`, a change of the configuration, and an
# upgrade, which replaces the running programs. After a killed `up` from nothing or `down`, `down` leaves nothing and
# `up` repairs. After a killed change, all streams of all features are forwarded without a loss (the network is that of
# faults.sh). `save` prints the old or the new configuration, and it is the one that runs.
#
# $WGXDP_STEP: only every such call. BREAK=1 takes the instance down after a change: then packets must be missing.
# BREAK=2 leaves a file in /run: then it must be found.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/faults.sh"

every=${WGXDP_STEP:-1}

killed() { # N COMMAND...: fails if the command ended before its Nth call
	inside firewall "$faultrun" -s change -n "$1" -k -o "$work/hurt" "$wgxdp" "${@:2}" > "$work/killed" 2>&1 || :
	read -r _ hurt < "$work/hurt"
	[[ $hurt != - ]]
}

forwards() { ten_come four "$@"; } # WHEN

from_nothing() { # WHAT STEP FILE
	local n
	for ((n = 1; ; n += $2)); do
		killed $n up -c "$3" || break
		if ((n / $2 % 2)); then
			wgxdp up -c "$3" > /dev/null || fail "$1: up after one that was killed at call $n, $hurt"
			forwards "$1: up, killed at call $n, $hurt, and up"
		fi
		[[ ${BREAK:-} != 2 ]] || touch /run/wgxdp/default/left
		wgxdp down || fail "$1: down after an up that was killed at call $n, $hurt"
		no_traces firewall "$work/nothing" "$1: up, killed at call $n, $hurt, and down"
	done
	wgxdp down
	say "ok $1: up killed at each of $(((n - 1) / $2)) calls of $((n - 1))"
}

downs() { # WHAT STEP FILE
	local n
	for ((n = 1; ; n += $2)); do
		wgxdp up -c "$3" > /dev/null
		killed $n down || break
		if ((n / $2 % 2)); then
			wgxdp up -c "$3" > /dev/null || fail "$1: up after a down that was killed at call $n, $hurt"
			forwards "$1: down, killed at call $n, $hurt, and up"
		fi
		wgxdp down || fail "$1: down after one that was killed at call $n, $hurt"
		no_traces firewall "$work/nothing" "$1: down, killed at call $n, $hurt, and down"
	done
	say "ok $1: down killed at each of $(((n - 1) / $2)) calls"
}

one_or_the_other() { # WHAT FILE FILE
	wgxdp save > "$work/saved" 2> "$work/said" || fail "$1: save: $(< "$work/said")"
	cmp -s "$work/saved" "$work/is-$2" || cmp -s "$work/saved" "$work/is-$3" || fail "$1: neither of the two configurations: $(< "$work/saved")"
	wgxdp up -c "$work/saved" > "$work/out" 2>&1 || fail "$1: up with what was saved: $(< "$work/out")"
	[[ ! -e /run/wgxdp/default/running.yaml.new ]] || fail "$1: left running.yaml.new"
}

# Changes from the running configuration to the other one. All calls have been tried once the command ends by itself
changes() { # WHAT STEP FILE FILE COMMAND...: without the file
	local n first=$3 second=$4 to
	for to in "$second" "$first"; do
		wgxdp up -c "$work/$to.yaml" > /dev/null
		wgxdp save > "$work/is-$to"
	done
	cp "$work/is-$first" "$work/saved"
	streams_begin 4000 1000
	for ((n = 1; ; n += $2)); do
		streaming || { streams_end "$1, so far" && streams_begin 4000 1000; }
		cmp -s "$work/saved" "$work/is-$first" && to=$second || to=$first
		"${killed:-killed}" $n "${@:5}" -c "$work/$to.yaml" || break
		[[ ! ${BREAK:-} ]] || wgxdp down
		one_or_the_other "$1, killed at call $n, $hurt" "$first" "$second"
	done
	streams_end "$1, at last"
	wgxdp down
	no_traces firewall "$work/nothing" "$1, and down"
	say "ok $1: killed at each of $(((n - 1) / $2)) calls"
}

# A daemon runs until it is ended, and was not killed
killed_daemon() { # N COMMAND...
	start firewall "$faultrun" -s change -n "$1" -k -o "$work/hurt" "$wgxdp" "${@:2}" > "$work/killed" 2>&1
	local runner=$! pid
	wait_for 60 'a daemon follows, or is killed' follows_or_killed $runner
	pid=$(pgrep -ox wgxdp) && kill "$pid" # the others are its children
	wait $runner || :
	read -r _ hurt < "$work/hurt"
	[[ $hurt != - ]]
}
follows_or_killed() { grep -q 'the daemon follows changes' "$work/killed" || ! kill -0 "$1"; }

everything_network tunnel
everything > "$work/a.yaml"
everything changed > "$work/b.yaml"
sed '/^learn:/d' "$work/a.yaml" > "$work/unlearnt.yaml" # other programs
service_file dnat
cp "$work/wgxdp.yaml" "$work/one.yaml"
sed 's/51820 \]/51820, 443 ]/' "$work/one.yaml" > "$work/ports.yaml"
sed '/nat: dnat/a\    deny: [ 192.0.2.0/24 ]' "$work/one.yaml" > "$work/lists.yaml" # other programs
wgxdp up -c "$work/one.yaml" > /dev/null
wgxdp down
traces firewall > "$work/nothing"
from_nothing 'one service' "$every" "$work/one.yaml"
downs 'one service' "$every" "$work/one.yaml"
from_nothing everything $((10 * every)) "$work/a.yaml"
all_streams=("${streams[@]}")
streams=(four six)
changes 'a change of one service' "$every" one ports up
changes 'other programs for one service' "$every" one lists up
killed=killed_daemon changes "a daemon's beginning" "$every" one lists daemon
streams=("${all_streams[@]}")
changes 'a change of everything' "$every" a b reload
changes 'other programs for everything' $((3 * every)) a unlearnt up
