#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1800
# vm
# The MTU of a link is lowered in the middle of a transfer, to 1492 and then to 1400, and the transfer ends: on the WAN and on the
# LAN, by dnat and without translation, over both families, with wireguard-go (DF set) and kernel WireGuard (DF not set over
# IPv4). The tunnel's packets fill 1500 bytes. BREAK=1 lowers it further at the receiver than at the firewall.
#
#                 198.51.100.0/24          192.168.1.0/24
#                 2001:db8:1::/64          2001:db8:2::/64
#     client  .7 ----------------- .1 firewall .1 ----------------- .10 wg-end
#       wgc                       wan          lan                        wge
#      10.77.0.2                                                        10.77.0.1
source "${BASH_SOURCE[0]%/*}/lib.sh"

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

wide() { # and what the ends learned is forgotten
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
arrived_bytes() { (($(stat -c %s "$work/got" 2> /dev/null || echo 0) >= $1)); }
over() { ! kill -0 "$sender" && ! kill -0 "$receiver"; }

reassembled() { # NAMESPACE: datagrams put together from pieces, IPv4 and IPv6
	inside "$1" cat /proc/net/snmp /proc/net/snmp6 | awk '$1 == "Ip6ReasmOKs" {n += $2}
		$1 == "Ip:" && !column {for (i = 1; i <= NF; i++) if ($i == "ReasmOKs") column = i; next}
		$1 == "Ip:" {n += $column}
		END {print n}'
}

# WHAT SIDE: towards that side, for there packets are too long then
transfer() {
	local from=wg-end to=client address=10.77.0.2 at pieces mtu
	[[ $2 == wan ]] || from=client to=wg-end address=10.77.0.1
	at=$(elapsed) pieces=$(reassembled $to)
	start $to socat -u TCP4-LISTEN:7000,reuseaddr "CREATE:$work/got"
	receiver=$!
	wait_for 5 'socat listens' tcp_listens $to 7000
	start $from socat -u "OPEN:$work/file" TCP4:$address:7000
	sender=$!
	for mtu in 1492 1400; do
		wait_for $limit "$1: bytes before MTU $mtu" arrived_bytes $((mtu == 1492 ? size / 4 : size / 2))
		mtu "$2" $mtu
		! over || fail "$1: over before MTU $mtu"
	done
	wait_for $limit "$1: the end of the transfer" over
	wait $sender || fail "$1: the transfer broke"
	wait $receiver || fail "$1: the transfer broke"
	cmp "$work/file" "$work/got" || fail "$1: the file did not come whole"
	expect "$1: arrived in pieces" $(($(reassembled $to) - pieces)) '>' 1000
	rm "$work/got"
	n=$((n + 1))
	say "ok $1: $size bytes, $(awk "BEGIN {print int($size * 8e-6 / ($(elapsed) - $at))}") Mbit/s"
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
			transfer "$WGXDP_WG, $nat, IPv$family, narrow $side" $side
		done
	done
	expect_sums
	wgxdp down
done
say "$n of 8 transfers of 100 MB ended, their MTU lowered twice ($WGXDP_WG)"
