#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# A WireGuard tunnel works through the firewall over IPv4 by DNAT and over IPv6 directly, and moves between them
# during a transfer. wg-end sees the client's own address. The driver confirms that native XDP carried the packets
# that wgxdp counted.
#
#                 198.51.100.0/24          192.168.1.0/24
#                 2001:db8:1::/64          2001:db8:2::/64
#     client  .7 ----------------- .1 firewall .1 ----------------- .10 wg-end
#       wgc                       wan          lan                        wge
#      10.77.0.2                                                        10.77.0.1
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

size=$((4 << 20)) # bytes of the transfer
public=198.51.100.1:$port direct="[2001:db8:2::10]:$port"
client4=198.51.100.7 client6='[2001:db8:1::7]'

# The client leaves a network of one family for a network of the other family, like a phone. With both families at once,
# a late answer to its old address would move WireGuard's endpoint back.
move_to() { # FAMILY
	case $1 in
	4) inside client ip address del 2001:db8:1::7/64 dev uplink
		addresses client uplink 198.51.100.7/24
		gateways client 198.51.100.1
		inside client wg set wgc peer "$(key wge)" endpoint "$public" ;;
	6) inside client ip address del 198.51.100.7/24 dev uplink
		addresses client uplink 2001:db8:1::7/64
		gateways client 2001:db8:1::1
		inside client wg set wgc peer "$(key wge)" endpoint "$direct" ;;
	esac
}
seen_as() { [[ $(endpoint_seen wg-end wge wgc) == "$1":* ]]; }
ping_through() { inside client ping -q -c 2 -i 0.2 -W 5 10.77.0.1; }

# Sends $work/file through the tunnel in the background; it is written to $fifo
transfer() {
	start wg-end socat -u TCP4-LISTEN:7000,reuseaddr "CREATE:$work/got"
	receiver=$!
	wait_for 5 'socat listens' tcp_listens wg-end 7000
	mkfifo "$work/fifo"
	start client socat -u "PIPE:$work/fifo,rdonly" TCP4:10.77.0.1:7000
	sender=$!
	exec {fifo}> "$work/fifo"
}

# Checks that XDP carried nearly all packets: 95 of 100, or all but those that the kernel sends. tc hands the kernel the first
# packets to a neighbour, and then one packet every two seconds, for each of two families.
expect_xdp() { # DIRECTION DEVICE LEAST
	local forwarded redirects seconds kernel
	forwarded=$(shown all "$1" forwarded)
	redirects=$(driver_redirects firewall "$2")
	expect "$1: mode of $2" "$(shown get "interfaces.$2.mode")" == native
	expect "$1: packets forwarded" "$forwarded" '>=' "$3"
	seconds=$(elapsed) kernel=$((2 * (2 + ${seconds%.*} / 2)))
	expect "$1: not redirected by the driver" $((forwarded - redirects)) '<=' $((forwarded / 20 > kernel ? forwarded / 20 : kernel))
}

firewall_network
choose_wireguard
wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10"
tunnel wg-end wge 10.77.0.1/24 $port
tunnel client wgc 10.77.0.2/24
inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.2/32
inside client wg set wgc peer "$(key wge)" allowed-ips 10.77.0.0/24
head -c $size /dev/urandom > "$work/file"

inside client ip address del 2001:db8:1::7/64 dev uplink
inside client wg set wgc peer "$(key wge)" endpoint "$public"
wait_for 10 'an answer over IPv4' ping_through
expect 'wg-end sees the IPv4 client as' "$(address_seen wg-end wge wgc)" == "$client4"
sessions_settle
handshake=$(inside client wg show wgc latest-handshakes | cut -f 2)

transfer
head -c $((size / 2)) "$work/file" >&"$fifo"
wait_for 30 'half of the file over IPv4' arrived_bytes $((size / 4))
move_to 6
tail -c +$((size / 2 + 1)) "$work/file" >&"$fifo" &
wait_for 30 'wg-end sees the IPv6 client' seen_as "$client6"
wait_for 30 'three quarters of the file' arrived_bytes $((size * 3 / 4))
move_to 4
wait $!
exec {fifo}>&-
wait "$sender" || fail 'the transfer broke'
wait "$receiver" || fail 'the transfer broke'
cmp "$work/file" "$work/got" || fail 'the file did not come whole'
say "ok $size bytes, by IPv4, IPv6 and IPv4 again, are the same at both ends"
wait_for 10 'an answer over IPv4' ping_through
wait_for 10 'wg-end sees the IPv4 client again' seen_as "$client4"
expect 'the tunnel is still of its first handshake' \
	"$(inside client wg show wgc latest-handshakes | cut -f 2)" == "$handshake"
move_to 6
wait_for 10 'an answer over IPv6' ping_through
expect 'wg-end sees the IPv6 client as' "$(address_seen wg-end wge wgc)" == "$client6"
expect_xdp original wan $((size / 1400))
expect_xdp reply lan $((size / 65536)) # acknowledgements: the receiver may send one for every 64 kB that GRO merges
expect_sums
