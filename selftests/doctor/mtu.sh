#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# `wgxdp mtu` finds the MTU of a clean path and of a black hole, which drops ICMP errors and packets longer than 1300
# bytes. It measures inside tunnels over IPv4 and over IPv6, and on the plain path. The test sets the MTU that it
# names: a full packet must pass, and a packet one byte longer must not. It also runs the printed command. BREAK=1
# leaves out the black hole.
#
#     laptop ---- router ---- server, and tunnels between laptop and server, over IPv4 and over IPv6: way.sh
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/way.sh"

network

# a clean path, with a name of both families: nothing to change
asks clean 0 server.example.net
asks clean4 0 -4 server.example.net
asks tunnel 0 10.4.0.1 --through mtu4l
answered
ended clean clean4 tunnel
says clean 0.name 2001:db8:2::1
says clean 0.passes 1500
says clean 0.wireguard_mtu 1420
says clean 1.name 203.0.113.1
says clean 1.wireguard_mtu 1440
says clean4 name 203.0.113.1
says tunnel verdict clear
says tunnel passes 1420

# the black hole
if [[ ! ${BREAK:-} ]]; then hole 1300; else hole 9000; fi
for v in 4 6; do
	asks "hole$v-4" 3 10.$v.0.1 --through mtu${v}l
	asks "hole$v-6" 3 fd00:$v::1 --through mtu${v}l
done
for v in 4 6; do asks plain$v 3 -$v server.example.net; done
start laptop "$wgxdp" mtu 10.4.0.1 --through mtu4l > "$work/said" 2> "$work/people"
people=$!
answered
! wait $people || fail 'for people it ends with 0'
ended hole4-4 hole4-6 hole6-4 hole6-6 plain4 plain6
for inner in 4 6; do
	says hole4-$inner verdict black-hole
	says hole4-$inner passes 1232
	says hole4-$inner wireguard_mtu 1240
	says hole6-$inner passes 1216
	says hole6-$inner wireguard_mtu 1220
done
says plain4 passes 1300
says plain4 wireguard_mtu 1240
says plain6 passes 1300
says plain6 wireguard_mtu 1220

# The output for people. The MTU that it names is the longest that passes, to the byte.
for line in '10.4.0.1: packets of up to 1232 bytes pass. Longer packets are lost without an ICMP error (a black hole).' '    ip link set mtu4l mtu 1240' \
	'    MTU = 1240        in [Interface] of /etc/wireguard/mtu4l.conf, for wg-quick'; do
	grep -qxF -- "$line" "$work/said" || fail "it does not say '$line': $(< "$work/said")"
done
grep -qF 'ip route replace 203.0.113.1 via GATEWAY dev IF mtu 1300' "$work/said" || fail "nothing of IPv6: $(< "$work/said")"
[[ $(grep -nm 1 'IPv6 inside the tunnel' "$work/said" | cut -d : -f 1) -lt $(grep -nm 1 'ip link set mtu4l' "$work/said" | cut -d : -f 1) ]] ||
	fail "the command that removes IPv6 comes before the warning: $(< "$work/said")"
exact() { # IPv4|IPv6's-DIGIT MTU
	inside laptop ip link set "mtu$1l" mtu $(($2 + 1))
	inside server ip link set "mtu$1s" mtu $(($2 + 1))
	! passes "10.$1.0.1" $(($2 + 1)) || fail "over IPv$1 $(($2 + 1)) bytes pass with that MTU: what was named is not the longest"
	inside laptop ip link set "mtu$1l" mtu "$2"
	inside server ip link set "mtu$1s" mtu "$2"
	passes "10.$1.0.1" "$2" || fail "over IPv$1 $2 bytes do not pass with that MTU"
	say "ok over IPv$1: $2 passes with that MTU, $(($2 + 1)) does not"
}
exact 4 1240 &
exact 6 1220
wait $! || fail 'over IPv4 it is not'
