#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# The blind relay keeps its sessions over `wgxdp down` in a file, and uses no file that is too old or damaged. With
# this file all sessions continue. With a file older than a session may be, none does. Sites come back and reach each
# other, even if the file is damaged. The network is that of sites.sh.
#
# BREAK=1 loses the file: then the sessions must be missing.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
kept=$STATE_DIRECTORY/default/blind
sessions() { # prints the confirmed indices between sites
	wgxdp show sites --json | /usr/bin/python3 -IS -c 'import json, sys
print(sum(row["sessions"] for row in json.load(sys.stdin)["site_pairs"]))'
}
have_sessions() { [[ $(sessions) == 6 ]]; }
stops() {
	end_daemon
	wgxdp down
}
begins() {
	start_daemon -c "$work/wgxdp.yaml"
	wait_for 30 'all sites' all_authenticated 3
}

sites_begin_nothing() { # the sites begin no new sessions for now
	local s
	for s in "${sites[@]}"; do
		inside "edge-$s" nft -f - <<- EOF_NFT
			table inet mute {
				chain c_output { type filter hook output priority filter; udp dport $port @th,64,8 1 drop; }
			}
		EOF_NFT
	done
}
sites_begin_anew() {
	local pair s
	for s in "${sites[@]}"; do inside "edge-$s" nft delete table inet mute; done
	for pair in "${every_pair[@]}"; do forgets "${pair%-*}" "wgb-${pair#*-}"; done
	for pair in "${every_pair[@]}"; do knows_site "${pair%-*}" "${pair#*-}"; done
}

blind_network a b
blind_file
begins
first_pings
wait_for 5 'six sessions' have_sessions
stops
expect 'kept of sites, and of sessions between them' "$(grep -c '^site ' "$kept") $(grep -c '^entry [1-9][0-9]* [1-9]' "$kept")" == '3 6'
expect 'the mode of the file' "$(stat -c %a "$kept")" == 600

cp "$kept" "$work/kept"
[[ ! ${BREAK:-} ]] || rm "$kept"
begins
expect 'sessions that go on' "$(sessions)" == 6
expect 'lost pings of 30' "$(ping_all -c 5 -i 0.1 -W 3)" == 0
stops

sites_begin_nothing
awk '$1 == "time" {$2 -= 190} {print}' "$work/kept" > "$kept"
begins
expect 'sessions of 190 s ago' "$(sessions)" == 0
stops
awk '$1 == "time" {$2 += 30} {print}' "$work/kept" > "$kept"
begins
expect 'sessions of a clock that went backwards' "$(sessions)" == 0
stops

strange() { # a damaged or foreign file
	case $1 in
	'half a line') head -c 700 "$work/kept" ;;
	'without time') grep -v '^time' "$work/kept" ;;
	'sessions that last for ever') awk '$1 == "entry" {$5 = 4000000000} {print}' "$work/kept" ;;
	'sessions that are over') awk '$1 == "entry" {$5 = -5} {print}' "$work/kept" ;;
	'keys of nobody') sed 's/[A-P]/Q/g' "$work/kept" ;;
	'a long line') head -n 1 "$work/kept"; head -c 5000 /dev/zero | tr '\0' x; tail -n +2 "$work/kept" ;;
	'noise') head -c 20000 /dev/urandom ;;
	'nothing') : ;;
	esac
}
for what in 'half a line' 'without time' 'sessions that last for ever' 'sessions that are over' 'keys of nobody' 'a long line' noise nothing; do
	strange "$what" > "$kept"
	begins
	case $what in
	half* | *long*) say "ok $what: all sites are there, $(sessions) sessions" ;;
	*) expect "$what: all sites are there, sessions" "$(sessions)" == 0 ;;
	esac
	stops
done
begins
sites_begin_anew
first_pings
expect 'lost pings of 30, in new sessions' "$(ping_all -c 5 -i 0.1 -W 3)" == 0
expect_sums
