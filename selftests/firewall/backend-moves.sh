#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# While a service's backend moves to another host again and again, no packet is lost, and none has one host's address
# with the other host's MAC. BREAK=1 gives the firewall the same MAC for both.
#
#     client uplink -- wan firewall lan -- switch -- eth one    192.168.1.11
#                                              \---- eth two    192.168.1.12
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=40000 # packets
rate=10000

two_backends_network
for host in 1 2; do
	name=$([[ $host == 1 ]] && echo one || echo two)
	quiet "$name"
	count_arrivals "$name" right "ip daddr 192.168.1.1$host udp dport $port"
done
[[ ! ${BREAK:-} ]] || inside firewall ip neigh replace 192.168.1.12 lladdr "$(mac one eth)" dev lan nud permanent

wgxdp up --wan wan --lan lan --to 192.168.1.11 > /dev/null
sends $n -r $rate -c 200 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port
moved=0
while still_sends $moved 10; do
	wgxdp up --wan wan --lan lan --to 192.168.1.1$((moved++ % 2 ? 1 : 2)) > /dev/null
done
say "moved $moved times"
expect 'moved often' $moved '>=' 10
expect 'some to each' $(($(arrived one right) > 1000 && $(arrived two right) > 1000)) == 1
expect_sums
expect "lost of $sent while the backend moved $moved times" $((sent - $(arrived one right) - $(arrived two right))) == 0
