#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# peers: prints the peers and routes of a large relay configuration.
#
#   peers PEERS ROUTES DEVICE [MOVED]
#
# Peers site-0 … of one device share ROUTES /64s of fd12:3456:7800::/40 evenly. The first MOVED peers swap one prefix in
# pairs, so that MOVED routes differ.
import sys

n_peers, n_routes = int(sys.argv[1]), int(sys.argv[2])
device, moved = sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 0
sites = [[f'fd12:3456:78{i >> 16:02x}:{i & 0xffff:x}::/64' for i in range(peer, n_routes, n_peers)] for peer in range(n_peers)]
for peer in range(0, moved, 2):
    sites[peer][-1], sites[peer + 1][-1] = sites[peer + 1][-1], sites[peer][-1]
print('policy: { overlay: "fd12:3456:7800::/40" }\npeers:')
for peer, prefixes in enumerate(sites):
    print(f'  - {{ name: site-{peer}, device: {device}, prefixes: [ ' + ', '.join(f'"{p}"' for p in prefixes) + ' ] }')
