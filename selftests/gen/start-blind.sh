#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 300
# The commands of docs/guides/blind.md work as they stand. The hosts of two sites boot from the files that its
# topology makes. BREAK=1 does not start wgxdp, and must fail.
#
#     the network of site-hosts.sh, with one edge router and one server a site
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/sites.sh"
source "$root/selftests/lib/start-pages.sh"
source "$root/selftests/lib/site-hosts.sh"

namespaces internet
inside internet ip link add br0 type bridge
inside internet ip link set br0 up
start_hosts admin relay edge-a edge-b server-a server-b
on_internet relay eth0 198.51.100.1/24 2001:db8::1/64
for site in a b; do lan $site edge-$site server-$site; done
outside a 1 cone edge-a
outside b 2 symmetric edge-b
for host in nat-a nat-b; do networkd $host; done
for host in edge-a edge-b; do echo '198.51.100.1 relay.example.net' | at $host tee -a /etc/hosts > /dev/null; done

follow_page guides/blind admin relay edge-a edge-b server-a server-b
