#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# A burst of clients that come once makes a flow for each, and all flows are gone after their timeout. The service
# masquerades. Each sends one packet, gets one answer, and never comes again. Each becomes a flow, and all are gone
# after their time-out, without a daemon. BREAK=1 gives them an hour.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
#     newcomers: 10.0.0.0/8 behind client
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

newcomers=3000 rate=3000 # a second
timeout=5s
[[ ! ${BREAK:-} ]] || timeout=3600s

configuration() {
	cat <<- EOF
		services:
		  - name: many
		    listen: { addresses: [ 198.51.100.1 ], ports: [ 52100 ] }
		    backend: { ipv4: 192.168.1.10, port: 52100 }
		    nat: masquerade
		    flows: { max: 65536, timeout: $timeout }
	EOF
}
metric() { wgxdp show metrics | awk -v name="$1" 'index($1, name "{") == 1 {n += $2} END {print n + 0}'; }
none_left() { [[ $(metric wgxdp_flows) == 0 ]]; }

firewall_network
inside firewall ip route add 10.0.0.0/8 via 198.51.100.7
inside client nft 'add table ip t; add chain ip t c { type filter hook prerouting priority -300; }; add rule ip t c iifname uplink ip daddr 10.0.0.0/8 drop'
configuration > "$work/c.yaml"
start_listener wg-end many -e 192.168.1.10:52100
wgxdp up -c "$work/c.yaml" > "$work/up" || fail "up: $(< "$work/up")"
inside client "$udptool" send -a -s 32 -n $newcomers -r $rate uplink "$(mac firewall wan)" 10.0.0.0:1 198.51.100.1:52100 > "$work/sent"
say "$(metric wgxdp_flows_created_total) of $newcomers newcomers are flows"
expect 'flows that were made, of each 100' $(($(metric wgxdp_flows_created_total) * 100 / newcomers)) '>=' 90
begun=$SECONDS
wait_for 15 'all flows to end' none_left
say "all gone after $((SECONDS - begun)) s"
expect 'flows that ended otherwise' $(($(metric wgxdp_flows_moved_total) + $(metric wgxdp_flows_deleted_total))) == 0
wgxdp down
