#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is too long for the way from the blind relay to a site: the sites' tunnels have 1420 bytes, and 1400 fit on the ways to a and c. What
# came as IPv4 without DF leaves in pieces, also as IPv6's, and its site puts them together; who has set DF, or sends IPv6, is told, so
# that his own kernel knows; what is shorter passes all the time. The network is that of sites.sh.
#
#     198.51.100.11 nat-a ---+ 1400
#     198.51.100.12 nat-b ---+--- 198.51.100.1, 2001:db8::1 relay
#     2001:db8::c  edge-c ---+ 1400
#
# edge-b's WireGuard does not set DF, as the kernel's does not; a's does, as wireguard-go does where nobody tells it otherwise.
# BREAK=1 leaves the ways as wide as the others: then nothing is cut.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
large=1352 # of a ping's data: 1400 bytes in the tunnel, 1468 of IPv4 around them, 1488 of IPv6
export WGXDP_WG=go
of_c=2001:db8::c of_a=198.51.100.11
too_big() { shown reason original packet_too_big; }
knows() { inside "edge-$1" ip route get "$2" | holds " mtu $3"; } # SITE RELAY'S-ADDRESS MTU: its kernel

blind_network a b
inside edge-b sysctl -qw net.ipv4.ip_no_pmtu_disc=1
inside edge-b wg set wgb-b listen-port "$port" # a new socket
if [[ ! ${BREAK:-} ]]; then
	inside relay ip route replace $of_a/32 dev eth0 mtu lock 1400
	inside relay ip route replace $of_c/128 dev eth0 mtu lock 1400
fi
blind_file
start_daemon -c "$work/wgxdp.yaml"
wait_for 30 'all sites' all_authenticated 3
expect 'of 60 short pings lost' "$(ping_all -c 10 -i 0.05 -W 6)" == 0
expect 'put together by then' "$(reassembled nat-a) $(reassembled edge-c)" == '0 0'

expect 'from b to a, without DF: of 10 long pings lost' "$(ping_between b a -c 10 -i 0.05 -W 3 -s $large)" == 0
expect 'of them came to a in pieces' "$(reassembled nat-a)" == 10
expect 'from b to c, without DF: of 10 long pings lost' "$(ping_between b c -c 10 -i 0.05 -W 3 -s $large)" == 0
expect 'of them came to c in pieces' "$(reassembled edge-c)" == 10
expect 'nobody was told' "$(too_big)" == 0

ping_between c a -c 1 -W 1 -s $large > /dev/null
wait_for 5 "edge-c's kernel is told" knows c 2001:db8::1 1420
say 'ok from c to a: told that 1420 bytes of IPv6 fit'
ping_between a c -c 1 -W 1 -s $large > /dev/null
wait_for 5 "edge-a's kernel is told" knows a 198.51.100.1 1380
say 'ok from a, with DF, to c: told that 1380 bytes of IPv4 fit, through its NAT'
expect 'told' "$(too_big)" '>=' 2
expect 'of 60 short pings lost, after all that' "$(ping_all -c 10 -i 0.05 -W 6)" == 0
expect_sums
