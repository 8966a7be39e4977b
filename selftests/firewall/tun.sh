#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Devices without an Ethernet header work as WAN, as LAN and as both, and each packet is as scapy expects it (l3.py).
# They are TUN devices, NICs, VLANs and two tags at once on a NIC. Each packet that leaves is compared byte for byte,
# with its tags, with scapy's (l3.py), in auto and tc mode. This covers fragments of long packets, incomplete
# checksums, GSO packets, and the firewall's own ICMP errors (too big, time exceeded). Then WireGuard tunnels as WAN
# and LAN, and WireGuard through them. BREAK=1 gives the firewall another MTU than the packets expect.
#
#     l3.py -- TUN or 10.64.0.1/24 -- .2 $wan firewall .1 $lan -- TUN or 192.168.1.10 -- l3.py
#              2001:db8:64::1/64                                2001:db8:2::10
source "${BASH_SOURCE[0]%/*}/../lib/ways.sh"

size=2000000
wan_mtu=1450 lan_mtu=$((${BREAK:+1} + 1400)) # a TUN's, or a NIC's route's: the NIC itself takes longer packets

# SIDE KIND NAMESPACE DEVICE ID: sets $device to the firewall's device, and adds l3.py's argument to $ends
plug() {
	local ids=''
	device=$1
	if [[ $2 == tun ]]; then
		ends+=("tun:$1")
		return
	fi
	cable "$3" "$4" firewall "$1"
	takes_xdp "$3" "$4"
	inside "$3" ip link set "$4" arp off mtu 9000
	inside firewall ip link set "$1" mtu 9000
	tags_in_frames "$3" "$4"
	tags_in_frames firewall "$1"
	case $2 in
	vlan) tagged firewall "$1" "$1$5" "$5" && device=$1$5 ids=:$5 ;;
	two_tags) tagged firewall "$1" "${1}100" 100 802.1ad && tagged firewall "${1}100" "$1$5" "$5" && device=$1$5 ids=:100:$5 ;;
	esac
	ends+=("nic:$1:$3:$4$ids")
}

reach() { # KIND DEVICE MTU MAC ADDRESS DESTINATION...: routes these destinations by that address
	local destination
	if [[ $1 == tun ]]; then
		inside firewall ip link set "$2" mtu "$3" up
	else
		inside firewall ip neighbour add "$5" lladdr "$4" dev "$2"
	fi
	for destination in "${@:6}"; do
		case $1-$destination in
		tun-*) inside firewall ip route replace "$destination" dev "$2" ;;
		*-"$5") inside firewall ip route add "$destination" dev "$2" mtu lock "$3" ;;
		*) inside firewall ip route add "$destination" via "$5" mtu lock "$3" ;;
		esac
	done
}

network() { # WAN LAN
	local far_wan='' far_lan=''
	ends=()
	namespaces firewall isp wg-end
	routers firewall
	plug wan "$1" isp fore 7 && wan=$device
	plug lan "$2" wg-end eth 9 && lan=$device
	mkfifo "$work/rounds"
	start firewall selftests/lib/l3.py "${ends[@]}" "$work/rounds" >> "$work/l3" 2>&1
	l3=$!
	exec {rounds}> "$work/rounds"
	wait_for 10 "l3.py" grep -q ready "$work/l3"
	addresses firewall "$wan" 10.64.0.2/24 2001:db8:64::2/64
	addresses firewall "$lan" 192.168.1.1/24 2001:db8:2::1/64
	[[ $1 == tun ]] || far_wan=$(mac isp fore)
	[[ $2 == tun ]] || far_lan=$(mac wg-end eth)
	reach "$1" "$wan" $wan_mtu "$far_wan" 10.64.0.1 0.0.0.0/0
	reach "$1" "$wan" $wan_mtu "$far_wan" 2001:db8:64::1 ::/0
	reach "$2" "$lan" $lan_mtu "$far_lan" 192.168.1.10 192.168.1.10
	reach "$2" "$lan" $lan_mtu "$far_lan" 2001:db8:2::10 2001:db8:2::10
}

over() { ! kill -0 $l3 || grep 'packets right' "$work/l3"; }

round() { # WAN LAN MODE
	local mode=tc few=('==' 0)
	[[ $1 == tun || $3 == tc ]] || mode=native
	[[ $1 == tun || $2 == tun || $3 == tc ]] || few=('>' 5) # out of 14; the kernel gets one every two seconds
	wgxdp up -c "$work/wgxdp.yaml" --mode "$3" > "$work/up"
	expect "$1 and $2, $3: mode of $wan" "$(shown get "interfaces.$wan.mode")" == $mode
	: > "$work/l3"
	echo >&$rounds
	wait_for 60 "$1 and $2, $3: l3.py" over
	grep -q ' right, 0 wrong' "$work/l3" || fail "$1 and $2, $3: $(< "$work/l3")"
	say "ok $1 as WAN, $2 as LAN, $3: $(sort -u "$work/l3" | tr '\n' ' ')"
	right=$((right + $(awk '/packets right/ {print $1}' "$work/l3")))
	expect "$1 and $2, $3: by XDP" "$(shown all original forwarded_xdp)" "${few[@]}"
	expect_sums
	wgxdp down
}

