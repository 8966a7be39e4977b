#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# While a service's backend moves to another host and port again and again, no packet is lost or gets half of each.
# Every packet reaches one of the two. Half of each would be the address of one with the port or the MAC of the other (a
# torn entry of the table). BREAK=1 takes wgxdp down between the two.
#
#     client uplink -- wan firewall lan -- switch -- eth one    192.168.1.11:51820
#                                              \---- eth two    192.168.1.12:4000
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=20000 # packets
rate=4000

two_backends_network
count_arrivals one right "ip daddr 192.168.1.11 udp dport $port"
count_arrivals two right 'ip daddr 192.168.1.12 udp dport 4000'
for host in one two; do
	quiet $host
	count_arrivals $host come "udp dport { $port, 4000 }"
done

wgxdp up --wan wan --lan lan --to 192.168.1.11:$port > /dev/null
sends $n -r $rate -c 200 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port
replaced=0
while still_sends $replaced 10; do
	[[ ! ${BREAK:-} ]] || wgxdp down
	if ((replaced++ % 2)); then to=192.168.1.11:$port; else to=192.168.1.12:4000; fi
	wgxdp up --wan wan --lan lan --to $to > /dev/null
done
say "replaced $replaced times"
expect 'replaced often' $replaced '>=' 10
right=$(($(arrived one right) + $(arrived two right)))
expect 'torn' $(($(arrived one come) + $(arrived two come) - right)) == 0
expect 'to the one and the other' $right == $sent
expect 'some to each' $(($(arrived one right) > 1000 && $(arrived two right) > 1000)) == 1
expect_sums
expect 'forwarded' "$(shown all original forwarded)" == $sent
