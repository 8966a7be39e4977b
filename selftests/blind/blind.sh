#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# The blind relay joins sites whose packets it cannot decrypt. Two behind symmetric NATs and one with IPv6 reach each
# other, each with one tunnel. The relay's own WireGuard decrypts nothing. The network is that of sites.sh.
#
# BREAK=1 allows only two of the three pairs: then the third must fail.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay

blind_network a b
pairs='[ [ site-a, site-b ], [ site-a, site-c ], [ site-b, site-c ] ]'
[[ ! ${BREAK:-} ]] || pairs='[ [ site-a, site-b ], [ site-a, site-c ] ]'
for mode in native tc; do
	blind_file "pairs: $pairs"
	sed -i "s/role: wan/&, mode: $mode/" "$work/wgxdp.yaml"
	start_daemon -c "$work/wgxdp.yaml"
	wait_for 30 'all sites' all_authenticated 3
	before=$(decrypted)
	sent=120
	expect "$mode: of $sent pings lost" "$(ping_all -c 20 -i 0.05 -W 6 -s 1000)" == 0
	expect "$mode: bytes that the relay decrypted of them" $(($(decrypted) - before)) '<=' 600
	expect "$mode: packets forwarded" "$(shown get services.blind.original.forwarded)" '>=' $((2 * sent))
	[[ $mode == tc ]] || expect "$mode: of them in XDP" "$(shown get services.blind.original.forwarded_xdp)" '>=' "$sent"
	expect_sums
	end_daemon
	wgxdp down
done
