#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# An attacker cannot disturb the sites of three blind relays with one key (see lib/blind-relays.sh). The attacker knows
# every public key, every index in use, the address of every site, and messages that the sites have sent. It sends all
# kinds of WireGuard messages to all relays, some hundred a second (blind_attack.py), from its own addresses: also
# initiations of a site to relays that have not seen them. It connects to the daemons from the internet, from there with
# the address of another relay, and from the network of the daemons (host stranger), and says that it has all sites.
# Meanwhile all sites ping each other. No ping is lost, no site or index changes at any relay, and the attacker receives
# at most one packet per second and site.
#
# Then the messages come as if from another relay, with source ports in use and others: to r1 from r2, to r2 from r3 and
# to r3 from r1. So the attacker can pretend to be both sites of the pairs 2-5, 3-6 and 1-4, and can end their sessions.
# All other pairs lose nothing, no site moves, and these pairs reach each other again soon after the attack.
#
#     198.51.100.66, 2001:db8::66  attacker ---+--- internet --- r1, r2, r3 --- sync ---+--- stranger  fd00:9::66
#
# stranger has an address of its own. No host in the network of the daemons may take the address of a relay.
#
# $WGXDP_SECONDS replaces the three minutes, for a trial. BREAK=1 gives the attacker the private key of site 3: then
# this site must move, and pings must be lost.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-hosts.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-relays.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-attacker.sh"
sites=${SITES:-6}
seconds=${WGXDP_SECONDS:-180}
as_relays=$((seconds < 150 ? seconds : 150)) # long enough for one new session of each pair
rate=390
relays=(r1 r2 r3)
targets=('r1 198.51.100.1 2001:db8::1' 'r2 198.51.100.2 2001:db8::2' 'r3 198.51.100.3 2001:db8::3')
streams=(fd00:9::1 fd00:9::2 fd00:9::3)
talks=('attacker ::,fd00:9::1' 'stranger ::')
pretends() { # RELAY: the next one
	local n=${1#r} other
	other=$((n % 3 + 1))
	echo "$(between "$n" $other) $work/names-r$other"
}

relays_network
attacker_host r1 r2 r3
gateways attacker 198.51.100.254 2001:db8::fe
for n in 1 2 3; do inside attacker ip route add "fd00:9::$n" via "2001:db8::$n"; done
inside attacker ip address add fd00:9::1/128 dev lo
namespaces stranger
cable stranger eth0 sync stranger
inside sync ip link set stranger master br0
addresses stranger eth0 fd00:9::66/64
begin() {
	relays_begin
	begin_anew
	first_pings
}
learns begin
attacks_from_own_addresses "198.51.100.1:$port"

attack_begins 'as relays' relay
calm_pings 'as relays' $as_relays '1-4 2-5 3-6'
attack_ends 'as relays' "$(key wgs1),$(key wgs4)" "$(key wgs2),$(key wgs5)" "$(key wgs3),$(key wgs6)"
heals 'as relays' 30
expect 'expectations that did not hold' $wrong == 0
