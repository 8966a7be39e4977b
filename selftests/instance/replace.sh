#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# While a service's backend is replaced again and again, address and port at once, no packet is lost or gets half of
# each. Every packet reaches one of the two backends, none is lost, and none gets half of each (a torn entry of the
# table). BREAK=1 takes wgxdp down between the two.
#
#     client uplink ---- wan firewall lan ---- eth wg-end    192.168.1.10:51820 and 192.168.1.11:4000
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=60000 # packets
rate=6000

firewall_network
addresses wg-end eth 192.168.1.11/24
for host in 10 11; do
	inside firewall ip neigh replace 192.168.1.$host lladdr "$(mac wg-end eth)" dev lan nud permanent
done
quiet wg-end
count_arrivals wg-end first "ip daddr 192.168.1.10 udp dport $port"
count_arrivals wg-end second 'ip daddr 192.168.1.11 udp dport 4000'
count_arrivals wg-end torn 'ip daddr 192.168.1.10 udp dport 4000'
count_arrivals wg-end torn "ip daddr 192.168.1.11 udp dport $port"

wgxdp up --wan wan --lan lan --to 192.168.1.10:$port > /dev/null
sends $n -r $rate -c 200 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port
replaced=0
while still_sends $replaced 10; do
	[[ ! ${BREAK:-} ]] || wgxdp down
	if ((replaced++ % 2)); then to=192.168.1.10:$port; else to=192.168.1.11:4000; fi
	wgxdp up --wan wan --lan lan --to $to > /dev/null
done
say "replaced $replaced times"
expect 'replaced often' $replaced '>=' 10
expect 'torn' "$(arrived wg-end torn)" == 0
expect 'to the one and the other' $(($(arrived wg-end first) + $(arrived wg-end second))) == $sent
expect 'some to each' $(($(arrived wg-end first) > 1000 && $(arrived wg-end second) > 1000)) == 1
expect_sums
expect 'forwarded' "$(shown all original forwarded)" == $sent
