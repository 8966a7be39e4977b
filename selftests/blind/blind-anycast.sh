#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# alone
# Three blind relays with one anycast address keep all sites connected while routes and relays change (see
# lib/blind-relays.sh). All sites send to the common address. The routers between decide which relay gets the packets
# of a site. All pairs of six sites ping each other 20 times a second:
# - the route of one site changes to another relay, back, and to a third one. All relays know it within two seconds, and
#   nothing is lost
# - a relay loses its power, and a second later its sites' routes change: their sessions continue, the others lose nothing
#
# BREAK=1 keeps the streams between the relays away: then sites at different relays cannot talk.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-hosts.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-relays.sh"
sites=6
any4=203.0.113.1 any6=2001:db8:9::1
relays=()

relay_address() { if (($2 == 4)); then echo $any4; else echo $any6; fi; }
where() { echo "${relays[$1]}"; }
edge_begins() { :; } # the edges know nothing of the relays

routes_to() { # SITE RELAY'S-NUMBER: the packets of the site go to this relay
	relays[$1]=$2
	inside internet ip route replace $any4 via "198.51.100.$2" table $((100 + $1))
	inside internet ip -6 route replace $any6 via "2001:db8::$2" table $((100 + $1))
}
common_address() { # RELAY: to the sites, the relay sends from it
	addresses "$1" eth0 $any4/32 $any6/128
	inside "$1" ip route replace default via 198.51.100.254 src $any4
	inside "$1" ip -6 route replace default via 2001:db8::fe src $any6
}
has_come() { is_at 1 "$1" r1 r2 r3; } # RELAY
moves_to() { # RELAY'S-NUMBER: site 1 does
	local began
	routes_to 1 "$1"
	began=${EPOCHREALTIME/./}
	wait_for 5 "all relays know that site 1 is at r$1" has_come "r$1"
	expect "after so many ms, all relays know that site 1 is at r$1" $(((${EPOCHREALTIME/./} - began) / 1000)) '<=' 2000
	sleep 2
}

relays_network
for r in r1 r2 r3; do common_address $r; done
for ((i = 1; i <= sites; i++)); do
	inside internet ip rule add from "10.7.$i.0/24" to $any4 lookup $((100 + i))
	inside internet ip -6 rule add from "2001:db8:7:$i::/64" to $any6 lookup $((100 + i))
	routes_to "$i" "$(relay_of "$i")"
done
[[ ! ${BREAK:-} ]] || for r in r1 r2 r3; do inside $r nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c iifname sync drop'; done
[[ ! ${BREAK:-} ]] || knows_sites() { (($(grep -c 'blind: site .* is at' "$work/$1.daemon") >= sites / 3)); }
relays_begin
first_pings
phase steady 0
pings_begin
sleep 3

handshakes > "$work/before"
moves_to 2
moves_to 1
moves_to 3
expect 'site 1 has moved: pairs without a new handshake, in percent' "$(same_handshakes "$work/before")" '>=' 95

phase goes 1
dies r1
sleep 1
routes_to 4 2
wait_for 6 'r1 died: answers for every pair' all_answer
sleep 1
phase steady 0
sleep 3
expect 'r1 died: pairs without a new handshake, in percent' "$(same_handshakes "$work/before")" '>=' 95
pings_end
# wireguard-go drops packets while the machine gives it no time
"$root/selftests/lib/gaps.py" "$work" 4 20 || fail 'pairs were interrupted'
