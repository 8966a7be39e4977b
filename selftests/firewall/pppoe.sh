#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: 6.1/full
# timeout: 1800
# A tunnel of the kernel's WireGuard works through a home's firewall whose WAN is PPPoE over VLAN 7, also after pppd
# has dialled again. pppd and pppoe-server are real, and the LAN is a bridge. The tunnel carries 100 MB in each
# direction. Over IPv6 it goes to wg-end's own address. Then pppd hangs up and dials again: another address on another
# ppp0, which wgxdp's daemon follows without a new `up`. In auto and tc mode. BREAK=1 starts no daemon.
#
#            198.51.100.0/24     10.64.0.1 == 10.64.0.100, .101, …         192.168.1.0/24
#     client .7 --------- .1 isp i0.7 ======= VLAN 7 ======= wan.7 firewall .1 --------- .10 wg-end
#       wgc uplink     access ppp*         PPPoE            ppp0      br-lan < lan     eth wge
#     10.77.0.2                                                                          10.77.0.1
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

size=100000000 # bytes of a transfer
[[ ! ${BREAK:-} ]] || size=1000000

network() {
	namespaces client isp firewall wg-end
	routers isp firewall
	cable client uplink isp access
	cable isp i0 firewall wan
	cable firewall lan wg-end eth
	takes_xdp wg-end eth
	inside isp ip link add link i0 name i0.7 type vlan id 7
	inside isp ip link set i0.7 up
	inside firewall ip link add link wan name wan.7 type vlan id 7
	inside firewall ip link set wan.7 up
	inside firewall ip link add br-lan type bridge
	inside firewall ip link set lan master br-lan
	inside firewall ip link set br-lan up
	addresses client uplink 198.51.100.7/24 2001:db8:1::7/64
	addresses isp access 198.51.100.1/24 2001:db8:1::1/64
	addresses firewall br-lan 192.168.1.1/24 2001:db8:2::1/64
	addresses wg-end eth 192.168.1.10/24 2001:db8:2::10/64
	gateways client 198.51.100.1 2001:db8:1::1
	gateways wg-end 192.168.1.1 2001:db8:2::1
}

provider() {
	mkdir -p /etc/ppp
	echo '* * pw *' > /etc/ppp/pap-secrets
	echo noauth > "$work/server-options"
	start isp pppoe-server -F -I i0.7 -L 10.64.0.1 -R 10.64.0.100 -O "$work/server-options" > "$work/server.log" 2>&1
}

dial() {
	start firewall pppd plugin pppoe.so nic-wan.7 user u password pw noauth nodetach persist holdoff 1 maxfail 0 \
		defaultroute +ipv6 > "$work/pppd.log" 2>&1
	pppd=$!
}

address() { inside firewall ip -4 -br address show ppp0 2> /dev/null | awk '{print $3}'; }

# The address is not BEFORE, and the provider routes the LAN's IPv6 to it
connected() { # BEFORE
	local now ppp
	now=$(address)
	[[ $now && $now != "$1" ]] || return 1
	ppp=$(inside isp ip -4 -o address show | awk -v peer="$now/32" '{for (i = 1; i < NF; i++) if ($i == "peer" && $(i + 1) == peer) print $2}')
	[[ $ppp ]] && inside isp ip -6 route replace 2001:db8:2::/64 dev "$ppp" && inside firewall ip -6 route replace default dev ppp0
}

ping_through() { inside client ping -q -c 1 -W 2 10.77.0.1; }
answers_to_all() { inside client wg set wgc peer "$(key wge)" endpoint "$(address):$port" && ping_through; }

# A tunnel that has never sent to the other end
fresh_tunnels() {
	inside wg-end ip link del wge 2> /dev/null || :
	inside client ip link del wgc 2> /dev/null || :
	tunnel wg-end wge 10.77.0.1/24 $port
	tunnel client wgc 10.77.0.2/24
	inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.2/32
	inside client wg set wgc peer "$(key wge)" allowed-ips 10.77.0.0/24 endpoint "$(address):$port"
}

# Moves the tunnel to wg-end's own IPv6 address. A late packet of wg-end over IPv4 would move the client's endpoint
# back, so it tries again.
answers_over_ipv6() {
	inside client wg set wgc peer "$(key wge)" endpoint "[2001:db8:2::10]:$port"
	ping_through && [[ $(address_seen wg-end wge wgc) == '[2001:db8:1::7]' ]]
}
over_ipv6() { # WHAT
	wait_for 10 "$1: an answer over IPv6" answers_over_ipv6
	say "ok $1: wg-end sees the IPv6 client"
	inside client wg set wgc peer "$(key wge)" endpoint "$(address):$port"
	wait_for 10 "$1: an answer over IPv4" ping_through
}

# The daemon has finished when a client of the new address gets answers
renewed() { # MODE
	local before old index at seconds
	before=$(address) old=$(shown all original forwarded) index=$(index firewall ppp0)
	kill -HUP "$pppd"
	wait_for 30 'another address' connected "$before"
	at=$(elapsed)
	say "ok $1: reconnected, $before is $(address) now, interface $index is $(index firewall ppp0)"
	wait_for 20 'an answer of the new address' answers_to_all
	seconds=$(awk "BEGIN {print $(elapsed) - $at}")
	expect "$1: seconds from the new address to an answer" "$seconds" '<' $(($(at_most 10000) / 1000))
	worst=$(printf '%s\n' "$seconds" "${worst:-0}" | sort -g | tail -n 1)
	expect "$1: packets forwarded since" $(($(shown all original forwarded) - old)) '>' 0
	over_ipv6 "$1, renewed"
}

follow() {
	local program=("$wgxdp" daemon) # without a file, it follows the running configuration
	[[ ! ${BREAK:-} ]] || program=(sleep 60)
	start firewall "${program[@]}" > "$work/daemon.log" 2>&1
	daemon=$!
}

try() { # MODE
	wgxdp up --wan ppp0 --lan br-lan --to 192.168.1.10,2001:db8:2::10 --mode "$1"
	fresh_tunnels
	wait_for 20 "$1: a handshake" ping_through
	expect "$1: wg-end sees the client as" "$(address_seen wg-end wge wgc)" == 198.51.100.7
	transfer "$1, to wg-end" client wg-end 10.77.0.1
	transfer "$1, from wg-end" wg-end client 10.77.0.2
	for direction in original reply; do
		expect "$1, $direction: packets forwarded" "$(shown all $direction forwarded)" '>=' $((size / 1400))
		expect "$1, $direction: by XDP, which no ppp0 has" "$(shown all $direction forwarded_xdp)" == 0
	done
	over_ipv6 "$1"
	follow
	renewed "$1"
	renewed "$1, again"
	expect_sums
	stop $daemon
	wgxdp down
}

modprobe -a pppoe ppp_generic 8021q
choose_wireguard
network
provider
head -c $size /dev/urandom > "$work/file"
dial
wait_for 30 'a session' connected ''
expect 'ppp0' "$(inside firewall ip link show ppp0 | grep -o 'mtu [0-9]*')" == 'mtu 1492'
try auto
try tc
say "ok auto and tc: a handshake, $size bytes each way, two reconnects each without a new up, answers after $worst s at most"
