#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# Five sites form a full mesh through the blind relay, behind different NATs. a and c are behind cone NATs, which keep
# an edge's port. b is behind a symmetric NAT, which uses another port for each destination. d and e have IPv6. All
# edges are configured alike. The network is that of sites.sh.
#
#     198.51.100.11:51820  nat-a (cone) ------+
#     198.51.100.12:other  nat-b (symmetric) -+--- 198.51.100.1, 2001:db8::1 relay
#     198.51.100.13:51820  nat-c (cone) ------+
#     2001:db8::d, ::e  edge-d, edge-e -------+
#
# BREAK=1 allows all pairs except that of d and e, which must fail.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
sites=(a b c d e)
nat_kind=([a]=cone [b]=symmetric [c]=cone)
mapfile -t every_pair < <(pairs_of "${sites[@]}")
blind_network a b c
pairs=all
[[ ! ${BREAK:-} ]] || pairs="[ $(pairs_of "${sites[@]}" | grep -v '[de]-[de]' | sed 's/\(.\)-\(.\)/[ site-\1, site-\2 ]/' | paste -sd ,) ]"
blind_file "pairs: $pairs"
start_daemon -c "$work/wgxdp.yaml"
wait_for 30 'all sites' all_authenticated 5
for s in a c; do expect "site $s, behind a cone" "$(endpoint_of $s)" == "198.51.100.1${number[$s]}:$port"; done
expect 'site b, behind a symmetric one' "$(endpoint_of b)" != "198.51.100.12:$port"
before=$(decrypted)
expect 'lost pings of 200' "$(ping_all -c 10 -i 0.05 -W 6 -s 1000)" == 0
expect 'bytes that the relay decrypted of them' $(($(decrypted) - before)) '<=' 1000
expect_sums
