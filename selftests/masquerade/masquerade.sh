#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# WireGuard tunnels work through masquerading services, for all four pairs of families, over a reload, an upgrade and
# a moved backend. wg-end sees the firewall's address, and `show flows --wg` names the peer. A transfer goes through
# each. Flows outlast a reload and an upgrade of the programs. When the backend becomes another host in the middle of
# a transfer, the flow follows at once. BREAK=1 ends the flows before the reload.
#
#                   198.51.100.0/24          192.168.1.0/24
#                   2001:db8:1::/64          2001:db8:2::/64
#     client    .7 ----------------- .1 firewall .1 ----------------- .10, .11 wg-end
#     wgc44 …                       wan          lan                        wge
#     10.77.0.44 …                                                       10.77.0.1
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/pairs.sh"

file() { size=$1 && head -c "$size" /dev/urandom > "$work/file"; } # BYTES: a file for the next transfer
ours() { peers | awk '{print $1, $3}' | tr '\n' ' '; }
# wireguard-go 0.0.20231211 keeps answering from its first address; a new host has only its own address
to_another_host() {
	local flow
	flow=$(ours | grep -o 'pair44 [^ ]*')
	inside wg-end nft "add table ip other; add chain ip other out { type filter hook output priority 0; };
		add rule ip other out ip daddr 192.168.1.1 udp dport ${flow##*:} ip saddr set 192.168.1.11"
	configuration 192.168.1.11 | wgxdp up -c - > "$work/up"
	wait_for 5 'a backend that becomes another' moved
}
moved() { [[ $(wgxdp show flows | awk '$1 == "pair44" {print $5}') == 192.168.1.11:$port ]]; }

choose_wireguard
firewall_network
addresses wg-end eth 192.168.1.11/24
configuration > "$work/wgxdp.yaml"
tunnels_up
file $((4 << 20))
for pair in "${pairs[@]}"; do transfer "pair $pair" client wg-end "10.78.$pair.1" "10.77.0.$pair"; done

peers > "$work/peers"
for pair in "${pairs[@]}"; do
	expect "pair $pair: its peer" "$(awk -v service="pair$pair" '$1 == service {print $4}' "$work/peers")" == "$(key "wgc$pair")"
done
ours > "$work/before"
[[ ! ${BREAK:-} ]] || wgxdp flow del --all
sed 's/max: 1000/max: 3000/' "$work/wgxdp.yaml" | wgxdp up -c - > "$work/up" # larger maps, and so new programs
grep -q 'programs were loaded' "$work/up" || fail "nothing was loaded: $(< "$work/up")"
for pair in "${pairs[@]}"; do wait_for 10 "pair $pair: goes on" through "$pair"; done
expect 'flows after a reload' "$(ours)" == "$(< "$work/before")"
expect 'made so far' "$(created)" == ${#pairs[@]}

file $((64 << 20))
touch "$work/hold"
transfer_begins client wg-end 10.78.44.1 10.77.0.44
midway 30 'another backend' $((size / 8)) to_another_host
transfer_ends 'pair 44, to another backend on the way'
expect 'moved' "$(wgxdp show metrics | awk '$1 == "wgxdp_flows_moved_total{service=\"pair44\"}" {print $2}')" == 1
expect 'other flows' "$(ours | sed 's/pair44 [^ ]*//')" == "$(sed 's/pair44 [^ ]*//' "$work/before")"
expect_sums
