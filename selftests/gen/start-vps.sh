#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 240
# The commands of docs/guides/vps.md work as they stand. They are the way out of two clients, from a topology that
# means the same as the example in docs/examples, and the way in. BREAK=1 does not start wgxdp, and must fail.
#
#     foo eth0, bar eth0, IPv6 --.              .-- 203.0.113.0/24, 2001:db8:0:1::/64 -- eth0 vps
#     hotel eth0, IPv4 ----------+-- internet --+-- 2001:db8:9::/64 -- eth0 home
#                                               '-- lo 8.8.8.8, 2001:4860:4860::8888
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/start-pages.sh"

namespaces internet
start_hosts admin vps foo bar home hotel
routers internet
for host in vps foo bar home hotel; do cable $host eth0 internet $host; done
takes_xdp internet vps
addresses internet lo 8.8.8.8/32 2001:4860:4860::8888/128
addresses internet vps 203.0.113.254/24 2001:db8:0:1::ff/64
addresses internet foo 2001:db8:7::1/64
addresses internet bar 2001:db8:8::1/64
addresses internet home 2001:db8:9::1/64
addresses internet hotel 198.51.100.1/24
addresses vps eth0 203.0.113.1/24 2001:db8:0:1::1/64
addresses foo eth0 2001:db8:7::7/64
addresses bar eth0 2001:db8:8::8/64
addresses home eth0 2001:db8:9::10/64
addresses hotel eth0 198.51.100.7/24
gateways vps 203.0.113.254 2001:db8:0:1::ff
gateways foo 2001:db8:7::1
gateways bar 2001:db8:8::1
gateways home 2001:db8:9::1
gateways hotel 198.51.100.1
inside internet ip route add 2001:db8:abcd:1234::/64 via 2001:db8:0:1::1

has_tunnel home 10.77.0.1/24 51820
has_tunnel hotel 10.77.0.7/24 51820
has_peer home hotel 'AllowedIPs = 10.77.0.7/32'
has_peer hotel home 'AllowedIPs = 10.77.0.0/24' 'Endpoint = 203.0.113.1:51820'
quick home up wg0

follow_page guides/vps admin vps foo bar home hotel
same_files vps
