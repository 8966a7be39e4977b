#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1800
# vm
# Masquerading services carry 100 MB each way in each of the four pairs of families, although the path's MTU falls
# twice. A WireGuard session carries them. Meanwhile the path becomes narrow twice. First it is the firewall's own
# link, and the firewall sends the ICMP errors itself. Then it is the link behind the next router, whose errors come
# to the firewall and must reach the sending end, in its family and with its MTU. wireguard-go sets DF over IPv4, the
# kernel's WireGuard does not. BREAK=1 keeps both routers from sending errors.
#
#                 203.0.113.0/24          198.51.100.0/24           192.168.1.0/24         192.168.3.0/24
#                 2001:db8:4::/64         2001:db8:1::/64           2001:db8:2::/64        2001:db8:3::/64
#     client  .7 ---------------- outer .254 -------- .1 firewall .1 -------- .254 inner ---------------- .10 wg-end
#     wgc44 … uplink         far       near          wan       lan          near      far             eth  wge
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/pairs.sh"

size=100000000
limit=120 # seconds
[[ ! ${BREAK:-} ]] || limit=20
ends=(client outer firewall inner wg-end)
backend=([4]=192.168.3.10 [6]=2001:db8:3::10)
n=0

network() {
	namespaces "${ends[@]}"
	routers outer firewall inner
	cable client uplink outer far
	cable outer near firewall wan
	cable firewall lan inner near
	cable inner far wg-end eth
	takes_xdp outer near
	takes_xdp inner near
	addresses client uplink 203.0.113.7/24 2001:db8:4::7/64
	addresses outer far 203.0.113.254/24 2001:db8:4::254/64
	addresses outer near 198.51.100.254/24 2001:db8:1::254/64
	addresses firewall wan 198.51.100.1/24 2001:db8:1::1/64
	addresses firewall lan 192.168.1.1/24 2001:db8:2::1/64
	addresses inner near 192.168.1.254/24 2001:db8:2::254/64
	addresses inner far 192.168.3.254/24 2001:db8:3::254/64
	addresses wg-end eth 192.168.3.10/24 2001:db8:3::10/64
	gateways client 203.0.113.254 2001:db8:4::254
	gateways outer 198.51.100.1 2001:db8:1::1
	gateways firewall 198.51.100.254 2001:db8:1::254
	gateways inner 192.168.1.1 2001:db8:2::1
	gateways wg-end 192.168.3.254 2001:db8:3::254
	inside firewall ip route add 192.168.3.0/24 via 192.168.1.254
	inside firewall ip route add 2001:db8:3::/64 via 2001:db8:2::254
}

# Counts ICMP errors about long packets that arrive, of either family
count_errors() {
	local ns
	for ns in client wg-end; do
		count_arrivals $ns errors icmp type destination-unreachable icmp code frag-needed
		inside $ns nft add rule inet seen arrivals icmpv6 type packet-too-big counter name errors
	done
	[[ ! ${BREAK:-} ]] || for ns in outer inner; do
		inside $ns nft -f - <<- EOF
			table inet silent {
				chain output {
					type filter hook output priority 0;
					icmp type destination-unreachable drop
					icmpv6 type packet-too-big drop
				}
			}
		EOF
	done
}

narrow() { # wan|lan near|far MTU: sets both ends of that cable, on that side of the firewall
	local router=inner end=wg-end device=eth
	[[ $1 == lan ]] || router=outer end=client device=uplink
	inside $router ip link set "$2" mtu "$3"
	if [[ $2 == near ]]; then inside firewall ip link set "$1" mtu "$3"; else inside $end ip link set $device mtu "$3"; fi
}

wide() { # and clears learned path MTUs
	local ns side link
	for side in wan lan; do
		for link in near far; do narrow $side $link 1500; done
	done
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up" # a next hop is remembered for a second
	for ns in "${ends[@]}"; do
		inside "$ns" ip route flush cache
		inside "$ns" ip -6 route flush cache
	done
}

# PAIR SIDE: towards that side
narrowed() {
	local from=client to=wg-end addresses=("10.78.$1.1" "10.77.0.$1") what="$WGXDP_WG, pair $1, narrow $2" earlier errors
	[[ $2 == lan ]] || from=wg-end to=client addresses=("10.77.0.$1" "10.78.$1.1")
	wide
	wait_for 10 "$what: an answer" through "$1"
	earlier=$(reassembled $to) errors=$(arrived $from errors)
	transfer_begins $from $to "${addresses[@]}"
	midway $limit "$what" $((size / 4)) narrow "$2" near 1470
	midway $limit "$what" $((size / 2)) narrow "$2" far 1400
	wait_for $limit "$what: the end of the transfer" transfer_over
	transfer_ends "$what"
	expect "$what: arrived in fragments" $(($(reassembled $to) - earlier)) '>' 1000
	say "$what: told $(($(arrived $from errors) - errors)) times that it is narrow"
	n=$((n + 1))
}

network
choose_wireguard
configuration > "$work/wgxdp.yaml"
count_errors
tunnels_up
head -c $size /dev/urandom > "$work/file"
for pair in "${pairs[@]}"; do
	# fills 1500 bytes on the wider link
	inside client ip link set "wgc$pair" mtu $((pair == 44 ? 1440 : 1420))
	inside wg-end ip link set wge mtu $((pair == 44 ? 1440 : 1420))
	for side in lan wan; do narrowed "$pair" $side; done
done
expect_sums
say "$n of 8 transfers of 100 MB ended, on ways that became narrow twice ($WGXDP_WG)"
