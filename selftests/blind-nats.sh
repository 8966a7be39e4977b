#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sites behind NATs of both kinds, joined by the blind relay: a and c behind cones, which keep an edge's port, b behind a symmetric one, which
# takes another for each destination; the edges are set up alike. The network is that of sites.sh.
#
#     198.51.100.11:51820  nat-a (cone) ------+
#     198.51.100.12:other  nat-b (symmetric) -+--- 198.51.100.1 relay
#     198.51.100.13:51820  nat-c (cone) ------+
#
# BREAK=1 allows only two of the three pairs: then the third must be missed.
source "${BASH_SOURCE[0]%/*}/lib.sh"
source "${BASH_SOURCE[0]%/*}/sites.sh"
source "${BASH_SOURCE[0]%/*}/blind-sites.sh"

on=relay
nat_kind=([a]=cone [b]=symmetric [c]=cone)
blind_network a b c
pairs=all
[[ ! ${BREAK:-} ]] || pairs='[ [ site-a, site-b ], [ site-a, site-c ] ]'
blind_file "pairs: $pairs"
start_daemon -c "$work/wgxdp.yaml"
wait_for 30 'all sites' all_authenticated 3
for s in a c; do expect "site $s, behind a cone" "$(endpoint_of $s)" == "198.51.100.1${number[$s]}:$port"; done
expect 'site b, behind a symmetric one' "$(endpoint_of b)" != "198.51.100.12:$port"
before=$(decrypted)
expect 'of 120 pings lost' "$(ping_all -c 20 -i 0.05 -W 6 -s 1000)" == 0
expect 'bytes that the relay decrypted of them' $(($(decrypted) - before)) '<=' 600
expect_sums
