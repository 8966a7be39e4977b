#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# vm
# Three sites behind symmetric NATs reach each other through the blind relay for six minutes, in which every session is
# renewed twice. No ping is lost, and the relay's own WireGuard decrypts none of them. With the kernel's WireGuard there
# are fewer pings in the same time.
#
# BREAK=1 allows only two of the three pairs: then the third must fail.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
blind_network a b c
pairs=all
[[ ! ${BREAK:-} ]] || pairs='[ [ site-a, site-b ], [ site-a, site-c ] ]'
blind_file "pairs: $pairs"
sites_talk
n=1700 interval=0.2
[[ $WGXDP_WG == go ]] || n=170 interval=2
before=$(decrypted)
pids=()
for pair in "${every_pair[@]}"; do
	ping_between "${pair%-*}" "${pair#*-}" -c $n -i $interval -W 10 > "$work/lost-$pair" &
	pids+=($!)
done
wait "${pids[@]}"
expect "lost pings of $((6 * n))" "$(cat "$work"/lost-* | awk '{sum += $1} END {print sum}')" == 0
for s in a b c; do
	expect "handshakes of site $s's three sessions within the last 180 s" \
		"$(inside "edge-$s" wg show "wgb-$s" latest-handshakes | awk -v now="$(date +%s)" 'now - $2 <= 180' | wc -l)" == 3
done
# only keepalives and the relay's own handshakes
expect "bytes that the relay decrypted meanwhile" $(($(decrypted) - before)) '<=' 10000
expect_sums
