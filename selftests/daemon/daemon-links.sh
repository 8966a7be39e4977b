#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# The daemon follows links that are not plain ports, and clients are answered after each change. The links: the ports
# of the bridge that is the LAN, an interface that goes down and up, a VLAN as WAN that gets another id, and a
# WireGuard tunnel as WAN. Clients are answered after each change, by XDP if possible. A device that is no longer a
# port is released. BREAK=1 stops the daemon before.
#
#     client uplink ------ wan firewall br-lan lan1 ------ eth1 eth wg-end     eth is a bridge, of which one port is plugged
#            up7, wgc      wan7, wgf          lan2 ------ eth2
source "${BASH_SOURCE[0]%/*}/../lib/ways.sh"

configuration() { # WAN BACKEND
	cat <<- END
		interfaces: [ { name: br-lan, role: lan } ]
		services: [ { name: wg-end, listen: { interface: $1, ports: [ $port ] }, backend: { $2, port: $port } } ]
	END
}
both='ipv4: 192.168.1.10, ipv6: "2001:db8:2::10"'

plug() {
	local i
	namespaces client firewall wg-end
	routers firewall
	cable client uplink firewall wan
	takes_xdp client uplink
	inside firewall ip link add br-lan type bridge
	inside wg-end ip link add eth type bridge
	for i in 1 2; do
		cable firewall lan$i wg-end eth$i
		takes_xdp wg-end eth$i
		tags_in_frames firewall lan$i
		tags_in_frames wg-end eth$i
	done
	tags_in_frames client uplink
	tags_in_frames firewall wan
	inside firewall ip link set br-lan address 02:00:00:00:00:01 up
	inside wg-end ip link set eth address 02:00:00:00:00:10 up
	plugged 1
	lan=br-lan
}

plugged() { # NUMBER: plugs this port in and the other out; two would be a loop
	local i=$((3 - $1))
	inside firewall ip link set lan$i nomaster
	inside wg-end ip link set eth$i nomaster
	inside firewall ip link set "lan$1" master br-lan
	inside wg-end ip link set "eth$1" master eth
}

follows() { # CONFIGURATION...: starts a daemon with this configuration
	configuration "$@" > "$work/wgxdp.yaml"
	start_daemon -c "$work/wgxdp.yaml"
	[[ ! ${BREAK:-} ]] || kill -STOP "$daemon"
}

five_asked() { # FROM TO: and answered
	inside client "$udptool" ask -n 5 -r 1000 -w 100 "$1:4001" "$2:$port" > "$work/asked" && [[ $(said asked answered) == 5 ]]
}

# With xdp: by XDP. Always by wgxdp: the kernel would answer with an ICMP error, because no socket listens
goes() { # WHAT [xdp]
	local replies xdp
	wait_for 10 "$1: answers" five_asked 198.51.100.7 198.51.100.1
	wait_for 10 "$1: answers over IPv6" five_asked '[2001:db8:1::7]' '[2001:db8:2::10]'
	[[ ! ${2:-} ]] || wait_for 10 "$1: XDP does it" by_xdp # until the daemon has followed, tc forwards
	replies=$(shown all reply forwarded) xdp=$(shown all reply forwarded_xdp)
	answered "$1, IPv4" 198.51.100.7:4000 "198.51.100.1:$port"
	answered "$1, IPv6" '[2001:db8:1::7]:4000' "[2001:db8:2::10]:$port"
	expect "$1: replies forwarded" $(($(shown all reply forwarded) - replies)) == $((2 * n))
	[[ ! ${2:-} ]] || expect "$1: replies by XDP" $(($(shown all reply forwarded_xdp) - xdp)) '>' $((2 * n - 40))
}
by_xdp() {
	local before
	before=$(shown all reply forwarded_xdp)
	five_asked 198.51.100.7 198.51.100.1 && (($(shown all reply forwarded_xdp) - before >= 4))
}
let_go() { ! inside firewall ip link show "$1" | holds prog/xdp; }

