#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# IPv4 datagrams without DF that are longer than the egress MTU are fragmented and arrive whole, in both directions.
# Some go by dnat (in native, generic and tc mode), some without translation. They come whole or as fragments. With
# `df: report`, and while a checksum is incomplete, the sender gets an ICMP error and fragments itself. BREAK=1 makes
# the receiver's MTU smaller than the firewall's.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                     MTU 1500 | 1400                              MTU 1400 | 1500
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=50
sizes=(1373 1472 4000) # payloads: one packet at an MTU of 1500, except the last, which is three
total=0

config() { # LINE...: more keys of the service
	cat <<- YAML
		interfaces: [ { name: wan, role: wan } ]
		services:
		  - name: wg-end
		    backend: { ipv4: 192.168.1.10, port: $port }
	YAML
	printf '    %s\n' "$@"
}

narrow() { # lan|wan: 1400 on that side, 1500 on the opposite side
	local lan=1500 wan=1400
	[[ $1 == wan ]] || lan=1400 wan=1500
	inside client ip link set uplink mtu $wan
	inside firewall ip link set wan mtu $wan
	inside firewall ip link set lan mtu $lan
	inside wg-end ip link set eth mtu $lan
	[[ ! ${BREAK:-} ]] || inside wg-end ip link set eth mtu 1300
	inside client ip route flush cache
	inside wg-end ip route flush cache
}

ask() { # N SIZE TO: prints how many came back unchanged
	inside client "$udptool" ask -d -n "$1" -r 2000 -w 200 -s "$2" 198.51.100.7:4000 "$3" > "$work/answered"
	said answered answered
}

# WHAT SIDE TO: wg-end or the client reassembles the fragments
arrives() {
	local size earlier ns=wg-end direction=original other=reply
	[[ $2 == lan ]] || ns=client direction=reply other=original
	earlier=$(reassembled $ns)
	for size in "${sizes[@]}"; do
		expect "$1: of $n datagrams of $size bytes answered" "$(ask $n "$size" "$3")" == $n
		total=$((total + n))
	done
	expect "$1: put together again" $(($(reassembled $ns) - earlier)) == $((3 * n))
	expect "$1: packets forwarded, dropped, passed" "$(shown all $direction forwarded dropped passed)" == "$((5 * n)) 0 0"
	expect "$1: $other, dropped, passed" "$(shown all $other dropped passed)" == '0 0'
	expect_sums
}

# WHAT SIDE TO: the first packet is lost, but its sender learns the MTU and fragments the others
reports_mtu() {
	local direction=original route=(client "${3%:*}")
	[[ $2 == lan ]] || direction=reply route=(wg-end 198.51.100.7)
	expect "$1: of one datagram answered" "$(ask 1 1472 "$3")" == 0
	expect "$1: of $n more answered" "$(ask $n 1472 "$3")" == $n
	expect "$1: reported" "$(shown reason $direction packet_too_big)" '>=' 1
	expect "$1: MTU learned" "$(inside "${route[0]}" ip route get "${route[1]}" | grep -o 'mtu [0-9]*')" == 'mtu 1400'
	expect_sums
}

up() { # MODE LINE...
	config "${@:2}" > "$work/wgxdp.yaml"
	wgxdp up -c "$work/wgxdp.yaml" --mode "$1" > /dev/null
}

firewall_network
start_listener wg-end answers -d -e 192.168.1.10:$port
dnat="listen: { interface: wan, ports: [ $port ] }" none='nat: none'
for mode in native generic tc; do
	for side in lan wan; do
		narrow $side
		up $mode "$dnat"
		inside firewall ping -c 1 -q 192.168.1.10 > /dev/null # fragments do not wait for unresolved neighbours
		inside firewall ping -c 1 -q 198.51.100.7 > /dev/null
		arrives "$mode, dnat, narrow $side" $side 198.51.100.1:$port
		wgxdp down
	done
done
for side in lan wan; do
	narrow $side
	up native "$none"
	arrives "native, none, narrow $side" $side 192.168.1.10:$port
	wgxdp down
	up native "$dnat" 'df: report'
	reports_mtu "native, dnat, df: report, narrow $side" $side 198.51.100.1:$port
	wgxdp down
done
for side in lan wan; do
	end=(client uplink)
	[[ $side == lan ]] || end=(wg-end eth)
	narrow $side
	inside "${end[0]}" ethtool -K "${end[1]}" tx on > /dev/null
	up native "$dnat"
	reports_mtu "checksums undone, narrow $side" $side 198.51.100.1:$port
	wgxdp down
	inside "${end[0]}" ethtool -K "${end[1]}" tx off > /dev/null
	narrow $side
	up native "$none" 'df: report'
	reports_mtu "none, df: report, narrow $side" $side 192.168.1.10:$port
	wgxdp down
done
say "$total of $total datagrams arrived in fragments, and whole"
