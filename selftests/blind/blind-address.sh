#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 120
# The sites of a blind relay follow its new addresses, for example from DHCP. The sites learn them, and stay at their
# own addresses. The relay forwards messages from its new addresses. The network is that of sites.sh.
#
# BREAK=1 ends the daemon before: then the messages must come from the old addresses.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
nat_kind=([a]=cone [b]=cone)
blind_network a b
blind_file
sites_talk
declare -A was=()
for s in a b c; do was[$s]=$(endpoint_of $s); done

[[ ! ${BREAK:-} ]] || end_daemon
inside relay ip address del 198.51.100.1/24 dev eth0
inside relay ip address del 2001:db8::1/64 dev eth0
sleep 0.3 # it has no address for that time
addresses relay eth0 198.51.100.2/24 2001:db8::2/64
relay_at=(["4"]='198.51.100.2:51820' ["6"]='[2001:db8::2]:51820')
[[ ! ${BREAK:-} ]] || wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
for s in a b; do
	count_arrivals nat-$s former "iifname out ip saddr 198.51.100.1 udp sport $port"
	count_arrivals nat-$s present "iifname out ip saddr 198.51.100.2 udp sport $port"
done
count_arrivals edge-c former "iifname wan ip6 saddr 2001:db8::1 udp sport $port"
count_arrivals edge-c present "iifname wan ip6 saddr 2001:db8::2 udp sport $port"
for pair in "${every_pair[@]}"; do knows_site "${pair%-*}" "${pair#*-}"; done
for s in a b c; do knows_relay $s; done
first_pings
for host in nat-a nat-b edge-c; do
	expect "messages to $host from the new address" "$(arrived $host present)" '>=' 1
	expect 'and from the old one' "$(arrived $host former)" == 0
done
expect 'lost pings of 30' "$(ping_all -c 5 -i 0.1 -W 5)" == 0
for s in a b c; do expect "site $s is where it was" "$(endpoint_of $s)" == "${was[$s]}"; done
expect_sums
