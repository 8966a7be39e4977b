#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# A backup firewall that becomes VRRP master forwards to and from the virtual addresses and MACs without a new `up`. A
# firewall that is one of a pair. Clients and wg-end know the addresses and MACs of virtual routers, on MACVLANs like
# keepalived's use_vmac. Both families are answered, by XDP on the interface below or by tc there. The backup becomes
# master without a new `up`. wgxdp leaves alone frames for another virtual router's MAC, and a MACVLAN with another
# MAC listens too.
#
#                                   virtual routers 51, 52
#                             vrrp.51 .1/32     vrrp.52 .1/32
#     client .7 uplink ------- wan .2  firewall  lan .2 ------- eth .10 wg-end
#                             vrrp6.51 ::1      vrrp6.52 ::1
source "${BASH_SOURCE[0]%/*}/../lib/ways.sh"

at_wan=(198.51.100.2/24 2001:db8:1::2/64) at_lan=(192.168.1.2/24 2001:db8:2::2/64)

macvlan() { # DEVICE NAME MAC
	inside firewall ip link add link "$1" name "$2" address "$3" type macvlan mode private
	inside firewall ip link set "$2" up
}

plug() {
	namespaces client firewall wg-end
	routers firewall
	inside firewall sysctl -qw net.ipv4.conf.all.arp_ignore=1 # only the host that has the address answers
	cable client uplink firewall wan
	cable firewall lan wg-end eth
	takes_xdp client uplink
	takes_xdp wg-end eth
	macvlan wan vrrp.51 00:00:5e:00:01:33
	macvlan wan vrrp6.51 00:00:5e:00:02:33
	macvlan lan vrrp.52 00:00:5e:00:01:34
	macvlan lan vrrp6.52 00:00:5e:00:02:34
}

becomes() { # becomes add (master) or del (backup)
	inside firewall ip address "$1" 198.51.100.1/32 dev vrrp.51
	inside firewall ip address "$1" 2001:db8:1::1/128 dev vrrp6.51
	inside firewall ip address "$1" 192.168.1.1/32 dev vrrp.52
	inside firewall ip address "$1" 2001:db8:2::1/128 dev vrrp6.52
}

# MODE ROUTER-ON-WAN ROUTER-ON-LAN RECEIVED: the service receives so many of n frames each way for these routers' MACs
frames_for() {
	local before
	before=$(shown all original received)
	inside client "$udptool" send -n $n -r 20000 uplink "00:00:5e:00:01:$2" 198.51.100.7:4000 "$public:$port" > /dev/null
	expect "$1, for router $2 (hex): original received" $(($(shown all original received) - before)) == "$4"
	before=$(shown all reply received)
	inside wg-end "$udptool" send -n $n -r 20000 eth "00:00:5e:00:01:$3" 192.168.1.10:$port 198.51.100.7:4000 > /dev/null
	expect "$1, for router $3 (hex): reply received" $(($(shown all reply received) - before)) == "$4"
}

only_for_us() { # MODE
	local device client
	start_listener client client4 198.51.100.7:4000 # otherwise the client would send ICMP errors
	client=$!
	for device in wan lan; do inside firewall ip link set $device promisc on; done
	wgxdp up "${service[@]}" --mode "$1" > /dev/null
	frames_for "$1" 99 99 0
	frames_for "$1" 33 34 $n
	wgxdp down
	for device in wan lan; do inside firewall ip link set $device promisc off; done
	stop $client
}

becomes_master() { # MODE
	becomes del
	wgxdp up "${service[@]}" --mode "$1" > /dev/null
	becomes add
	answered "$1, master without a new up, IPv4" 198.51.100.7:4000 "$public:$port"
	answered "$1, master without a new up, IPv6" '[2001:db8:1::7]:4000' "[2001:db8:2::10]:$port"
	expect "$1, master: forwarded" "$(shown all original forwarded)" == $((2 * n))
	[[ $1 == tc ]] || expect "$1, master: by XDP" "$(shown all original forwarded_xdp)" '>' $((2 * n - 40))
	expect_sums
	wgxdp down
}

modprobe macvlan
cat > "$work/wgxdp.yaml" << YAML
interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
services:
  - name: wg-end
    listen: { addresses: [ $public ], ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
YAML
service=(-c "$work/wgxdp.yaml")
plug
becomes add
number
for mode in auto tc; do
	xdp=
	[[ $mode == tc ]] || xdp='original reply'
	carries 'virtual routers' $mode "$xdp" "${service[@]}"
	carries 'virtual routers, by interface' $mode "$xdp" --wan vrrp.51 --lan vrrp.52 --to '192.168.1.10,2001:db8:2::10'
	only_for_us $mode
	becomes_master $mode
done
macvlan wan mv0 02:00:00:00:00:01
addresses firewall mv0 198.51.100.3/32
public=198.51.100.3
few_xdp=$n carries 'another MACVLAN, IPv4 by tc' auto reply --wan mv0 --wan wan --to '192.168.1.10,2001:db8:2::10'
carries 'another MACVLAN' tc '' --wan mv0 --wan wan --to '192.168.1.10,2001:db8:2::10'
unplug
say 'ok both ways with MACs of virtual routers, from backup to master without a new up; 0 frames of another router'
