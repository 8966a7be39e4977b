#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Each client reaches its own one of eight WireGuard servers with eight keys behind one address and port (servers.sh).
# Eight clients Each of eight clients reaches its own server, and a ninth reaches two of them from one port. They roam
# within their sessions, to another port and to another address, and no message comes to the wrong server. With nat
# dnat and masquerade. A second service may have one of these servers as its only backend: each client hears the
# server from the address and port that it uses. BREAK=1: see servers.sh
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/servers.sh"


latest() { inside client wg show all latest-handshakes | grep ^wgc | sort; }

# first|last: the place of the service that has server2 alone
shared_server() {
	local own at
	own="{ name: own, listen: { interface: wan, ports: [ 443 ] }, backend: { ipv4: 192.168.1.12, port: $port } }"
	servers_configuration dnat > "$work/wgxdp.yaml"
	if [[ $1 == first ]]; then
		sed -i "s/^services: \[ /&$own,\n  /" "$work/wgxdp.yaml"
	else
		sed -i "\$s/.*/  ] }, $own ]/" "$work/wgxdp.yaml"
	fi
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	clients_begin
	for at in $port 443; do
		inside client wg set wgc2 peer "$(key wge2)" remove peer "$(key wge2)" endpoint "198.51.100.1:$at" allowed-ips 10.77.0.2/32
		ping_servers 3 0.2
		expect "a shared server, service $1, port $at: pings lost" "$lost" == 0
		expect "a shared server, service $1, port $at: the client hears it from" "$(endpoint_seen client wgc2 wge2)" == "198.51.100.1:$at"
	done
	wgxdp down > /dev/null
}

choose_wireguard
servers_network
servers_tunnels
for nat in dnat masquerade; do
	servers_configuration $nat > "$work/wgxdp.yaml"
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	begin_captures
	clients_begin
	ping_servers 5 0.2
	expect "$nat: pings lost, of $((5 * ${#pairs[@]}))" "$lost" == 0
	sessions_settle
	latest > "$work/before"
	for address in 198.51.100.8 198.51.100.9; do
		clients_roam $address
		ping_servers 5 0.2
		expect "$nat: pings lost after roaming, of $((5 * ${#pairs[@]}))" "$lost" == 0
	done
	latest > "$work/after"
	cmp -s "$work/before" "$work/after" || fail "$nat: new sessions: $(diff "$work/before" "$work/after")"
	end_captures $nat
	expect "$nat: places they came from" "$(said directed places)" '>=' $((2 * clients))
	expect_sums
	wgxdp down > /dev/null
	for address in 198.51.100.8 198.51.100.9; do inside client ip address del $address/24 dev uplink; done
	inside client nft delete table ip roam
done
for place in first last; do shared_server $place; done
