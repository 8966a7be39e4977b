#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# alone
# An attacker cannot disturb the sites of two blind relays that share an address (see lib/blind-pair.sh). The attacker
# knows every public key, every index in use, the address of every site, and messages that the sites have sent. It sends
# all kinds of WireGuard messages, some hundred a second (blind_attack.py): to the active relay, to the MAC address of
# the other one for the shared address, and to that one's own address. It connects to the daemon on standby from the
# internet, also with the address of the other relay, and says that it has all sites.
# - From its own addresses: the sites lose no ping, no site or index changes at either relay, and the attacker receives
#   at most one packet per second and site.
# - Meanwhile the active relay loses its power: no pair is interrupted for more than 2 s, and the sessions continue. The
#   WireGuard of the other one has seen the recorded initiations by then (blind-pair-repeat.sh: it has not).
# - As if from the addresses of the relays: the same holds.
# - As if from sites 1 and 2: these may lose their session, but all other pairs lose nothing. Sites 1 and 2 reach each
#   other soon after the attack.
#
# The attacker forges no VRRP: keepalived believes every host on the link, so the hosts on the link must be trusted. The
# attacker reads only its own packets. A host that reads those of others on the link can pass them on, and WireGuard
# then believes that it is the sender.
#
# $WGXDP_SECONDS replaces the three minutes, for a trial. BREAK=1 gives the attacker the private key of site 3: then
# this site must move, and pings must be lost.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/keepalived.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-hosts.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-pair.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-attacker.sh"
sites=${SITES:-6}
seconds=${WGXDP_SECONDS:-180}
as_others=$((seconds < 150 ? seconds : 150)) # long enough for one new session of each pair
rate=390
relays=(r1 r2)
to_r2=('r2 198.51.100.1 2001:db8::1' 'r2 198.51.100.3 2001:db8::3')
targets=('r1 198.51.100.1 2001:db8::1' "${to_r2[@]}")
streams=(fd00:9::1 fd00:9::2)
talks=('attacker ::,fd00:9::1')
relay_addresses=(198.51.100.{1,2,3} 2001:db8::{1,2,3})

pair_network
attacker_host r1 r2
gateways attacker 198.51.100.254 2001:db8::fe
for n in 1 2; do inside attacker ip route add "fd00:9::$n" via "2001:db8::$((n + 1))"; done
inside attacker ip address add fd00:9::1/128 dev lo
learns pair_begins_anew
attacks_from_own_addresses "198.51.100.1:$port"

relays=(r2)
attack_begins killed
phase steady
pings_begin
sleep 5
handshakes > "$work/handshakes"
active_dies
sleep 5
expect_also 'r1 died: pairs without a new handshake, in percent' "$(same_handshakes "$work/handshakes")" '>=' 95
pings_end
attack_ends killed
"$root/selftests/lib/gaps.py" "$work" 2 > "$work/gaps" || wrong=$((wrong + 1))
cat "$work/gaps"

targets=("${to_r2[@]}")
attack_begins 'as relays' relay
calm_pings 'as relays' $((as_others / 2)) ''
attack_ends 'as relays'

attack_begins 'as sites' "$(key wgs1)" "$(key wgs2)"
calm_pings 'as sites' $as_others '1-2'
attack_ends 'as sites' "$(key wgs1),$(key wgs2)"
heals 'as sites' 30
expect 'expectations that did not hold' $wrong == 0
