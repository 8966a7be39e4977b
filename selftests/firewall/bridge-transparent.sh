#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Traffic between two ports of the firewall's bridge, on which services listen, arrives with the same bytes and order
# as without wgxdp. Client and wg-end are on the two ports. This holds in both directions, whether the traffic belongs
# to a service or not (traffic.py), in native, generic and tc mode. Frames flooded for other MACs, while tcpdump makes
# the ports promiscuous, are neither forwarded nor counted. BREAK=1 sends those to the bridge's own MAC.
#
#     client uplink --- lan1 \
#                             br-lan .1 firewall wan --- 198.51.100.0/24 --- far .7
#     wg-end    eth --- lan2 /  192.168.1.0/24, 2001:db8:2::/64              2001:db8:1::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

client=02:00:00:00:00:07 end=02:00:00:00:00:01 other=02:00:00:00:00:99
n=200

network() {
	local device
	namespaces client firewall wg-end far
	routers firewall
	cable client uplink firewall lan1
	cable wg-end eth firewall lan2
	cable far fore firewall wan
	takes_xdp client uplink
	takes_xdp wg-end eth
	takes_xdp far fore
	inside firewall ip link add br-lan type bridge mcast_snooping 0
	for device in lan1 lan2; do
		inside firewall ip link set $device mtu 9000 master br-lan
		inside firewall ethtool -K $device gro off > /dev/null # GRO would merge bridged frames
	done
	inside firewall ip link set br-lan up
	silent client uplink $client
	silent wg-end eth $end
	addresses firewall wan 198.51.100.1/24 2001:db8:1::1/64
	addresses firewall br-lan 192.168.1.1/24 2001:db8:2::1/64
	addresses far fore 198.51.100.7/24 2001:db8:1::7/64
	for address in 192.168.1.10 2001:db8:2::10; do
		inside firewall ip neighbour add $address lladdr $end dev br-lan
	done
	count_arrivals far all_of_them "udp dport { 4000, $port }"
	inside far nft add rule inet seen arrivals meta l4proto udp drop # otherwise it would answer with ICMP errors
}

silent() { # NAMESPACE DEVICE MAC: keeps it from sending packets by itself
	inside "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
	inside "$1" ip link set "$2" arp off address "$3" mtu 9000
}

up() { # MODE
	cat > "$work/wgxdp.yaml" <<- YAML
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    ipv6: dnat
		  - name: outside
		    listen: { interface: br-lan, ports: [ $port ] }
		    backend: { ipv4: 198.51.100.7, ipv6: "2001:db8:1::7", port: $port }
		    ipv6: dnat
	YAML
	wgxdp up -c "$work/wgxdp.yaml" --mode "$1" > /dev/null
}

capture() { # NAMESPACE DEVICE FILE: as $!
	start "$1" selftests/lib/traffic.py capture "$2" "$3" > "$3.log"
	wait_for 5 'the listener' grep -q catching "$3.log"
}

# WHAT: sends frames from one port to the other, and the same ones back, to $work/WHAT.there and .back
cross() {
	local capturer way file
	for way in 'there client uplink wg-end eth' 'back wg-end eth client uplink'; do
		# shellcheck disable=SC2086 # words
		set -- "$1" $way
		capture "$5" "$6" "$work/$1.$2"
		capturer=$!
		for file in frames bridged; do inside "$3" selftests/lib/traffic.py send "$work/$file.$2" "$4" > /dev/null; done
		stop $capturer
	done
	say "ok $1: frames that crossed: $(tail -n 1 "$work/$1.there.log") there, $(tail -n 1 "$work/$1.back.log") back"
}

counted() { # DIRECTION: prints the packets that wgxdp counted for services
	shown all "$1" received
}

# Frames for other MACs, which a bridge floods and promiscuous ports receive
flooded() { # MODE
	local device dump=() mac=$other
	[[ ! ${BREAK:-} ]] || mac=$(mac firewall br-lan)
	inside far nft reset counters > /dev/null
	for device in lan1 lan2 br-lan; do
		start firewall tcpdump -n -i $device -w "$work/$device.pcap" 2> "$work/$device.dump"
		dump+=($!)
		wait_for 5 "tcpdump on $device" grep -q listening "$work/$device.dump"
	done
	flood "$mac"
	expect "$1: flooded for another MAC: counted" $(($(counted original) + $(counted reply))) == 0
	expect "$1: flooded for another MAC: forwarded" "$(arrived far all_of_them)" == 0
	flood "$(mac firewall br-lan)"
	expect "$1: for the bridge's own MAC: originals counted" "$(counted original)" == $((2 * n))
	expect "$1: for the bridge's own MAC: replies counted" "$(counted reply)" == $((2 * n))
	wait_for 5 "$1: for the bridge's own MAC: forwarded" eval "((\$(arrived far all_of_them) == 4 * $n))"
	kill "${dump[@]}"
	expect_sums
}

flood() { # MAC: floods a service's packets, and answers of wg-end
	inside client "$udptool" send -n $n -r 20000 uplink "$1" 192.168.1.7:4000 192.168.1.1:$port > /dev/null
	inside client "$udptool" send -n $n -r 20000 uplink "$1" "[2001:db8:2::7]:4000" "[2001:db8:2::1]:$port" > /dev/null
	inside wg-end "$udptool" send -n $n -r 20000 eth "$1" 192.168.1.10:$port 198.51.100.7:4000 > /dev/null
	inside wg-end "$udptool" send -n $n -r 20000 eth "$1" "[2001:db8:2::10]:$port" "[2001:db8:1::7]:4000" > /dev/null
}

network
selftests/lib/traffic.py make "$work/frames.there" > /dev/null
selftests/lib/traffic.py bridged "$work/bridged.there" > /dev/null
for file in frames bridged; do selftests/lib/traffic.py turn "$work/$file.there" "$work/$file.back"; done
cross without
expect 'frames that cross without wgxdp' "$(tail -n 1 "$work/without.there.log")" '>' 800
inside firewall ping -c 1 -q 198.51.100.7 > /dev/null
inside firewall ping -c 1 -q 2001:db8:1::7 > /dev/null
for mode in native generic tc; do
	up $mode
	expect "$mode: mode of br-lan" "$(shown get interfaces.br-lan.mode)" == $mode
	cross $mode
	for way in there back; do
		cmp "$work/without.$way" "$work/$mode.$way" || fail "$mode: other bytes, or another order, $way"
	done
	expect "$mode: of a service, by wgxdp's count" $(($(counted original) + $(counted reply))) == 0
	flooded $mode
	wgxdp down
done
say "$(($(tail -n 1 "$work/without.there.log") + $(tail -n 1 "$work/without.back.log"))) frames in each of 3 modes: the same bytes and order; flooded for another MAC: 0 of $((4 * n)) forwarded"
