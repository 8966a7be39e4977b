#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 300
# The commands of docs/guides/relay.md work as they stand. The hosts of two sites boot from the files that its topology
# makes, with the real networkd, nftables, keepalived, radvd and WireGuard. BREAK=1 does not start wgxdp, and must
# fail.
#
#     the network of site-hosts.sh, without edge-b2 and server-a2
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/sites.sh"
source "$root/selftests/lib/start-pages.sh"
source "$root/selftests/lib/site-hosts.sh"

namespaces internet
inside internet ip link add br0 type bridge
inside internet ip link set br0 up
start_hosts admin relay edge-a1 edge-a2 edge-b1 server-a1 server-b1
on_internet relay eth0 198.51.100.1/24 2001:db8::1/64
lan a edge-a1 edge-a2 server-a1
lan b edge-b1 server-b1
outside a 1 cone edge-a1 edge-a2
outside b 2 symmetric edge-b1
announces b 2001:db8:b::/64
for host in nat-a nat-b; do networkd $host; done
for host in edge-a1 edge-a2 edge-b1; do
	printf '%s relay.example.net\n' 198.51.100.1 2001:db8::1 | at $host tee -a /etc/hosts > /dev/null
done

follow_page guides/relay admin relay edge-a1 edge-a2 edge-b1 server-a1 server-b1
