#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1800
# Concurrent commands of one instance succeed or name their reason, and leave one of the requested configurations
# complete. The commands are `up`, `reload`, `down`, `save`, `show` and a daemon that starts and ends, in 100 rounds.
# Each succeeds or names its reason, and none hangs. After a round, one of the requested configurations runs
# completely, and at the end nothing is left. Then the same without `down`, with another daemon, under traffic of a
# service that all configurations have: no packet is lost.
#
# BREAK=1 runs `down` too under traffic. $WGXDP_ROUNDS replaces the 100 rounds.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rounds=${WGXDP_ROUNDS:-100}

service() { # NAME PORT
	echo "  - { name: $1, listen: { interface: wan, ports: [ $2 ] }, backend: { ipv4: 192.168.1.10, port: $2 } }"
}
for k in 0 1 2 3; do
	{ echo services: && service stays $port && service "other$k" $((1000 + k)); } > "$work/$k.yaml"
done
sed 's/port: 1003 } }/port: 1003 }, deny: [ 192.0.2.0\/24 ] }/' -i "$work/3.yaml" # other programs

# Starts a daemon beside the concurrent commands, and ends it after them or by a `down`
daemon_comes() { # FILE
	start firewall "$wgxdp" daemon -c "$1" > "$work/out-daemon" 2>&1
	daemon=$!
}
daemon_goes() {
	local status=0
	! kill -0 "$daemon" 2> /dev/null || lived=$((lived + 1))
	kill "$daemon" 2> /dev/null || :
	wait_for 60 "the daemon ends: $(< "$work/out-daemon")" gone "$daemon"
	wait "$daemon" || status=$?
	((status == 0 || status == 143)) || { ((status == 1)) && grep -qE "$allowed" "$work/out-daemon"; } ||
		fail "the daemon: status $status, $(< "$work/out-daemon")"
}

# A command beside `down` may find nothing up, and reports it
allowed='is not up|another daemon|runs already|is gone|is removed|was removed|removed meanwhile|down'

all_at_once() { # COMMAND...: each argument is a line of arguments
	local command pids=() n=0 status
	for command; do
		# shellcheck disable=SC2086
		start firewall timeout 60 "$wgxdp" $command > "$work/out-$n" 2>&1
		pids+=($!)
		n=$((n + 1))
	done
	n=0
	for command; do
		status=0
		wait "${pids[n]}" || status=$?
		if ((status != 0 && status != 1)) || { ((status)) && ! grep -qE "$allowed" "$work/out-$n"; }; then
			fail "$command: status $status, $(< "$work/out-$n")"
		fi
		((status == 0)) || refused=$((refused + 1))
		n=$((n + 1))
	done
}

whole() { # WHEN: checks that nothing is up, or the configuration of one of the commands
	local k
	if ! wgxdp save > "$work/saved" 2> "$work/said"; then
		grep -q 'is not up' "$work/said" || fail "$1: save says $(< "$work/said")"
		no_traces firewall "$work/nothing" "$1: nothing is up"
		return
	fi
	for k in 0 1 2 3; do
		cmp -s "$work/saved" "$work/is-$k" && break
	done
	cmp -s "$work/saved" "$work/is-$k" || fail "$1: a mixture: $(< "$work/saved")"
	wgxdp up -c "$work/saved" > "$work/out" 2>&1 || fail "$1: up: $(< "$work/out")"
	[[ $(tail -n 1 "$work/out") == 'the data path is up: nothing had to change' ]] || fail "$1: what runs is not what is saved: $(< "$work/out")"
}

firewall_network
for ns in client wg-end; do inside $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done # IPv6 sends packets by itself
count_arrivals wg-end all_of_them "udp dport $port"
for k in 0 1 2 3; do
	wgxdp up -c "$work/$k.yaml" > /dev/null
	wgxdp save > "$work/is-$k"
done
wgxdp down
traces firewall > "$work/nothing"

refused=0 lived=0
for ((round = 0; round < rounds; round++)); do
	daemon_comes "$work/$(((round + 2) % 4)).yaml"
	all_at_once "up -c $work/$((round % 4)).yaml" down "reload -c $work/$(((round + 1) % 4)).yaml" show "up -c $work/$(((round + 3) % 4)).yaml" \
		save down
	daemon_goes
	whole "round $round"
done
wgxdp down
no_traces firewall "$work/nothing" "$rounds rounds"
say "ok $rounds rounds of up, up, reload, down, down, save, show and a daemon at once: refused $refused of $((7 * rounds)), $lived daemons left"
lived=0

wgxdp up -c "$work/0.yaml" > /dev/null
before=$(arrived wg-end all_of_them)
sent=0
sends 40000 -r 4000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port
for ((round = 0; round < rounds; round++)); do
	still_sends "$round" "$rounds"
	daemon_comes "$work/$(((round + 2) % 4)).yaml"
	all_at_once "up -c $work/$((round % 4)).yaml" "reload -c $work/$(((round + 1) % 4)).yaml" show "up -c $work/$(((round + 3) % 4)).yaml" save \
		${BREAK:+down}
	daemon_goes
	((round % 10)) || whole "round $round under traffic"
done
wait "$sender"
expect "daemons that lived through $rounds rounds" $lived '>' 0
expect "lost of $sent in $rounds rounds of up, up, reload, save, show and a daemon at once" $((sent - $(arrived wg-end all_of_them) + before)) == 0
wgxdp down
no_traces firewall "$work/nothing" 'all of it'