try() { # WAN LAN MODE...
	local mode
	network "$1" "$2"
	cat > "$work/wgxdp.yaml" <<- YAML
		interfaces: [ { name: $lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: $wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: 4500 }
		    ipv6: dnat
	YAML
	for mode in "${@:3}"; do round "$1" "$2" "$mode"; done
	exec {rounds}>&-
	wait $l3 || fail "$1 and $2: l3.py: $(< "$work/l3")"
	rm "$work/rounds"
	for ns in firewall isp wg-end; do ip netns del $ns; done
}

# --- WireGuard tunnels as WAN and LAN, and WireGuard through them from client to wg-end
#
#     client 198.51.100.7 isp ===== wan .2 10.64.0.0/24 firewall .1 lan ===== site 192.168.1.10 wg-end
#            2001:db8:1::7              2001:db8:64::2  2001:db8:2::1              2001:db8:2::10

joined() { # SIDE NAMESPACE DEVICE NET PORT: a tunnel from the firewall's SIDE to that device
	cable "$2" "$3-below" firewall "$1-below"
	addresses "$2" "$3-below" "$4.2/24"
	addresses firewall "$1-below" "$4.1/24"
	tunnel firewall "$1" "$6" "$5"
	tunnel "$2" "$3" "$7"
	addresses firewall "$1" "$8"
	addresses "$2" "$3" "$9"
	inside firewall wg set "$1" peer "$(key "$3")" allowed-ips 0.0.0.0/0,::/0
	inside "$2" wg set "$3" peer "$(key "$1")" allowed-ips 0.0.0.0/0,::/0 endpoint "$4.1:$5"
	inside "$2" wg set "$3" peer "$(key "$1")" persistent-keepalive 1 # the firewall learns its endpoint
	inside "$2" ip route add default dev "$3"
	inside "$2" ip -6 route add default dev "$3"
}

# ADDRESS: a late packet of the former endpoint would make WireGuard move back
answers_to() { inside client ping -q -c 1 -W 1 10.77.0.1 && [[ $(address_seen wg-end wge wgc) == "$1" ]]; }

tunnels() {
	local end direction least=$((2 * size / 1400))
	namespaces client firewall wg-end
	routers firewall
	joined wan client isp 172.16.1 5001 10.64.0.2/24 198.51.100.7/32 2001:db8:64::2/64 2001:db8:1::7/128
	joined lan wg-end site 172.16.2 5002 192.168.1.1/24 192.168.1.10/24 2001:db8:2::1/64 2001:db8:2::10/64
	inside firewall ip route add default dev wan
	inside firewall ip -6 route add default dev wan
	tunnel wg-end wge 10.77.0.1/24 $port
	tunnel client wgc 10.77.0.2/24
	for end in 'client wgc' 'wg-end wge'; do
		# shellcheck disable=SC2086
		inside ${end% *} ip link set ${end#* } mtu 1340
	done
	inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.2/32
	sed "s/4500/$port/; s/name: .*, role/name: lan, role/; s/interface: [^,]*/interface: wan/" "$work/wgxdp.yaml" > "$work/tunnels.yaml"
	wgxdp up -c "$work/tunnels.yaml" > "$work/up"
	head -c $size /dev/urandom > "$work/file"
	for end in 10.64.0.2,198.51.100.7 '[2001:db8:64::2],[2001:db8:1::7]'; do
		inside client wg set wgc peer "$(key wge)" allowed-ips 10.77.0.0/24 endpoint "${end%,*}:$port"
		wait_for 20 "an answer from ${end%,*} through two tunnels, to ${end#*,}" answers_to "${end#*,}"
		say "ok wg-end sees the client as ${end#*,}"
		transfer "${end%,*}, through two tunnels ($WGXDP_WG)" client wg-end 10.77.0.1
		transfer "${end%,*}, through two tunnels ($WGXDP_WG)" wg-end client 10.77.0.2
	done
	for direction in original reply; do
		expect "two tunnels, $direction: forwarded" "$(shown all $direction forwarded)" '>' $least
	done
	expect_sums
	wgxdp down
}

right=0
need_tun
try tun nic auto tc
try nic tun auto
try tun tun auto
if has_vlans; then
	try vlan vlan auto tc
	try two_tags nic auto tc
	try tun two_tags auto
	try vlan tun auto
else
	say 'no VLANs in this kernel: the virtual machines try them'
fi
choose_wireguard
tunnels
say "$right of $right packets are byte for byte what they should be; WireGuard through two tunnels"
