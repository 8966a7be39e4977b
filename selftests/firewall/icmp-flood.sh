#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The firewall sends at most 1,000 ICMP errors a second from each CPU, however many sources ask for them. 30,000
# packets whose TTL expires at the firewall come from as many sources, as fast as one CPU sends them. The firewall
# sends at most 1,000 ICMP errors a second from each CPU, in bursts of at most 50. The limit holds for all sources
# together, because they may be forged. BREAK=1 sends no flood: then fewer than the expected 50 errors come.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

firewall_network
# shellcheck disable=SC2016
sent_by_wan() { inside firewall awk '$1 == "wan:" {print $11}' /proc/net/dev; } # packets
for mode in auto tc; do
	wgxdp up --wan wan --to 192.168.1.10 --mode $mode
	before=$(sent_by_wan) from=$(ms)
	[[ ${BREAK:-} ]] || inside client "$udptool" send -n 30000 -a -t 1 uplink "$(mac firewall wan)" 198.51.0.0:4000 198.51.100.1:$port
	took=$(($(ms) - from))
	came=$(($(sent_by_wan) - before))
	expect "$mode: errors" "$came" '>=' 50
	expect "$mode: errors within $took ms, of 30000 packets" "$came" '<=' $(($(nproc) * (60 + took)))
	expect_sums
	wgxdp down
done
