#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# A client is answered on the links of a real firewall: VLANs and two tags at once on WAN and LAN, and a bridge as
# LAN. This holds for both families, in auto and tc mode. XDP carries the packets if it sees the tags. If the device
# removes them, tc carries the packets, and `up` says so. wgxdp leaves alone frames for another VLAN, for the port
# below or for another MAC, with offload or without.
#
#     client uplink ------- wan firewall lan ------- eth wg-end        all of this on VLAN 7 of wan, VLAN 9 of lan, …
source "${BASH_SOURCE[0]%/*}/../lib/ways.sh"

# $wan, $lan: the firewall's devices; $uplink, $eth: the other ends
plug() { # [offloaded]
	firewall_cables
	for end in 'client uplink' 'firewall wan' 'firewall lan' 'wg-end eth'; do
		# shellcheck disable=SC2086
		[[ ${1:-} == offloaded ]] || tags_in_frames $end
	done
	uplink=uplink wan=wan lan=lan eth=eth
}

plain() { :; }

vlan() {
	tagged client uplink up7 7 && uplink=up7
	tagged firewall wan wan7 7 && wan=wan7
	tagged firewall lan lan9 9 && lan=lan9
	tagged wg-end eth eth9 9 && eth=eth9
}

vlan_on_lan() {
	tagged firewall lan lan9 9 && lan=lan9
	tagged wg-end eth eth9 9 && eth=eth9
}

# a VLAN unknown to the firewall
stray_vlan() { tagged client uplink up20 20; }

# 802.1Q in 802.1ad on the WAN, no tag on the LAN: headers grow and shrink by eight bytes
two_tags() {
	tagged client uplink up100 100 802.1ad && tagged client up100 up100.7 7 && uplink=up100.7
	tagged firewall wan wan100 100 802.1ad && tagged firewall wan100 wan100.7 7 && wan=wan100.7
}

bridge() {
	inside firewall ip link add br-lan type bridge
	inside firewall ip link set lan master br-lan
	inside firewall ip link set br-lan up
	lan=br-lan
}

try() { # LINK XDP-DIRECTIONS [offloaded]
	local what=$1${3:+ $3}
	plug "${3:-}"
	"$1"
	number
	carries "$what" auto "$2"
	[[ ! ${3:-} ]] || expect "$what: up says why" "$(grep -c 'removes VLAN tags before XDP sees them: to use XDP, run .ethtool -K ' "$work/up")" '>' 0
	carries "$what" tc ''
	[[ $1 != vlan ]] || other_vlan "$what"
	[[ $1 != bridge ]] || other_macs
	[[ $1 != stray_vlan ]] || stray "$what"
	unplug
}

stranger() { # DEVICE TO: sends n packets from it
	inside client "$udptool" send -n $n -r 20000 "$1" "$(mac firewall wan)" 198.51.100.7:4000 "$2:$port" > /dev/null
}

stray() { # WHAT
	for mode in auto tc; do
		wgxdp up --wan wan --to 192.168.1.10,2001:db8:2::10 --mode $mode > /dev/null
		stranger up20 198.51.100.1
		expect "$1, $mode: received" "$(shown all original received)" == 0
		wgxdp down
	done
}

# A service on VLAN 7 does not accept packets of VLAN 20 or untagged ones. A service on the port does not accept packets
# of a VLAN.
other_vlan() { # WHAT
	local client
	start_listener client client4 198.51.100.7:4000 # otherwise the client would send ICMP errors, which belong to the service too
	client=$!
	tagged client uplink up20 20
	tagged firewall wan wan20 20
	addresses firewall wan20 10.20.0.1/24
	addresses firewall wan 203.0.113.1/24
	for mode in auto tc; do
		wgxdp up --wan "$wan" --to 192.168.1.10,2001:db8:2::10 --mode $mode > /dev/null
		stranger up20 198.51.100.1
		stranger uplink 198.51.100.1
		expect "$1, $mode: VLAN 20 and no VLAN: received" "$(shown all original received)" == 0
		stranger "$uplink" 198.51.100.1
		expect "$1, $mode: its own VLAN: received" "$(shown all original received)" == $n
		wgxdp down
		wgxdp up --wan wan --to 192.168.1.10,2001:db8:2::10 --mode $mode > /dev/null
		stranger up20 203.0.113.1
		stranger "$uplink" 203.0.113.1
		expect "$1, $mode: VLANs, to the port: received" "$(shown all original received)" == 0
		stranger uplink 203.0.113.1
		expect "$1, $mode: no VLAN, to the port: received" "$(shown all original received)" == $n
		wgxdp down
	done
	stop $client
}

# Frames for other MACs, which a bridge's port receives in promiscuous mode
other_macs() {
	wgxdp up --wan "$wan" --to 192.168.1.10,2001:db8:2::10
	inside firewall ip link set lan promisc on
	inside wg-end "$udptool" send -n $n -r 20000 eth 02:00:00:00:00:99 192.168.1.10:$port 198.51.100.7:4000
	expect 'for another MAC: received' "$(shown all reply received)" == 0
	inside wg-end "$udptool" send -n $n -r 20000 eth "$(mac firewall br-lan)" 192.168.1.10:$port 198.51.100.7:4000
	expect "for the bridge's MAC: received" "$(shown all reply received)" == $n
	wgxdp down
	for stp in 1 0; do # with STP, a port does not forward for 30 s
		inside firewall ip link set br-lan type bridge stp_state $stp forward_delay 3000
		inside firewall ip link set lan down
		inside firewall ip link set lan up
		inside firewall ip neigh replace 192.168.1.10 lladdr "$(mac wg-end eth)" dev br-lan
		wgxdp up --wan "$wan" --to 192.168.1.10,2001:db8:2::10 > /dev/null
		inside wg-end "$udptool" send -n $n -r 20000 eth "$(mac firewall br-lan)" 192.168.1.10:$port 198.51.100.7:4000 > /dev/null
		expect "STP $stp, at a port that has just come up: received" "$(shown all reply received)" == $((stp ? 0 : n))
		wgxdp down
	done
}

try plain 'original reply'
try bridge reply
if has_vlans; then
	try vlan 'original reply'
	try two_tags 'original reply'
	try vlan '' offloaded
	try two_tags reply offloaded
	try vlan_on_lan original offloaded
	try stray_vlan reply offloaded
else
	say 'no VLANs in this kernel: the virtual machines try them'
fi
