#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# The commands of docs/guides/endpoint.md work as they stand, on a laptop that reaches its server by IPv4 and not by
# IPv6. BREAK=1 does not start wgxdp, and must fail.
#
#     laptop eth0 -- 198.51.100.0/24, 2001:db8:7::/64 -- internet -- 203.0.113.0/24, 2001:db8::/64 -- eth0 server
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/start-pages.sh"

namespaces internet
start_hosts laptop server
routers internet
cable laptop eth0 internet laptop
cable server eth0 internet server
addresses internet laptop 198.51.100.1/24 2001:db8:7::1/64
addresses internet server 203.0.113.254/24 2001:db8::ff/64
addresses laptop eth0 198.51.100.7/24 2001:db8:7::7/64
addresses server eth0 203.0.113.1/24 2001:db8::1/64
gateways laptop 198.51.100.1 2001:db8:7::1
gateways server 203.0.113.254 2001:db8::ff
inside internet ip route add blackhole 2001:db8::1
printf '%s vpn.example.net\n' 2001:db8::1 203.0.113.1 | at laptop tee -a /etc/hosts > /dev/null

has_tunnel server 10.77.0.1/24 51820
has_tunnel laptop 10.77.0.7/24 51820
has_peer server laptop 'AllowedIPs = 10.77.0.7/32'
has_peer laptop server 'AllowedIPs = 10.77.0.0/24' 'Endpoint = [2001:db8::1]:51820'
for host in server laptop; do quick $host up wg0; done
FILL_PEER_KEY=$(key server)
export FILL_PEER_KEY

follow_page guides/endpoint laptop
