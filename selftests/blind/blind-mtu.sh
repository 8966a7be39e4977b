#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The blind relay fragments packets that are too long for the path to a site, or reports them by ICMP, as IP demands.
# The sites' tunnels carry 1420 bytes, and the paths to a and c carry 1400. The relay fragments an IPv4 packet without
# DF, also towards IPv6, and its site reassembles it. For a packet with DF or an IPv6 packet the relay sends an ICMP
# error, so that the sender's kernel learns the path MTU. Shorter packets always pass. The network is that of
# sites.sh.
#
#     198.51.100.11 nat-a ---+ 1400
#     198.51.100.12 nat-b ---+--- 198.51.100.1, 2001:db8::1 relay
#     2001:db8::c  edge-c ---+ 1400
#
# edge-b's WireGuard does not set DF, like the kernel's. edge-a's sets it, like wireguard-go by default. BREAK=1 leaves
# the paths wide enough: then nothing is fragmented.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
large=1352 # data of a ping: 1400 bytes in the tunnel, 1468 of IPv4 around them, 1488 of IPv6
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
expect 'lost pings of 60 short ones' "$(ping_all -c 10 -i 0.05 -W 6)" == 0
expect 'put together by then' "$(reassembled nat-a) $(reassembled edge-c)" == '0 0'

expect 'from b to a, without DF: of 10 long pings lost' "$(ping_between b a -c 10 -i 0.05 -W 3 -s $large)" == 0
expect 'fragmented packets that came to a' "$(reassembled nat-a)" == 10
expect 'from b to c, without DF: of 10 long pings lost' "$(ping_between b c -c 10 -i 0.05 -W 3 -s $large)" == 0
expect 'fragmented packets that came to c' "$(reassembled edge-c)" == 10
expect 'ICMP errors so far' "$(too_big)" == 0

ping_between c a -c 1 -W 1 -s $large > /dev/null
wait_for 5 "edge-c's kernel is told" knows c 2001:db8::1 1420
say 'ok from c to a: told that 1420 bytes of IPv6 fit'
ping_between a c -c 1 -W 1 -s $large > /dev/null
wait_for 5 "edge-a's kernel is told" knows a 198.51.100.1 1380
say 'ok from a, with DF, to c: told that 1380 bytes of IPv4 fit, through its NAT'
expect 'told' "$(too_big)" '>=' 2
expect 'lost pings of 60 short ones, after all that' "$(ping_all -c 10 -i 0.05 -W 6)" == 0
expect_sums
