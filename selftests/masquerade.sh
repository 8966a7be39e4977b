#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# WireGuard tunnels through masquerading services, for all four pairs of families: wg-end sees the firewall's address, and `show
# flows --wg` which peer that is. A transfer goes through each; flows outlast a reload and an upgrade of the programs; a backend that
# becomes another host, in the middle of a transfer, is followed at once. BREAK=1 ends the flows before the reload.
#
#                   198.51.100.0/24          192.168.1.0/24
#                   2001:db8:1::/64          2001:db8:2::/64
#     client    .7 ----------------- .1 firewall .1 ----------------- .10, .11 wg-end
#     wgc44 …                       wan          lan                        wge
#     10.77.0.44 …                                                       10.77.0.1
source "${BASH_SOURCE[0]%/*}/lib.sh"

size=$((4 << 20)) # of a transfer
pairs=(44 66 46 64) # client's family, backend's
declare -A public=([4]=198.51.100.1 [6]='[2001:db8:1::1]') backend=([4]=192.168.1.10 [6]=2001:db8:2::10)
declare -A seen=([4]='192\.168\.1\.1' [6]='\[2001:db8:2::1\]')

configuration() { # BACKEND-OF-44
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
transfer() { # PAIR: a file through the tunnel, the same at the other end
	rm -f "$work/got"
	start wg-end socat -u "TCP4-LISTEN:7000,reuseaddr,bind=10.78.$1.1" "CREATE:$work/got"
	local receiver=$!
	wait_for 5 'socat listens' tcp_listens wg-end 7000
	inside client timeout 60 socat -u "OPEN:$work/file" "TCP4:10.78.$1.1:7000,bind=10.77.0.$1" || fail "pair $1: no transfer"
	wait $receiver
	cmp "$work/file" "$work/got" || fail "pair $1: another file came"
	say "ok pair $1: $size bytes"
}
# client peer
peers() {
	wgxdp show flows --json --wg <(inside wg-end wg show "${1:-wge}" dump) | /usr/bin/python3 -IS -c '
import json, sys
for f in json.load(sys.stdin)["flows"]: print(f["service"], f["client"], f["ours"], f["wg_peer"])'
}
ours() { peers | awk '{print $1, $3}' | tr '\n' ' '; }
created() { wgxdp show metrics | awk '/^wgxdp_flows_created_total/ {n += $2} END {print n}'; }
handshake() { inside client ping -q -c 1 -W 1 "10.78.$1.1"; }
through() { inside client ping -q -c 1 -W 1 -I "10.77.0.$1" "10.78.$1.1"; }

choose_wireguard
firewall_network
addresses wg-end eth 192.168.1.11/24
configuration > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
tunnel wg-end wge 10.77.0.1/16 $port
head -c $size /dev/urandom > "$work/file"
for pair in "${pairs[@]}"; do
	tunnel_of "$pair"
	wait_for 10 "pair $pair: a handshake" handshake "$pair"
	[[ $(endpoint_seen wg-end wge "wgc$pair") =~ ^${seen[${pair:1}]}:[0-9]+$ ]] ||
		fail "pair $pair: wg-end sees $(endpoint_seen wg-end wge "wgc$pair")"
	say "ok pair $pair: wg-end sees $(endpoint_seen wg-end wge "wgc$pair")"
	transfer "$pair"
done

peers > "$work/peers"
for pair in "${pairs[@]}"; do
	expect "pair $pair: its peer" "$(awk -v service="pair$pair" '$1 == service {print $4}' "$work/peers")" == "$(key "wgc$pair")"
done
[[ $(peers all | sort) == "$(sort "$work/peers")" ]] || fail "a dump of all interfaces: $(peers all)"

ours > "$work/before"
[[ ! ${BREAK:-} ]] || wgxdp flow del --all
sed 's/max: 1000/max: 3000/' "$work/wgxdp.yaml" | wgxdp up -c - > "$work/up" # larger maps, programs anew
grep -q 'programs loaded' "$work/up" || fail "nothing was loaded: $(< "$work/up")"
for pair in "${pairs[@]}"; do wait_for 10 "pair $pair: goes on" through "$pair"; done
expect 'flows after a reload' "$(ours)" == "$(< "$work/before")"
expect 'made so far' "$(created)" == ${#pairs[@]}

start client ping -q -i 0.05 -I 10.77.0.44 10.78.44.1 > /dev/null
ping=$!
configuration 192.168.1.11 | wgxdp up -c - > "$work/up"
moved() { [[ $(wgxdp show flows | awk '$1 == "pair44" {print $5}') == 192.168.1.11:$port ]]; }
wait_for 5 'a backend that becomes another' moved
wait_for 5 'through the other one' through 44
transfer 44
kill $ping
expect 'moved' "$(wgxdp show metrics | awk '$1 == "wgxdp_flows_moved_total{service=\"pair44\"}" {print $2}')" == 1
expect 'other flows' "$(ours | sed 's/pair44 [^ ]*//')" == "$(sed 's/pair44 [^ ]*//' "$work/before")"
expect_sums
