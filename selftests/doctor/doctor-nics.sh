#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# Doctor names and fixes LRO that is on, and a wg-end on a VLAN that the firewall lacks. Like
# selftests/doctor/doctor.sh, for kernels with VLANs and a device that supports LRO (a bond). BREAK=1 leaves out the
# faults.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                                      (a bond)                                    (VLAN 7 of eth)
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

namespaces client firewall wg-end
routers firewall
cable client uplink firewall port
inside firewall ip link set port down
inside firewall ip link add wan type bond mode active-backup
inside firewall ip link set port master wan
inside firewall ip link set wan up
cable firewall lan wg-end eth
takes_xdp client uplink
addresses client uplink 198.51.100.7/24
addresses firewall wan 198.51.100.1/24
addresses firewall lan 192.168.1.1/24
addresses wg-end eth 192.168.1.10/24
gateways wg-end 192.168.1.1

start_listener wg-end listener -e 192.168.1.10:$port
firewall_up
wait_for 5 'packets pass' question
wrong ethtool -K wan lro on > /dev/null
names lro
heals
passes_again 'LRO'

# wg-end moves to a VLAN, and still asks for its gateway
move() {
	inside wg-end ip address flush dev eth
	inside wg-end ip link add link eth name eth.7 type vlan id 7
	inside wg-end ip link set eth.7 up
	inside wg-end sysctl -qw net.ipv4.conf.all.arp_ignore=1 # no switch would carry it there
	addresses wg-end eth.7 192.168.1.10/24
	gateways wg-end 192.168.1.1
	inside firewall ip neighbour flush dev lan
	start wg-end ping -i 0.2 192.168.1.1 > /dev/null
}
[[ ${BREAK:-} ]] || move
firewall_up
treated vlan
passes_again 'a VLAN'
