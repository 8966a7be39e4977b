#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# No packet is lost when the first packets meet unresolved neighbours, and each is counted once. The neighbours are
# wg-end for originals, and the client for its answers.
#
#     client  .7 -- 198.51.100.0/24 -- .1 firewall .1 -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                      2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rounds=3
burst=20

resolved() { inside firewall ip neighbour show | grep -cE '^(192.168.1.10|198.51.100.7|2001:db8:2::10|2001:db8:1::7) .*lladdr' || :; }

# Again, after one of the neighbours has resolved the firewall, and so announced itself
forgotten() {
	inside firewall ip neighbour flush all
	[[ $(resolved) == 0 ]]
}

all_come() { # FAMILY: at both ends, all that were sent until now
	[[ $(arrived wg-end questions$1) == "$sent" && $(arrived client answers$1) == "$sent" ]]
}

sent=0 # packets in each family
try() { # MODE
	local n family
	for ((n = 0; n < rounds; n++)); do
		wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --mode "$1"
		wait_for 5 "$1: neighbours are forgotten" forgotten
		inside client "$udptool" send -n $burst uplink "$wan_mac" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
		inside client "$udptool" send -n $burst uplink "$wan_mac" "[2001:db8:1::7]:4000" "[2001:db8:2::10]:$port" > /dev/null
		sent=$((sent + burst))
		for family in 4 6; do wait_for 5 "$1, IPv$family: all packets and answers, once each" all_come $family; done
		[[ $(resolved) == 4 ]] || fail "$1: the kernel has not resolved them"
		shown sums > "$work/sums" || fail "$1: $(< "$work/sums")"
		[[ $(< "$work/sums") == "$((4 * burst)) received, $((4 * burst)) forwarded, "* ]] ||
			fail "$1: sent $((2 * burst)) each way, $(< "$work/sums")"
		wgxdp down
	done
	say "ok $1: all of $((burst * rounds)) packets of each family, and their answers, were forwarded and counted once"
}

firewall_network
wan_mac=$(mac firewall wan)
count_arrivals wg-end questions4 "ip daddr 192.168.1.10 udp dport $port"
count_arrivals wg-end questions6 "ip6 daddr 2001:db8:2::10 udp dport $port"
count_arrivals client answers4 "ip daddr 198.51.100.7 udp sport $port"
count_arrivals client answers6 "ip6 daddr 2001:db8:1::7 udp sport $port"
start_listener wg-end wg-end4 -e 192.168.1.10:$port
start_listener wg-end wg-end6 -e "[2001:db8:2::10]:$port"
start_listener client client4 198.51.100.7:4000 # otherwise the client would send ICMP errors, which belong to the service too
start_listener client client6 "[2001:db8:1::7]:4000"
for mode in native generic tc; do
	try $mode
done
