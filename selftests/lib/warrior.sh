# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced: a router that moves behind a NAT, and the router at home that follows it.
#
#     r1 uplink -- nat wan -- 198.51.100.0/24 -- net -- (routers hop1 … hopN) -- 203.0.113.0/24 -- wan r2
#     wg1          .4 … .13                      |
#                                      stranger .66
# shellcheck disable=SC2034
on=r2

# Adds tunnels between r1 and r2
warrior_network() { # [HOPS between net and r2]
	namespaces r1 r2
	warrior_wires "$@"
	choose_wireguard
	tunnel r1 wg1 10.77.0.1/32
	tunnel r2 wg2 10.77.0.2/32 51820
	inside r1 wg set wg1 peer "$(key wg2)" allowed-ips 10.77.0.2/32 endpoint 203.0.113.1:51820
	inside r2 wg set wg2 peer "$(key wg1)" allowed-ips 10.77.0.1/32
	inside r1 ip route add 10.77.0.2/32 dev wg1
	inside r2 ip route add 10.77.0.1/32 dev wg2
}

# Connects the existing namespaces r1 and r2. $uplink and $wan may name their devices, and $r2_address r2's address.
warrior_wires() { # [HOPS between net and r2]
	local i last=net hops=${1:-0} ns=()
	for ((i = 1; i <= hops; i++)); do ns+=("hop$i"); done
	namespaces nat net stranger "${ns[@]}"
	routers nat net "${ns[@]}"
	cable r1 "${uplink:=uplink}" nat inner
	cable nat outer net clients
	cable stranger eth net strangers
	addresses r1 "$uplink" 192.168.50.2/24
	addresses nat inner 192.168.50.1/24
	addresses nat outer 198.51.100.{4..13}/24
	addresses net clients 198.51.100.1/24
	addresses net strangers 192.0.2.1/24
	addresses stranger eth 192.0.2.66/24
	gateways r1 192.168.50.1
	gateways nat 198.51.100.1
	gateways stranger 192.0.2.1
	for ((i = 1; i <= hops; i++)); do
		cable "$last" "to$i" "hop$i" "from$i"
		addresses "$last" "to$i" "10.9.$i.1/30"
		addresses "hop$i" "from$i" "10.9.$i.2/30"
		gateways "hop$i" "10.9.$i.1"
		inside "$last" ip route add 203.0.113.0/24 via "10.9.$i.2"
		last=hop$i
	done
	cable "$last" home r2 "${wan:=wan}"
	takes_xdp "$last" home
	addresses "$last" home 203.0.113.254/24
	addresses r2 "$wan" "${r2_address:=203.0.113.1}/24"
	gateways r2 203.0.113.254
	nat_is 198.51.100.4 20000
}

# Moves r1 to another public address; conntrack forgets the old one
nat_is() { # ADDRESS PORT
	inside nat nft -f - <<- EOF
		table ip nat
		flush table ip nat
		table ip nat { chain out { type nat hook postrouting priority 100; oifname "outer" udp dport 51820 snat to $1:$2; oifname "outer" snat to $1; }; }
	EOF
	inside nat conntrack -F 2> /dev/null || :
}

endpoint() { inside r2 wg show wg2 endpoints | awk '{print $2}'; }
is_there() { [[ $(endpoint) == "$1" ]]; }
says() { tail -n "+$((${said:-0} + 1))" "${work:?}/daemon" | holds -- "$1"; } # since `said`
hush() { said=$(wc -l < "$work/daemon"); }
pings() { inside r1 ping -q -c 1 -W 1 10.77.0.2 > /dev/null; }
