#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# alone
# timeout: 600
# TCP through a NIC that wgxdp serves is as fast as with a bare XDP_PASS program, within a tenth. Medians of alternating
# rounds, with an MTU of 1500 and of 9000. BREAK=1 runs another transfer during wgxdp's rounds.
#
#     client uplink ---- wan firewall        iperf3, from the client to the firewall
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rounds=9
seconds=1

mbits() { # prints the rate of one transfer
	inside client iperf3 -J -c 198.51.100.1 -t "$seconds" > "$work/iperf" || fail "iperf3: $(tail -n 3 "$work/iperf")"
	/usr/bin/python3 -c '
import json, sys
print(int(json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] / 1e6))' "$work/iperf"
}

with_bare() {
	takes_xdp firewall wan
	mbits
	inside firewall ip link set wan xdpdrv off
}

with_wgxdp() {
	wgxdp up --wan wan --lan lan --to 192.168.1.10,2001:db8:2::10 --mode native > /dev/null
	if [[ ${BREAK:-} ]]; then
		start client iperf3 -c 198.51.100.1 -p 5202 -t 2 > /dev/null
		mbits
		wait $!
	else
		mbits
	fi
	wgxdp down > /dev/null
}

median() { sort -n "$1" | sed -n $(((rounds + 1) / 2))p; }

firewall_network
for server in 5201 5202; do
	start firewall iperf3 -s -p $server > /dev/null
	wait_for 5 'iperf3 listens' tcp_listens firewall $server
done
for mtu in 1500 9000; do
	inside client ip link set uplink mtu $mtu
	inside firewall ip link set wan mtu $mtu
	: > "$work/bare"
	: > "$work/wgxdp"
	for ((i = 0; i < rounds; i++)); do
		with_bare >> "$work/bare"
		with_wgxdp >> "$work/wgxdp"
	done
	bare=$(median "$work/bare") ours=$(median "$work/wgxdp")
	say "MTU $mtu: $bare Mbit/s with XDP_PASS, $ours with wgxdp"
	expect "MTU $mtu: wgxdp's share of it in percent" $((ours * 100 / bare)) '>=' 90
done
