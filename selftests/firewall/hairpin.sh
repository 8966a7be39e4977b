#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Hosts in the firewall's own networks that use the public address reach wg-end, and appear as the firewall (hairpin).
# They may be on wg-end's network or on another. Clients from outside keep their addresses, and a host that uses
# wg-end's own address is answered from it. In native and tc mode; a real WireGuard tunnel uses it. BREAK=1 leaves out
# `hairpin`.
#
#     client .7 -- 198.51.100.0/24 -- .1 wan                lan .1 -- 192.168.1.0/24 -- switch -- .10 wg-end
#                  2001:db8:1::/64          firewall                  2001:db8:2::/64        `--- .20 pc
#                                                          lan2 .1 -- 192.168.2.0/24 -- .20 guest
#                                                                     2001:db8:3::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

questions=200 # questions of each sender

build_network() {
	local n=0 end
	namespaces client firewall switch wg-end pc guest
	routers firewall
	cable client uplink firewall wan
	cable firewall lan switch p0
	cable firewall lan2 guest eth
	inside switch ip link add name bridge type bridge
	inside switch ip link set bridge up
	inside switch ip link set p0 master bridge
	for end in wg-end pc; do
		cable switch p$((++n)) $end eth
		inside switch ip link set p$n master bridge
		addresses $end eth 192.168.1.$((n * 10))/24 2001:db8:2::$((n * 10))/64
		gateways $end 192.168.1.1 2001:db8:2::1
	done
	takes_xdp client uplink
	takes_xdp switch p0
	takes_xdp guest eth
	addresses client uplink 198.51.100.7/24 2001:db8:1::7/64
	addresses firewall wan 198.51.100.1/24 2001:db8:1::1/64
	addresses firewall lan 192.168.1.1/24 2001:db8:2::1/64
	addresses firewall lan2 192.168.2.1/24 2001:db8:3::1/64
	addresses guest eth 192.168.2.20/24 2001:db8:3::20/64
	gateways client 198.51.100.1 2001:db8:1::1
	gateways guest 192.168.2.1 2001:db8:3::1
	count_arrivals wg-end outside "udp dport $port ip saddr 198.51.100.7"
	count_arrivals wg-end outside "udp dport $port ip6 saddr 2001:db8:1::7"
	count_arrivals wg-end firewall "udp dport $port ip saddr 192.168.1.1"
	count_arrivals wg-end firewall "udp dport $port ip6 saddr 2001:db8:2::1"
	count_arrivals wg-end whole "udp dport $port"
}

configuration() {
	cat <<- EOF
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan }, { name: lan2, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    ipv6: dnat
	EOF
	[[ ${BREAK:-} ]] || printf '    %s\n' 'hairpin: true' 'flows: { timeout: 600s }'
}

# FROM ADDRESS PUBLIC: every question is answered from its destination
ask() {
	inside "$1" "$udptool" ask -n $questions -r 2000 "$2:4000" "$3:$port" > "$work/asked" || :
	expect "$mode: answers to $1 of $3" "$(said asked answered)" == $questions
}
flows() { wgxdp show flows | awk 'NR > 1 {print $2}' | sort | tr '\n' ' '; }

try() { # MODE
	local before mode=$1
	wgxdp up --mode "$mode" -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	before=$(arrived wg-end outside) before_firewall=$(arrived wg-end firewall)
	ask client 198.51.100.7 198.51.100.1
	ask client '[2001:db8:1::7]' '[2001:db8:1::1]'
	expect "$mode: clients from outside, as themselves" $(($(arrived wg-end outside) - before)) == $((2 * questions))
	ask pc 192.168.1.20 198.51.100.1
	ask guest 192.168.2.20 198.51.100.1
	ask pc '[2001:db8:2::20]' '[2001:db8:1::1]'
	ask guest '[2001:db8:3::20]' '[2001:db8:1::1]'
	expect "$mode: the others, as the firewall" $(($(arrived wg-end firewall) - before_firewall)) == $((4 * questions))
	expect "$mode: their flows" "$(flows)" == '192.168.1.20:4000 192.168.2.20:4000 [2001:db8:2::20]:4000 [2001:db8:3::20]:4000 '
	expect "$mode: forwarded" "$(shown get services.wg-end.original.forwarded) $(shown get services.wg-end.reply.forwarded)" == \
		"$((6 * questions)) $((6 * questions))"
	expect_sums
	ask guest 192.168.2.20 192.168.1.10
	ask guest '[2001:db8:3::20]' '[2001:db8:2::10]'
}

build_network
configuration > "$work/wgxdp.yaml"
start_listener wg-end all4 -e 192.168.1.10:$port
answers4=$!
start_listener wg-end all6 -e "[2001:db8:2::10]:$port"
answers6=$!
try native
wgxdp save | wgxdp up -c /dev/stdin | tail -n 1 > "$work/said"
expect 'save | up' "$(< "$work/said")" == 'the data path is up: nothing had to change'
wgxdp down > /dev/null
try tc
expect 'packets from all sources together' "$(arrived wg-end whole)" == $((16 * questions))
stop $answers4
stop $answers6

choose_wireguard
tunnel wg-end wge 10.77.0.1/24 $port
tunnel pc wgc 10.77.0.2/24
inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.2/32
inside pc wg set wgc peer "$(key wge)" endpoint 198.51.100.1:$port allowed-ips 10.77.0.1/32
ping_end() { inside pc ping -q -c 1 -W 1 10.77.0.1; }
wait_for 10 'a tunnel from inside' ping_end
[[ $(endpoint_seen wg-end wge wgc) == 192.168.1.1:* ]] || fail "wg-end sees $(endpoint_seen wg-end wge wgc)"
say "ok wg-end sees $(endpoint_seen wg-end wge wgc)"
sed -i '/hairpin/d; /flows/d' "$work/wgxdp.yaml"
wgxdp up --mode tc -c "$work/wgxdp.yaml" > "$work/up"
expect 'flows without hairpin' "$(flows)" == ''

# without a route to the backend, the reason is the missing route; an address of ours is no reason
inside firewall ip route del 192.168.1.0/24 dev lan
wgxdp down > /dev/null
configuration > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
grep -q 'backend 192.168.1.10 has no route' "$work/up" || fail "up: $(< "$work/up")"
expect 'and no second warning' "$(grep -c 'waiting for a source address' "$work/up")" == 0

# no host has a broadcast address
wgxdp down > /dev/null
inside firewall ip route add 192.168.1.0/24 dev lan
sed 's/ipv4: 192.*::10"/ipv4: 192.168.1.255/; /ipv6: dnat/d' "$work/wgxdp.yaml" > "$work/broadcast.yaml"
wgxdp up -c "$work/broadcast.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
grep -q 'backend 192.168.1.255 is the broadcast address' "$work/up" || fail "up, with a broadcast address: $(< "$work/up")"
expect 'the state of a service with a broadcast address' "$(shown get services.wg-end.state)" == waiting
