#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 400
# vm
# `wgxdp mtu` measures the right MTU, or says why it cannot, on difficult paths. wgxdp mtu on difficult paths:
# - a router sends an ICMP error (then WireGuard's packets are fragmented)
# - a router sends an ICMP error, and the next one is a black hole
# - packets get lost
# - the tunnel takes everything
# - the other end answers nothing outside the tunnel
# - the limit is behind the tunnel
# - no host has the address
# - a family has no route, or the user no privileges
# - IPv6 fragments in a black hole
# BREAK=1 leaves out the black holes.
#
#     laptop ---- router ---- server ---- inner, and tunnels between laptop and server, over IPv4 and over IPv6: way.sh
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/way.sh"
[[ ! ${BREAK:-} ]] || hole() { :; }

unhole() { inside router nft delete table inet hole; }
narrow() { # MTU: sets the MTU of the cable behind the router
	inside router ip link set lan mtu "$1"
	inside server ip link set eth mtu "$1"
}
error_says() { grep -qF -- "$2" "$work/$1.errors" || fail "$1: no '$2' in: $(< "$work/$1.errors")"; } # NAME TEXT
# Clears the path MTU that the laptop has learned
forget() {
	inside laptop ip route flush cache
	inside laptop ip -6 route flush cache
}

network

say 'a router that tells'
narrow 1400
asks reported 3 server.example.net
for v in 4 6; do asks "reported$v" 3 10.$v.0.1 --through mtu${v}l; done
answered
ended reported reported4 reported6
says reported 0.verdict narrow
says reported 0.passes 1400
says reported 0.said_by 2001:db8:1::1
says reported 0.wireguard_mtu 1320
says reported 1.said_by 192.0.2.1
says reported 1.wireguard_mtu 1340
says reported4 verdict fragmented
says reported4 wireguard_mtu 1340
says reported6 verdict fragmented
says reported6 wireguard_mtu 1320

say 'and a black hole behind it, which lets ICMP pass'
inside router nft 'add table inet hole; add chain inet hole forward { type filter hook forward priority 10; }'
[[ ${BREAK:-} ]] || inside router nft 'add rule inet hole forward meta length > 1300 drop'
forget
asks both 3 server.example.net
answered
ended both
says both 0.verdict black-hole
says both 0.passes 1300
says both 0.said_mtu 1400
says both 1.passes 1300
unhole
narrow 1500
forget

say 'one of eight packets lost, each way'
hole 1300
inside router nft 'add chain inet hole lossy { type filter hook forward priority 5; }'
inside router nft add rule inet hole lossy numgen random mod 8 == 0 drop
asks lossy4 3 10.4.0.1 --through mtu4l
asks lossy6 3 fd00:6::1 --through mtu6l
answered
ended lossy4 lossy6
says lossy4 wireguard_mtu 1240
says lossy6 wireguard_mtu 1220
inside router nft flush chain inet hole lossy

say 'everything into the tunnel, as wg-quick does it'
inside laptop wg set mtu4l fwmark 51820 peer "$(key mtu4s)" allowed-ips 0.0.0.0/0,::/0
inside laptop ip route add default dev mtu4l table 51820
inside laptop ip rule add not fwmark 51820 table 51820
inside laptop ip rule add table main suppress_prefixlength 0
asks all 3 10.4.0.1
answered
ended all
says all interface mtu4l
says all endpoint_passes 1300
says all wireguard_mtu 1240
inside laptop ip rule del not fwmark 51820 table 51820
inside laptop ip rule del table main suppress_prefixlength 0
inside laptop wg set mtu4l fwmark off peer "$(key mtu4s)" allowed-ips 10.4.0.0/24,fd00:4::/64,10.9.0.0/24

say 'the other end answers nothing outside the tunnel'
inside server nft -f - <<- END
	table inet quiet {
		chain input { type filter hook input priority 0; iifname eth jump echo; }
		chain echo { icmp type echo-request drop; icmpv6 type echo-request drop; }
	}
END
asks quiet4 3 10.4.0.1 --through mtu4l
asks quiet6 3 10.6.0.1 --through mtu6l
asks none 1 203.0.113.1
answered
ended quiet4 quiet6 none
says quiet4 wireguard_mtu 1232
says quiet4 wireguard_mtu_perhaps 1247
says quiet6 wireguard_mtu 1216
says quiet6 wireguard_mtu_perhaps 1231
says none verdict no-answer
error_says none 'wgxdp mtu ADDRESS-INSIDE --through IF'
inside server nft delete table inet quiet

say 'IPv6 inside, in fragments, as it advises'
for v in 4 6; do
	inside laptop ip link set mtu${v}l mtu 1280
	inside server ip link set mtu${v}s mtu 1280
done
asks whole 3 fd00:4::1 --through mtu4l
answered
ended whole
inside laptop ip route replace 203.0.113.1 via 192.0.2.1 mtu 1300
inside laptop ip route replace 2001:db8:2::1 via 2001:db8:1::1 mtu 1300
inside server ip route replace 192.0.2.7 via 203.0.113.254 mtu 1300
inside server ip route replace 2001:db8:1::7 via 2001:db8:2::ff mtu 1300
for v in 4 6; do
	passes fd00:$v::1 1280 48 || fail "over IPv$v IPv6 packets of 1280 bytes do not pass in fragments"
	asks fragments$v 0 fd00:$v::1 --through mtu${v}l
done
answered
ended fragments4 fragments6
unhole

say 'a limit behind the other end'
namespaces inner
routers server
cable server inner inner eth
addresses server inner 10.9.0.254/24
addresses inner eth 10.9.0.1/24
gateways inner 10.9.0.254
inside server ip link set inner mtu 1150
inside inner ip link set eth mtu 1150
inside laptop wg set mtu4l peer "$(key mtu4s)" allowed-ips 10.4.0.0/24,10.9.0.0/24
asks inner 3 10.9.0.1 --through mtu4l
answered
ended inner
says inner verdict narrow
says inner said_by 10.4.0.1
says inner wireguard_mtu 1150

say 'no host, no route, no privilege'
inside laptop ip route del 203.0.113.1
inside laptop ip route del 2001:db8:2::1
inside laptop ip -6 route del default
asks nobody 1 203.0.113.9
asks wrong 1 10.99.0.1 --through mtu4l
asks gone 1 10.4.0.1 --through mtu9l
asks v4 0 server.example.net
asks v6 1 -6 server.example.net
inside laptop sysctl -qw net.ipv4.ping_group_range='0 2147483647'
inside laptop setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$wgxdp" mtu -4 -j 203.0.113.1 \
	> "$work/nobody-measures.json" || fail 'without privileges it fails'
says nobody-measures passes 1500
answered
ended nobody wrong gone v4 v6
error_says nobody '192.0.2.1 says: No route to host'
error_says gone '10.4.0.1 by mtu9l: this host has no such interface'
error_says wrong 'no WireGuard peer has this address in its AllowedIPs: add it to one'
error_says v4 'Network is unreachable'
error_says v6 'Network is unreachable'
