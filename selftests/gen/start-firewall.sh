#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# The commands of docs/guides/firewall.md work as they stand. The test writes its files, runs its commands and compares
# their output. BREAK=1 does not start wgxdp, and must fail.
#
#     client eth0 -- 198.51.100.0/24, 2001:db8:1::/64 -- internet -- 203.0.113.0/24 -- eth0 firewall eth1 -- eth0 wg-end
#     dns eth ------ 2001:db8:53::/64 ----------------------'                        192.168.1.0/24, 2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/start-pages.sh"
name_server=2001:db8:53::53 asker=internet
source "$root/selftests/lib/knot.sh"

namespaces internet dns
start_hosts firewall wg-end client
routers internet
cable client eth0 internet client
cable dns eth internet dns
cable firewall eth0 internet firewall
cable firewall eth1 wg-end eth0
takes_xdp internet firewall
takes_xdp wg-end eth0
addresses internet client 198.51.100.1/24 2001:db8:1::1/64
addresses internet dns 2001:db8:53::1/64
addresses internet firewall 203.0.113.254/24 2001:db8:f::1/64
addresses client eth0 198.51.100.7/24 2001:db8:1::7/64
addresses dns eth 2001:db8:53::53/64
addresses firewall eth0 203.0.113.1/24 2001:db8:f::2/64
addresses firewall eth1 192.168.1.1/24 2001:db8:2::1/64
addresses wg-end eth0 192.168.1.10/24 2001:db8:2::10/64
gateways client 198.51.100.1 2001:db8:1::1
gateways dns 2001:db8:53::1
gateways firewall 203.0.113.254 2001:db8:f::1
gateways wg-end 192.168.1.1 2001:db8:2::1
inside internet ip route add 2001:db8:2::/64 via 2001:db8:f::2

knot_begins
for host in firewall wg-end; do at $host install -D -m 600 "$work/tsig.key" /etc/wgxdp/tsig.key; done
echo 'nameserver 2001:db8:53::53' | at client tee /etc/resolv.conf > /dev/null
has_tunnel wg-end 10.77.0.1/24 51820
has_tunnel client 10.77.0.7/24 51820
has_peer wg-end client 'AllowedIPs = 10.77.0.7/32'
has_peer client wg-end 'AllowedIPs = 10.77.0.0/24' 'Endpoint = firewall.example.net:51820'
quick wg-end up wg0

follow_page guides/firewall firewall wg-end client
