#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Several services, ports and NICs at once do not mix: each client gets its answers from the address and port that it
# used. Each client gets its answers from the address and port that it used, even if one backend serves several
# services, and after it has changed services. Packets that belong to no service pass untouched.
#
#                               198.51.100.1 and .2, 2001:db8:1::1             192.168.1.0/24, 2001:db8:2::/64
#     client  .7  uplink  ---- .1 wan   \                            / .1 lan  ---- .10 eth  wg-end
#             .8-.47                      firewall
#             .7  uplink2 ---- .1 wan2  /                            \ .1 lan2 ---- .10 eth2 office
#                               203.0.113.1, 2001:db8:3::1                     192.168.2.0/24, 2001:db8:4::/64
#
#     home     wan, ports 51820 and 443                    -> wg-end, port 51820; IPv6 translated as well
#     second   198.51.100.2, port 1000                     -> wg-end, port 51820
#     other    wan2, port 51820                            -> wg-end, port 51820
#     office   198.51.100.1 and 203.0.113.1, port 51821    -> office, port 4500
#     direct   office's own addresses, port 51820; no translation
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=200 # questions of each kind

build_network() {
	firewall_network
	namespaces office
	cable client uplink2 firewall wan2
	cable firewall lan2 office eth2
	takes_xdp client uplink2
	takes_xdp office eth2
	addresses client uplink2 203.0.113.7/24 2001:db8:3::7/64
	addresses firewall wan 198.51.100.2/24
	addresses firewall wan2 203.0.113.1/24 2001:db8:3::1/64
	addresses firewall lan2 192.168.2.1/24 2001:db8:4::1/64
	addresses office eth2 192.168.2.10/24 2001:db8:4::10/64
	gateways office 192.168.2.1 2001:db8:4::1
	for ((host = 8; host < 48; host++)); do echo "address add 198.51.100.$host/24 dev uplink"; done | inside client ip -b -
	start_listener wg-end wg-end4 -e 192.168.1.10:$port
	start_listener wg-end wg-end6 -e "[2001:db8:2::10]:$port"
	start_listener office office4 -e 192.168.2.10:4500
	start_listener office office6 -e "[2001:db8:4::10]:4500"
	start_listener office office4-direct -e 192.168.2.10:$port
	start_listener office office6-direct -e "[2001:db8:4::10]:$port"
}

cat > "$work/wgxdp.yaml" << EOF
services:
  - name: home
    listen: { interface: wan, ports: [ $port, 443 ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
    ipv6: dnat
  - name: second
    listen: { addresses: [ 198.51.100.2 ], ports: [ 1000 ] }
    backend: { ipv4: 192.168.1.10, port: $port }
  - name: other
    listen: { interface: wan2, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
    ipv6: dnat
  - name: office
    listen: { addresses: [ 198.51.100.1, 203.0.113.1 ], ports: [ 51821 ] }
    backend: { ipv4: 192.168.2.10, port: 4500 }
  - name: direct
    backend: { ipv4: 192.168.2.10, ipv6: "2001:db8:4::10", port: $port }
    nat: none
EOF

declare -A asked=() # questions to each service

# WHAT SERVICE FROM TO: each question is answered from its destination
answered() {
	inside client "$udptool" ask -n $n -r 20000 -c "${clients:-1}" "$3" "$4" > "$work/answered"
	expect "$mode, $1: answered, answers" "$(said answered answered) $(said answered answers)" == "$n $n"
	asked[$2]=$((${asked[$2]:-0} + n))
}
each_counts_its_own() {
	local service of=() as=''
	for service in "${!asked[@]}"; do
		of+=("services.$service.original.forwarded" "services.$service.reply.forwarded")
		as+=" ${asked[$service]} ${asked[$service]}"
	done
	expect "$mode, originals and replies of ${!asked[*]}" " $(shown get "${of[@]}")" == "$as"
}

# One client uses one port with two services: the answers follow its last choice
changes_its_mind() {
	local to round
	for round in 1 2 3; do
		for to in 198.51.100.1:$port 198.51.100.1:443 198.51.100.2:1000; do
			inside client "$udptool" ask -n 20 -r 20000 198.51.100.7:4000 "$to" > "$work/answered"
			[[ $(said answered answered) == 20 ]] || fail "$mode, round $round: asked 20 of $to, answered $(said answered answered)"
		done
	done
	say "ok $mode, one client at three listeners in turns: all answered from where they had gone"
}

# Two clients at once, each with its own service
side_by_side() {
	start client "$udptool" ask -n 1000 -r 5000 198.51.100.7:4001 198.51.100.1:443 > "$work/one"
	local one=$!
	start client "$udptool" ask -n 1000 -r 5000 198.51.100.8:4001 198.51.100.1:$port > "$work/two"
	wait $one $!
	expect "$mode, two clients at once: answered" "$(said one answered) $(said two answered)" == '1000 1000'
}

# Packets of no service: another port, another service's port, an address and port of the other NIC
not_ours() {
	local to before wan_mac wan2_mac
	wan_mac=$(mac firewall wan) wan2_mac=$(mac firewall wan2)
	before=$(shown all original received)
	for to in 198.51.100.1:444 198.51.100.1:1000 203.0.113.1:$port 203.0.113.1:443 192.168.2.10:4501; do
		inside client "$udptool" send -n 10 -r 10000 uplink "$wan_mac" 198.51.100.7:4000 "$to" > /dev/null
	done
	for to in 203.0.113.1:443 198.51.100.1:$port 198.51.100.2:1000; do
		inside client "$udptool" send -n 10 -r 10000 uplink2 "$wan2_mac" 203.0.113.7:4000 "$to" > /dev/null
	done
	expect "$mode, none of its business: received" $(($(shown all original received) - before)) == 0
}

build_network
# The kernel brings one of these packets to a backend, whose answer no socket waits for. The ICMP error about it would
# belong to the service.
quiet client
for mode in native generic tc; do
	asked=()
	wgxdp up -c "$work/wgxdp.yaml" --mode "$mode" > /dev/null
	answered 'port 51820' home 198.51.100.7:4000 198.51.100.1:$port
	answered 'port 443, another client' home 198.51.100.8:4000 198.51.100.1:443
	answered 'port 443, IPv6' home "[2001:db8:1::7]:4000" "[2001:db8:1::1]:443"
	answered 'port 51820, IPv6' home "[2001:db8:1::7]:4001" "[2001:db8:1::1]:$port"
	answered 'second address' second 198.51.100.9:4000 198.51.100.2:1000
	answered 'other nic' other 203.0.113.7:4000 203.0.113.1:$port
	answered 'other nic, IPv6' other "[2001:db8:3::7]:4000" "[2001:db8:3::1]:$port"
	answered 'other backend and port' office 198.51.100.7:4000 198.51.100.1:51821
	answered 'other backend and port, other nic' office 203.0.113.7:4000 203.0.113.1:51821
	answered 'no translation' direct 198.51.100.7:4000 192.168.2.10:$port
	answered 'no translation, IPv6' direct "[2001:db8:1::7]:4000" "[2001:db8:4::10]:$port"
	clients=40 answered 'port 443, forty clients' home 198.51.100.8:5000 198.51.100.1:443
	each_counts_its_own
	changes_its_mind
	side_by_side
	not_ours
	expect_sums
	wgxdp down
done
