#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 120
# Peers that WireGuard gets some seconds after the start of a blind relay get their saved endpoints too, and the file
# keeps these. The sites send nothing. The network is that of sites.sh.
#
# BREAK=1 loses the file: then no endpoint can be known.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
kept=$STATE_DIRECTORY/default/blind
peer_begins() { inside relay wg set $relay peer "$(key "wgb-$1")" allowed-ips "$tunnels::$1/128"; } # SITE
is_at() { [[ $(endpoint_of "$1") == "$2" ]]; } # SITE ENDPOINT
is_saved() { find "$kept" -newer "$work/begun" | holds .; }

blind_network a b
blind_file
start_daemon -c "$work/wgxdp.yaml"
wait_for 30 'all sites' all_authenticated 3
declare -A was=()
for s in a b c; do was[$s]=$(endpoint_of $s); done
end_daemon
wgxdp down
expect 'kept of sites' "$(grep -c '^site ' "$kept")" == 3
[[ ! ${BREAK:-} ]] || rm "$kept"
for s in a b c; do
	inside edge-$s nft -f - <<- EOF_NFT
		table inet mute {
			chain c_output { type filter hook output priority filter; udp dport $port drop; }
		}
	EOF_NFT
	inside relay wg set $relay peer "$(key "wgb-$s")" remove
done

peer_begins a
touch "$work/begun"
start_daemon -c "$work/wgxdp.yaml"
wait_for 5 'site a has its endpoint' is_at a "${was[a]}"
sleep 1
peer_begins b
wait_for 5 'site b has its endpoint' is_at b "${was[b]}"
sleep 1
peer_begins c
wait_for 5 'site c has its endpoint' is_at c "${was[c]}"
wait_for 30 'the sites are saved' is_saved
expect 'kept of sites' "$(grep -c '^site ' "$kept")" == 3
end_daemon
