#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# Packets from the WAN are routed by the WAN's VRF, although the table main has a blackhole route for the same prefix.
# Once the LAN is in the same VRF, and wgxdp finds it without being told. Once the LAN is in none, and routes leak
# between the tables. Both families are answered, in auto and tc mode.
#
#                               -- VRF red ----------
#     client uplink ------- wan |    firewall       | lan ------- eth wg-end
#                               ---------------------
#                                 decoy (table main): 192.168.1.0/24, 2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/ways.sh"

plug() { # MEMBER-OF-THE-VRF...
	local member
	namespaces client firewall wg-end
	routers firewall
	cable client uplink firewall wan
	cable firewall lan wg-end eth
	takes_xdp client uplink
	takes_xdp wg-end eth
	inside firewall ip link add red type vrf table 10
	inside firewall ip link set red up
	for member; do inside firewall ip link set "$member" master red; done
}

decoy() {
	inside firewall ip link add decoy type bridge
	inside firewall ip link set decoy up
	addresses firewall decoy 192.168.1.2/24 2001:db8:2::2/64
}

leaks() {
	inside firewall ip route add 192.168.1.0/24 dev lan vrf red
	inside firewall ip route add 2001:db8:2::/64 dev lan vrf red
	inside firewall ip route add 198.51.100.0/24 dev wan
	inside firewall ip route add 2001:db8:1::/64 dev wan
}

modprobe vrf
plug wan lan
decoy
number
carries 'WAN and LAN in a VRF' auto 'original reply'
carries 'WAN and LAN in a VRF' tc ''
unplug
plug wan
leaks
number
carries 'WAN in a VRF, LAN in none' auto 'original reply'
carries 'WAN in a VRF, LAN in none' tc ''
unplug
say 'ok both ways as the VRF says, though the table main says another thing'
