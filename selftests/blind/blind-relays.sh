#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# alone
# When one of three blind relays fails, its sites continue at another one within 6 s with their sessions, and others
# lose nothing (see lib/blind-relays.sh). Each relay has four of twelve sites. All pairs of sites ping each other for
# six minutes, in which their sessions are renewed, and lose nothing. Then, at 20 pings a second:
# - one site does not reach its relay for some seconds, and goes to another one, where its sessions continue
# - the peers of another site get the endpoint of another relay, and nothing is lost
# - the daemon of a relay is killed and begins again, and nothing is lost
# - one relay loses its power: its sites go to another relay, where their sessions continue, and the others lose nothing
# - the relay comes back, and nothing is lost
# - another relay restarts within seconds, so that its sites stay there, and their sessions continue
#
# BREAK=1 keeps the streams between the relays away: then sites at different relays cannot talk.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-hosts.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-relays.sh"
sites=${SITES:-12} seconds=${PINGS:-360}

relays_network
[[ ! ${BREAK:-} ]] || for r in r1 r2 r3; do inside $r nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c iifname sync drop'; done
[[ ! ${BREAK:-} ]] || knows_sites() { (($(grep -c 'blind: site .* is at' "$work/$1.daemon") >= sites / 3)); }
relays_begin
first_pings
expect 'r1 is connected to r2' "$(metric_of r1 "wgxdp_relay_connected{relay=\"$(between 1 2)\"}")" == 1
expect 'sites at r2, as r1 knows' "$(metric_of r1 "wgxdp_relay_sites{relay=\"$(between 1 2)\"}")" == $((sites / 3))

# every second, so that a pair sends enough for a handshake every two minutes
pids=()
for ((i = 1; i < sites; i++)); do
	for ((j = i + 1; j <= sites; j++)); do
		unanswered "s$i" "$tunnels::$((10 + j))" -c "$seconds" -i 1 -W 10 > "$work/calm-$i-$j" &
		pids+=($!)
	done
done
wait "${pids[@]}" || :
grep -v '^0$' "$work"/calm-* || :
expect "lost pings of $((seconds * ${#pids[@]})), over $seconds s" "$(awk '{sum += $1; said++} END {print sum " of " said}' "$work"/calm-*)" == "0 of ${#pids[@]}"

phase steady 0
pings_begin
sleep 5
phase goes 2
handshakes > "$work/before"
inside internet nft 'add table ip cut; add chain ip cut c { type filter hook forward priority 0; }; add rule ip cut c ip saddr 10.7.2.2 ip daddr 198.51.100.2 drop; add rule ip cut c ip daddr 10.7.2.2 ip saddr 198.51.100.2 drop'
moved() { [[ $(where 2) != 2 ]]; }
wait_for 20 'site 2 goes to another relay' moved
inside internet nft delete table ip cut
wait_for 6 'site 2 has moved: answers for every pair' all_answer
expect 'site 2 has moved: pairs without a new handshake, in percent' "$(same_handshakes "$work/before")" '>=' 95
phase steady 0
sleep 3
# peers of site 2 whose endpoint late packets have moved back to its former relay
inside s2 wg set wgs2 peer "$(key wgs3)" endpoint "198.51.100.2:$port"
sleep 5

# all peers of site 4 get the endpoint of another relay that works, without a handshake with it
for peer in $(inside s4 wg show wgs4 peers); do inside s4 wg set wgs4 peer "$peer" endpoint "198.51.100.2:$port"; done
sleep 10

# another daemon begins, and hears nothing of the other relays for some seconds
kill -KILL "${daemons[r2]}"
inside r2 nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c iifname sync drop'
daemon_begins r2
sleep 5
inside r2 nft delete table inet t
sleep 3

handshakes > "$work/before"
phase goes 1
sleep 0.2
dies r1
sleep 1
wait_for 20 'r1 died: answers for every pair' all_answer
sleep 1
phase steady 0
sleep 3
expect 'r1 died: pairs without a new handshake, in percent' "$(same_handshakes "$work/before")" '>=' 95
for ((i = 1; i <= sites; i++)); do [[ $(where $i) != 1 ]] || fail "site $i is still at r1"; done

returns r1
wait_for 10 'r1 knows all sites' knows_sites r1
sleep 5

handshakes > "$work/before"
phase goes 3
sleep 0.2
dies r3
returns r3
wait_for 10 'r3 knows all sites' knows_sites r3
wait_for 6 'r3 has restarted: answers for every pair' all_answer
sleep 1
phase steady 0
sleep 3
expect 'r3 has restarted: pairs without a new handshake, in percent' "$(same_handshakes "$work/before")" '>=' 95
pings_end
# wireguard-go drops packets while the machine gives it no time
"$root/selftests/lib/gaps.py" "$work" 6 "$([[ $WGXDP_WG == kernel ]] && echo 0 || echo 100)" || fail 'pairs were interrupted'