bridge_ports() {
	local number
	follows wan "$both"
	goes 'a bridge with one port' xdp
	for number in 2 1 2; do
		plugged $number
		goes "port lan$number in the place of the other" xdp
		wait_for 10 'the other port is let go' let_go lan$((3 - number))
	done
	inside firewall ip link del lan2
	cable firewall lan2 wg-end eth2
	takes_xdp wg-end eth2
	tags_in_frames firewall lan2
	plugged 2
	goes 'port lan2 is made anew' xdp
	inside firewall ip link set br-lan type bridge stp_state 1 forward_delay 400
	inside firewall ip link set lan2 down
	inside firewall ip link set lan2 up
	wait_for 6 'a port that STP blocks for 8 s: no answers' none_answered
	goes 'port lan2 forwards again' xdp
	inside firewall ip link set br-lan type bridge stp_state 0
}
none_answered() {
	inside client "$udptool" ask -n 5 -r 1000 -w 100 198.51.100.7:4001 "198.51.100.1:$port" > "$work/asked" || :
	[[ $(said asked answered) == 0 ]]
}

down_and_up() {
	local device
	for device in wan br-lan lan2; do
		inside firewall ip link set $device down
		sleep 0.2
		inside firewall ip link set $device up
		case $device in # IPv6 addresses go with the link
		wan) inside firewall ip address replace 2001:db8:1::1/64 dev wan ;;
		br-lan) inside firewall ip address replace 2001:db8:2::1/64 dev br-lan ;;
		esac
		goes "$device down and up" xdp
	done
	expect_sums
	wgxdp down
	wait "$daemon"
}

vlans() {
	local id
	if ! inside firewall ip link add link wan name probe7 type vlan id 7 2> /dev/null; then
		say 'no VLANs in this kernel: the virtual machines try them'
		return
	fi
	inside firewall ip link del probe7
	inside firewall ip address flush dev wan
	inside client ip address flush dev uplink
	uplink=up7 wan=wan7
	follows wan7 "$both"
	for id in 7 8 7; do
		tagged client uplink up7 $id
		tagged firewall wan wan7 $id
		addresses client up7 198.51.100.7/24 2001:db8:1::7/64
		addresses firewall wan7 198.51.100.1/24 2001:db8:1::1/64
		gateways client 198.51.100.1 2001:db8:1::1
		goes "VLAN $id is made" xdp
		inside firewall ip link del wan7
		inside client ip link del up7
		wait_for 10 'the port below is let go' let_go wan
	done
	expect_sums
	wgxdp down
	wait "$daemon"
	addresses client uplink 198.51.100.7/24
	addresses firewall wan 198.51.100.1/24
}

# The program for devices without Ethernet headers is loaded with the first such device
tunnels() {
	local device
	choose_wireguard
	follows wgf 'ipv4: 192.168.1.10'
	[[ ! -e /sys/fs/bpf/wgxdp/default/progs/wgxdp_tc_l3 ]] || fail 'a program is loaded that nothing needs'
	for _ in 1 2; do
		tunnel firewall wgf 10.9.0.1/24 51999
		tunnel client wgc 10.9.0.2/24
		inside firewall wg set wgf peer "$(key wgc)" allowed-ips 10.9.0.2/32
		inside client wg set wgc peer "$(key wgf)" allowed-ips 10.9.0.0/24 endpoint 198.51.100.1:51999
		wait_for 10 'a tunnel is made: answers' five_asked 10.9.0.2 10.9.0.1
		answered 'a tunnel is made' 10.9.0.2:4000 "10.9.0.1:$port"
		for device in wgf:firewall wgc:client; do inside "${device#*:}" ip link del "${device%:*}"; done
	done
	[[ -e /sys/fs/bpf/wgxdp/default/progs/wgxdp_tc_l3 ]] || fail 'its program does not stay'
	expect_sums
	end_daemon
}

plug
number
bridge_ports
down_and_up
vlans
tunnels
say 'ok ports of bridges, VLANs and tunnels come and go, and clients are answered after each'
