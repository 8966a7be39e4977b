# shellcheck shell=bash disable=SC2154 # what lib.sh has
# SPDX-License-Identifier: GPL-2.0-or-later
# Masquerading services for all four pairs of families, and a WireGuard tunnel of the client through each. Source lib.sh
# first. The tunnel of pair 46 (client IPv4, backend IPv6) is wgc46 at the client, with address 10.77.0.46; wg-end is
# 10.78.46.1 in it. Addresses are those of firewall_network, unless `public` and `backend` change them.

pairs=(44 66 46 64) # the client's family, and the backend's
declare -A public=([4]=198.51.100.1 [6]='[2001:db8:1::1]') backend=([4]=192.168.1.10 [6]=2001:db8:2::10)
declare -A seen=([4]='192\.168\.1\.1' [6]='\[2001:db8:2::1\]') # a pattern for the address that wg-end sees

configuration() { # [BACKEND-OF-44]
	local pair
	echo 'services:'
	for pair in "${pairs[@]}"; do
		cat <<- EOF_SERVICE
			  - name: pair$pair
			    listen: { interface: wan, ports: [ $((10000 + pair)) ] }
			    backend: { ipv${pair:1}: "${backend[${pair:1}]}", port: $port }
			    nat: masquerade
			    flows: { max: 1000 }
		EOF_SERVICE
	done | if [[ ${1:-} ]]; then sed "0,/${backend[4]}/s//$1/"; else cat; fi
}

tunnel_of() { # PAIR
	local device=wgc$1
	tunnel client "$device" "10.77.0.$1/32"
	inside wg-end wg set wge peer "$(key "$device")" allowed-ips "10.77.0.$1/32"
	addresses wg-end wge "10.78.$1.1/32"
	inside client wg set "$device" peer "$(key wge)" endpoint "${public[${1:0:1}]}:$((10000 + $1))" allowed-ips "10.78.$1.1/32" persistent-keepalive 1
	inside client ip route replace "10.78.$1.1/32" dev "$device" src "10.77.0.$1"
}

through() { inside client ping -q -c 1 -W 1 -I "10.77.0.$1" "10.78.$1.1"; } # PAIR

# Checks that all tunnels are up, and that wg-end sees the firewall at each
tunnels_up() {
	local pair
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	tunnel wg-end wge 10.77.0.1/16 "$port"
	for pair in "${pairs[@]}"; do
		tunnel_of "$pair"
		wait_for 10 "pair $pair: a handshake" through "$pair"
		[[ $(endpoint_seen wg-end wge "wgc$pair") =~ ^${seen[${pair:1}]}:[0-9]+$ ]] ||
			fail "pair $pair: wg-end sees $(endpoint_seen wg-end wge "wgc$pair")"
		say "ok pair $pair: wg-end sees $(endpoint_seen wg-end wge "wgc$pair")"
	done
}

# Prints a line for each flow: service client ours peer
peers() {
	wgxdp show flows --json --wg <(inside wg-end wg show wge dump) | /usr/bin/python3 -IS -c '
import json, sys
for f in json.load(sys.stdin)["flows"]: print(f["service"], f["client"], f["ours"], f["wg_peer"])'
}
created() { wgxdp show metrics | awk '/^wgxdp_flows_created_total/ {n += $2} END {print n}'; }
