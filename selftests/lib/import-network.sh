# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A firewall into which the rules of tests/import are loaded. Source lib.sh first.
#
#     client .7, .50 -- 198.51.100.0/24 -- .1, .2 eth0 firewall br-lan ---- 192.168.0.0/16 --- inside
#            ::7        2001:db8:1::/64    ::1                              2001:db8:2::/64
#                                                      docker0 --- 172.17.0.0/16 ---'
#                                                      vps ------- 10.8.0.0/24 -----'

build_network() {
	local device end address
	namespaces client firewall inside
	routers firewall
	cable firewall eth0 client uplink
	takes_xdp client uplink
	addresses client uplink 198.51.100.7/24 198.51.100.50/24 2001:db8:1::7/64
	addresses firewall eth0 198.51.100.1/24 198.51.100.2/24 2001:db8:1::1/64
	gateways firewall 198.51.100.7 2001:db8:1::7
	for device in br-lan:lan docker0:docker vps:tunnel; do
		end=${device#*:} device=${device%:*}
		cable firewall "$device" inside "$end"
		takes_xdp inside "$end"
	done
	inside firewall ip link add wg0 type veth peer name wg0-end
	addresses firewall br-lan 192.168.255.1/16 192.168.255.2/16 2001:db8:2::1/64
	addresses firewall docker0 172.17.0.1/16
	addresses firewall vps 10.8.0.1/24
	for address in 192.168.1.{10,11,12,20} 2001:db8:2::{10,11}; do neighbour "$address" br-lan inside lan; done
	for address in 172.17.0.{2,3}; do neighbour "$address" docker0 inside docker; done
	neighbour 10.8.0.2 vps inside tunnel
	for address in 198.51.100.50 198.51.100.7 2001:db8:1::7; do neighbour "$address" eth0 client uplink; done
	quiet inside client
}

neighbour() { # ADDRESS DEVICE NAMESPACE ITS-DEVICE
	inside firewall ip neigh replace "$1" lladdr "$(mac "$3" "$4")" dev "$2" nud permanent
}

# shellcheck disable=SC2154 # lib.sh sets $work
load() { # FILE: loads rules into the firewall, and puts what import reads into $work/FILE
	local name=${1##*/}
	cp "$1" "$work/$name"
	case $1 in
	*.nft)
		inside firewall nft -f "$1"
		inside firewall nft list ruleset > "$work/$name"
		;;
	*.v4) inside firewall iptables-restore "$1" ;;
	*.v6) inside firewall ip6tables-restore "$1" ;;
	*.sh) inside firewall sh -e < <(sed 's/^sudo //' "$1") ;;
	*.conf) inside firewall sh -e < <(sed -n "s/^PostUp = //p" "$1" | sed "s/%i/$(basename "$name" .conf)/g") ;;
	esac
}
