#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The blind relay keeps an initiation for a site that is not there yet, and sends it when the site comes. So the sender
# needs no second initiation, which would follow five seconds later. The network is that of sites.sh; c comes late.
#
#     198.51.100.11 nat-a --+
#     198.51.100.12 nat-b --+--- 198.51.100.1, 2001:db8::1 relay
#     2001:db8::c  edge-c --+
#
# On a busy machine a try can take five seconds by itself. Such a try proves nothing, so the test tries again, with a new instance.
#
# BREAK=1 drops the kept initiation: then every attempt takes five seconds.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
pins=/sys/fs/bpf/wgxdp/default
forget() { # removes the kept initiations
	local n size
	size=$(bpftool -j map show pinned $pins/blind_waiting | grep -o '"bytes_value":[0-9]*' | cut -d : -f 2)
	for n in 1 2 3; do
		# shellcheck disable=SC2046 # words
		bpftool map update pinned $pins/blind_waiting key $n 0 0 0 value $(yes 0 | head -n "$size")
	done
}

leaves() { # ends c's sessions; the relay no longer knows where c is
	forgets c $relay
	inside relay wg set $relay peer "$(key wgb-c)" remove
	inside relay wg set $relay peer "$(key wgb-c)" allowed-ips "$tunnels::c/128"
	forgets a wgb-c
	knows_site a c
	forgets c wgb-a
	knows_site c a
}

ping_while_c_comes() {
	local before pinger begun=$EPOCHREALTIME
	before=$(arrived nat-a initiations)
	start server-a ping -q -c 1 -W 40 "$overlay:c::10" > "$work/ping"
	pinger=$!
	wait_for 10 "the initiation waits" site_is c initiation_waits yes
	[[ ! ${BREAK:-} ]] || forget
	knows_relay c
	wait $pinger || fail "no answer of c: $(< "$work/ping")"
	took=$(awk -v from="$begun" -v to="$EPOCHREALTIME" 'BEGIN {print to - from}')
	sent=$(($(arrived nat-a initiations) - before))
}

blind_network a b
count_arrivals nat-a initiations "iifname in udp dport $port @th,64,8 1"

for _ in 1 2 3; do
	leaves
	blind_file
	start_daemon -c "$work/wgxdp.yaml"
	wait_for 30 'two sites' all_authenticated 2
	wait_for 10 'site c waits' site_is c state waiting
	ping_while_c_comes
	wait_for 10 'site c is there' site_is c state authenticated
	awk "BEGIN {exit !($took >= 5)}" || break
	end_daemon # it would tell WireGuard where c was
	wgxdp down > /dev/null
done
expect 'seconds until the answer' "$took" '<' 5
expect 'initiations that a has sent' "$sent" == 1
expect 'site c' "$(site_shown c state) $(site_shown c initiation_waits)" == 'authenticated no'
expect_sums
