#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1800
# vm
# A transfer ends although the MTU of a link on its way falls to 1492 and then to 1400. It is a link of WAN or LAN, by
# dnat and without translation, over both families. Both wireguard-go (sets DF) and the kernel's WireGuard (no DF over
# IPv4) are tried. The tunnel's packets fill 1500 bytes. BREAK=1 lowers the MTU further at the receiver than at the
# firewall.
#
#                 198.51.100.0/24          192.168.1.0/24
#                 2001:db8:1::/64          2001:db8:2::/64
#     client  .7 ----------------- .1 firewall .1 ----------------- .10 wg-end
#       wgc                       wan          lan                        wge
#      10.77.0.2                                                        10.77.0.1
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

size=100000000
limit=120 # seconds
[[ ! ${BREAK:-} ]] || limit=15
n=0

mtu() { # SIDE MTU: of both ends of that cable
	local far=(client uplink wan)
	[[ $1 == wan ]] || far=(wg-end eth lan)
	inside firewall ip link set "${far[2]}" mtu "$2"
	[[ ! ${BREAK:-} || $2 == 1500 ]] || set -- "$1" 1300
	inside "${far[0]}" ip link set "${far[1]}" mtu "$2"
}

wide() { # and clears the path MTUs that the ends learned
	local ns
	mtu wan 1500
	mtu lan 1500
	for ns in client firewall wg-end; do
		inside $ns ip route flush cache
		inside $ns ip -6 route flush cache
	done
}

up() { # NAT
	service_file "$1"
	wgxdp up -c "$work/wgxdp.yaml" > /dev/null
}

ping_through() { inside client ping -q -c 1 -W 1 10.77.0.1; }

# WHAT SIDE: transfers towards that side, where packets are too long now
narrowed() {
	local from=wg-end to=client address=10.77.0.2 earlier mtu
	[[ $2 == wan ]] || from=client to=wg-end address=10.77.0.1
	earlier=$(reassembled $to)
	transfer_begins $from $to $address
	for mtu in 1492 1400; do
		midway $limit "$1" $((mtu == 1492 ? size / 4 : size / 2)) mtu "$2" $mtu
	done
	wait_for $limit "$1: the end of the transfer" transfer_over
	transfer_ends "$1"
	expect "$1: arrived in fragments" $(($(reassembled $to) - earlier)) '>' 1000
	n=$((n + 1))
}

firewall_network
choose_wireguard
tunnel wg-end wge 10.77.0.1/24 $port
tunnel client wgc 10.77.0.2/24
inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.2/32
inside client wg set wgc peer "$(key wge)" allowed-ips 10.77.0.0/24
head -c $size /dev/urandom > "$work/file"
for nat in dnat none; do
	up $nat
	for family in 4 6; do
		case $nat$family in
		dnat4) endpoint=198.51.100.1:$port ;;
		dnat6) endpoint="[2001:db8:1::1]:$port" ;;
		none4) endpoint=192.168.1.10:$port ;;
		none6) endpoint="[2001:db8:2::10]:$port" ;;
		esac
		inside client ip link set wgc mtu $((family == 4 ? 1440 : 1420))
		inside wg-end ip link set wge mtu $((family == 4 ? 1440 : 1420))
		inside client wg set wgc peer "$(key wge)" endpoint "$endpoint"
		for side in lan wan; do
			wide
			wait_for 10 "an answer by $endpoint" ping_through
			narrowed "$WGXDP_WG, $nat, IPv$family, narrow $side" $side
		done
	done
	expect_sums
	wgxdp down
done
say "$n of 8 transfers of 100 MB ended, their MTU lowered twice ($WGXDP_WG)"
