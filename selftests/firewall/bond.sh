#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# Clients are answered through bonds, also with VLANs, and when the active port fails. The WAN's ports back each other
# up, and the LAN's ports share the load. The kernel attaches XDP to the ports, and both families are answered, in
# auto and tc mode. wgxdp leaves alone what arrives by the backup port or for another MAC. When the active port fails,
# the second port's frames are forwarded without a new `up`; XDP forwards them after an `up`, or under a daemon.
#
#                      p1 ------- wan1                    lan1 ------- eth1
#     client uplink <               > wan firewall lan <                 > eth wg-end
#         (switch)     p2 ------- wan2  active-backup     lan2 ------- eth2
source "${BASH_SOURCE[0]%/*}/../lib/ways.sh"

bonds() { # NAMESPACE DEVICE MODE PORT...: uses existing cables
	local one
	inside "$1" ip link add "$2" type bond mode "$3" miimon 50
	for one in "${@:4}"; do
		inside "$1" ip link set "$one" down
		inside "$1" ip link set "$one" master "$2"
	done
	inside "$1" ip link set "$2" up
}

plug() {
	local i
	namespaces client firewall wg-end
	routers firewall
	inside client ip link add uplink type bridge
	for i in 1 2; do
		cable client p$i firewall wan$i
		cable firewall lan$i wg-end eth$i
		takes_xdp client p$i
		takes_xdp wg-end eth$i
		for end in "client p$i" "firewall wan$i" "firewall lan$i" "wg-end eth$i"; do
			# shellcheck disable=SC2086
			tags_in_frames $end
		done
		inside client ip link set p$i master uplink
	done
	inside client ip link set uplink up
	bonds firewall wan active-backup wan1 wan2
	bonds firewall lan balance-xor lan1 lan2
	bonds wg-end eth balance-xor eth1 eth2
}

active() { [[ $(inside firewall ip -d link show "$1") == *"state ACTIVE"* ]]; }

stranger() { # DEVICE MAC
	inside client "$udptool" send -n $n -r 20000 "$1" "$2" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
}

# A socket takes the answers; otherwise there would be ICMP errors, which belong to the service too
only_for_us() { # MODE
	local client
	start_listener client client4 198.51.100.7:4000
	client=$!
	wgxdp up --wan "$wan" --to 192.168.1.10,2001:db8:2::10 --mode "$1" > /dev/null
	inside firewall ip link set wan promisc on
	stranger p1 02:00:00:00:00:99
	expect "$1, for another MAC: received" "$(shown all original received)" == 0
	stranger p2 "$(mac firewall wan)"
	expect "$1, by the backup port: received" "$(shown all original received)" == 0
	stranger p1 "$(mac firewall wan)"
	expect "$1, by the active port: received" "$(shown all original received)" == $n
	inside firewall ip link set wan promisc off
	wgxdp down
	stop $client
}

back() { # the bond uses a port only after it has seen the link up, which it checks each miimon
	inside client ip link set p1 up
	wait_for 10 'the bond takes wan1' inside firewall ip link set wan type bond active_slave wan1
	wait_for 10 'wan1 is active' active wan1
}

asked() { # WHAT
	answered "$1, IPv4" 198.51.100.7:4000 198.51.100.1:$port
	answered "$1, IPv6" '[2001:db8:1::7]:4000' "[2001:db8:2::10]:$port"
}

fails_over() { # MODE
	local xdp
	wgxdp up --wan "$wan" --to 192.168.1.10,2001:db8:2::10 --mode "$1" > /dev/null
	inside client ip link set p1 down
	wait_for 10 'wan2 is active' active wan2
	asked "$1, wan1 is down"
	expect "$1, wan1 is down: original forwarded" "$(shown all original forwarded)" == $((2 * n))
	wgxdp up --wan "$wan" --to 192.168.1.10,2001:db8:2::10 --mode "$1" > /dev/null
	xdp=$(shown all original forwarded_xdp)
	asked "$1, up again"
	[[ $1 == tc ]] || expect "$1, up again: original by XDP" $(($(shown all original forwarded_xdp) - xdp)) '>' $((2 * n - 40))
	expect_sums
	wgxdp down
	back
	ping_all
}

# Under a daemon, XDP forwards packets of the new active port by itself. BREAK=1 stops the daemon before.
fails_over_followed() {
	echo "services: [ { name: wg-end, listen: { interface: $wan, ports: [ $port ] }," \
		"backend: { ipv4: 192.168.1.10, ipv6: \"2001:db8:2::10\", port: $port } } ]" > "$work/wgxdp.yaml"
	start_daemon -c "$work/wgxdp.yaml"
	[[ ! ${BREAK:-} ]] || kill -STOP "$daemon"
	inside client ip link set p1 down
	wait_for 10 'wan2 is active' active wan2
	wait_for 5 'the daemon follows: originals by XDP' by_xdp
	asked 'followed, wan1 is down'
	back
	wait_for 5 'the daemon follows back: originals by XDP' by_xdp
	expect_sums
	wgxdp down
	wait "$daemon"
	say 'ok the daemon follows when the active port of a bond fails, and when it is back'
}
by_xdp() {
	local before
	before=$(shown all original forwarded_xdp)
	inside client "$udptool" ask -n $n -r 20000 198.51.100.7:4000 198.51.100.1:$port > /dev/null
	(($(shown all original forwarded_xdp) - before > n - 20))
}

modprobe bonding
plug
number
wait_for 10 'wan1 is active' active wan1
for mode in auto tc; do
	xdp=
	[[ $mode == tc ]] || xdp='original reply'
	carries bond $mode "$xdp"
	only_for_us $mode
	fails_over $mode
done
fails_over_followed
unplug
plug
tagged client uplink up7 7 && uplink=up7
tagged firewall wan wan7 7 && wan=wan7
tagged firewall lan lan9 9 && lan=lan9
tagged wg-end eth eth9 9 && eth=eth9
number
carries 'VLANs on bonds' auto 'original reply'
carries 'VLANs on bonds' tc ''
unplug
say 'ok bonds carry both ways, alone and with VLANs; 0 frames by the backup port or for another MAC'
