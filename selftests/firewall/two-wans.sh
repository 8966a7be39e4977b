#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# With two WANs and an `ip rule from` each, all of 10,000 replies leave by the WAN whose address the client used. This
# holds for IPv4 and IPv6, in native and tc mode, even if clients change the WAN. BREAK=1 leaves out the rules.
#
#                  198.51.100.0/24, 2001:db8:1::/64
#              ,-- .1 isp1 .2 ------------- .1 wan1 \
#     client  <                                      firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#              `-- .1 isp2 .2 ------------- .1 wan2 /            2001:db8:2::/64
#                  203.0.113.0/24, 2001:db8:3::/64
#     10.9.0.1 ... 10.9.0.40, 2001:db8:9::1 ... ::28: the clients, behind both
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

clients=40
each=2500 # questions for each WAN and family: 10,000 replies
net4=("" 198.51.100 203.0.113) net6=("" 2001:db8:1 2001:db8:3) # networks of wan1 and wan2; the firewall is .1

build_network() {
	local n
	namespaces client isp1 isp2 firewall wg-end
	routers isp1 isp2 firewall
	for n in 1 2; do
		cable client uplink$n isp$n inner
		cable isp$n outer firewall wan$n
		takes_xdp isp$n outer
		addresses client uplink$n 10.8.$n.2/30 2001:db8:8:$n::2/64
		addresses isp$n inner 10.8.$n.1/30 2001:db8:8:$n::1/64
		addresses isp$n outer "${net4[n]}.2/24" "${net6[n]}::2/64"
		addresses firewall wan$n "${net4[n]}.1/24" "${net6[n]}::1/64"
		inside isp$n ip route add 10.9.0.0/24 via 10.8.$n.2
		inside isp$n ip route add 2001:db8:9::/64 via 2001:db8:8:$n::2
		inside client ip route add "${net4[n]}.0/24" via 10.8.$n.1
		inside client ip route add "${net6[n]}::/64" via 2001:db8:8:$n::1
		inside firewall ip route add default via "${net4[n]}.2" table 10$n
		inside firewall ip route add default via "${net6[n]}::2" table 10$n
		[[ ${BREAK:-} ]] || inside firewall ip rule add from "${net4[n]}.1" table 10$n
		[[ ${BREAK:-} ]] || inside firewall ip -6 rule add from "${net6[n]}::1" table 10$n
		count_arrivals isp$n right "iifname outer udp sport $port ip saddr ${net4[n]}.1"
		count_arrivals isp$n right "iifname outer udp sport $port ip6 saddr ${net6[n]}::1"
		count_arrivals isp$n replies "iifname outer udp sport $port"
	done
	for n in 1 2; do # otherwise a slow machine's kernel would lose the first ones while it resolves the neighbours
		inside isp$n ping -q -c 1 -W 5 10.8.$n.2 > /dev/null
		inside isp$n ping -q -c 1 -W 5 2001:db8:8:$n::2 > /dev/null
	done
	gateways firewall 198.51.100.2 2001:db8:1::2
	for ((n = 1; n <= clients; n++)); do
		addresses client lo 10.9.0.$n/32 "$(printf '2001:db8:9::%x/128' $n)"
	done
	cable firewall lan wg-end eth
	takes_xdp wg-end eth
	addresses firewall lan 192.168.1.1/24 2001:db8:2::1/64
	addresses wg-end eth 192.168.1.10/24 2001:db8:2::10/64
	gateways wg-end 192.168.1.1 2001:db8:2::1
}

ask() { # NAME FROM TO: as many at once as cables have room for (256), even if the CPU is busy
	inside client "$udptool" ask -n $each -r 10000 -l 128 -c $clients "$2" "$3" > "$work/$1"
}

# MODE
try() {
	local right wrong n
	wgxdp up -c "$work/wgxdp.yaml" --mode "$1"
	expect "$1: mode of wan2" "$(shown get interfaces.wan2.mode)" == "$1"
	for n in 1 2; do inside isp$n nft reset counters > /dev/null; done
	ask ipv4-wan1 10.9.0.1:4000 198.51.100.1:$port # then the same clients by wan2
	ask ipv4-wan2 10.9.0.1:4000 203.0.113.1:$port
	ask ipv6-wan1 "[2001:db8:9::1]:4000" "[2001:db8:1::1]:$port"
	ask ipv6-wan2 "[2001:db8:9::1]:4000" "[2001:db8:3::1]:$port"
	right=$(($(arrived isp1 right) + $(arrived isp2 right)))
	wrong=$(($(arrived isp1 replies) + $(arrived isp2 replies) - right))
	expect "$1: replies on the wrong WAN" "$wrong" == 0
	expect "$1: replies on the right one" "$right" == $((4 * each))
	for n in ipv4-wan1 ipv4-wan2 ipv6-wan1 ipv6-wan2; do
		expect "$1: $n: answered" "$(said $n answered)" == $each
	done
	expect "$1: carried by wgxdp" "$(shown all reply forwarded)" == $((4 * each))
	expect_sums
	wgxdp down
}

build_network
cat > "$work/wgxdp.yaml" << EOF
services:
  - name: by-wan1
    listen: { interface: wan1, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
    ipv6: dnat
  - name: by-wan2
    listen: { interface: wan2, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
    ipv6: dnat
EOF
start_listener wg-end wg-end4 -e 192.168.1.10:$port
start_listener wg-end wg-end6 -e "[2001:db8:2::10]:$port"
for mode in native tc; do try $mode; done
