#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# When one of two firewalls fails, keepalived moves the addresses, and no WireGuard client misses answers for longer
# than 3 s. Two firewalls with the same file of wgxdp. keepalived moves the virtual addresses, which the clients know
# and through which wg-end answers. 50 WireGuard clients ping through their tunnels ten times a second: half of them
# by nat: dnat to any address of the wan, half by nat: masquerade to wg-end's IPv6. Meanwhile the addresses move: the
# cables of a firewall fail and return, keepalived ends and starts again. No client misses answers for longer than 3
# seconds. wg-end sees each client at the same address and port, because both firewalls give it the same port. The
# kernels forward nothing. BREAK=1 runs no keepalived on the second firewall.
#
#                                   firewall f1
#     client .7 ---- bridge --- wan .2       lan .2 --- bridge ---- .10 wg-end      virtual: 198.51.100.1 at wan,
#     wgc1 … wgc50          --- wan .3       lan .3 ---                wge          192.168.1.1 and 2001:db8:2::1 at lan
#     10.77.1.1 … 10.77.1.50        firewall f2
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/keepalived.sh"

clients=50
pings=10 # a second, of each client
seconds=12 # seconds of each round

conf_of() { # FIREWALL PRIORITY: keepalived's
	cat <<- EOF
		global_defs { router_id $1 }
		vrrp_sync_group pair { group { outside inside } }
		vrrp_instance outside {
			state BACKUP
			interface wan
			version 3
			virtual_router_id 51
			priority $2
			advert_int 0.3
			virtual_ipaddress { 198.51.100.1/24 }
		}
		vrrp_instance inside {
			state BACKUP
			interface lan
			version 3
			virtual_router_id 52
			priority $2
			advert_int 0.3
			virtual_ipaddress { 192.168.1.1/24 }
			virtual_ipaddress_excluded { 2001:db8:2::1/64 }
		}
	EOF
}
cables() { # FIREWALL: at the other ends
	inside wire ip link set "wan-$1" "$2"
	inside wire ip link set "lan-$1" "$2"
}
firewall() { # FIREWALL LAST-BYTE PRIORITY
	namespaces "$1"
	routers "$1"
	cable "$1" wan wire "wan-$1"
	cable "$1" lan wire "lan-$1"
	inside wire ip link set "wan-$1" master outside
	inside wire ip link set "lan-$1" master inside
	addresses "$1" wan "198.51.100.$2/24"
	addresses "$1" lan "192.168.1.$2/24" "2001:db8:2::$2/64"
	inside "$1" nft 'add table inet t; add chain inet t c { type filter hook forward priority filter; policy drop; }'
	conf_of "$1" "$3" > "$work/$1.conf"
	start "$1" "$wgxdp" --instance "$1" daemon -c "$work/wgxdp.yaml" > "$work/$1.daemon" 2>&1
	wait_for 20 "the daemon of $1" grep -q 'the daemon follows changes' "$work/$1.daemon"
}
is_master() { [[ $(inside "$1" ip -br address show) == *198.51.100.1/24*192.168.1.1/24* ]]; } # FIREWALL
metric() { inside "$1" "$wgxdp" --instance "$1" show metrics | awk -v name="$2{service=\"masquerade\"}" '$1 == name {print $2}'; } # FIREWALL NAME

client_tunnel() { # NUMBER
	local device=wgc$1 to=$((port + $1 % 2))
	tunnel client "$device" "10.77.1.$1/32"
	inside wg-end wg set wge peer "$(key "$device")" allowed-ips "10.77.1.$1/32"
	inside client wg set "$device" peer "$(key wge)" endpoint "198.51.100.1:$to" allowed-ips 10.77.0.1/32
	inside client ip route add 10.77.0.1/32 dev "$device" src "10.77.1.$1" metric "$1"
}
endpoints() { inside wg-end wg show wge endpoints | sort; }
all_there() { (($(endpoints | grep -c ':[0-9]*$') == clients)); }
handshakes() { inside wg-end wg show wge latest-handshakes | sort; }

ping_all() { # SECONDS: each client by itself
	local i
	pids=()
	for ((i = 1; i <= clients; i++)); do
		start client ping -I "wgc$i" -i "$(printf 0.%03d $((1000 / pings)))" -c $(($1 * pings)) -W 5 10.77.0.1 > "$work/ping-$i"
		pids+=($!)
	done
}
# Prints the longest time in ms that any client got no answer; the whole time if one got none
longest() { # PINGS
	local i
	for ((i = 1; i <= clients; i++)); do
		awk -v last="$1" -v each=$((1000 / pings)) '
			match($0, /icmp_seq=[0-9]+/) && /bytes from/ {gap(substr($0, RSTART + 9, RLENGTH - 9))}
			function gap(now) {if (now - before - 1 > most) most = now - before - 1; before = now}
			END {gap(last + 1); print most * each}' "$work/ping-$i"
	done | sort -n | tail -n 1
}
# FIREWALL WHAT COMMAND...: runs COMMAND in the middle of pings; FIREWALL has the addresses then
moves() {
	ping_all $seconds
	sleep 3 # 3 seconds of pings
	"${@:3}"
	[[ ${BREAK:-} ]] || wait_for 20 "$1 has the addresses" is_master "$1"
	all_run "${pids[@]}" || fail "$2: the pings were over before"
	wait "${pids[@]}" || :
	gap=$(longest $((seconds * pings)))
	expect "$2: ms that one of $clients clients heard nothing, at most" "$gap" '<=' 3000
	((gap <= most)) || most=$gap
	endpoints | diff "$work/endpoints" - > "$work/differs" || fail "$2: other endpoints: $(< "$work/differs")"
}
most=0

choose_wireguard
if [[ $WGXDP_WG == go ]] && (($(sysctl -n fs.inotify.max_user_instances) < 2 * clients)); then
	fail 'fs.inotify.max_user_instances is too low'
fi
cat > "$work/wgxdp.yaml" << EOF
interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
services:
  - { name: dnat, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port }, nat: dnat, ipv6: off }
  - name: masquerade
    listen: { addresses: [ 198.51.100.1 ], ports: [ $((port + 1)) ] }
    backend: { ipv6: "2001:db8:2::10", port: $port }
    nat: masquerade
    flows: { source: [ "2001:db8:2::1" ] }
EOF
namespaces client wg-end wire
for bridge in outside inside; do
	inside wire ip link add $bridge type bridge
	inside wire ip link set $bridge up
done
cable client uplink wire client
cable wg-end eth wire wg-end
inside wire ip link set client master outside
inside wire ip link set wg-end master inside
addresses client uplink 198.51.100.7/24
addresses wg-end eth 192.168.1.10/24 2001:db8:2::10/64
gateways wg-end 192.168.1.1 2001:db8:2::1
firewall f1 2 150
firewall f2 3 100
keepalived_begins f1
wait_for 20 'f1 has the addresses' is_master f1
[[ ${BREAK:-} ]] || keepalived_begins f2
tunnel wg-end wge 10.77.0.1/16 $port
for ((i = 1; i <= clients; i++)); do client_tunnel $i; done
say "$clients clients with $WGXDP_WG"
ping_all 4
wait_for 30 "$clients endpoints" all_there
wait "${pids[@]}" || :
endpoints > "$work/endpoints"
expect 'endpoints of f1' "$(grep -c '\[2001:db8:2::1\]:' "$work/endpoints")" == $((clients / 2))
expect 'flows that f1 has made' "$(metric f1 wgxdp_flows_created_total)" == $((clients / 2))
handshakes > "$work/handshakes"

moves f2 "a firewall's cables go" cables f1 down
expect 'flows that f2 has made' "$(metric f2 wgxdp_flows_created_total)" == $((clients / 2))
moves f1 'they come back' cables f1 up
moves f2 'keepalived ends' keepalived_ends f1
moves f1 'it begins again' keepalived_begins f1
say "handshakes of $(handshakes | comm -23 "$work/handshakes" - | wc -l) of $clients were made anew"
for f in f1 f2; do
	expect "forwarded by $f" "$(inside $f "$wgxdp" --instance $f show --json | "$build/selftests/shown" all original forwarded)" '>' 0
	inside $f "$wgxdp" --instance $f show --json | "$build/selftests/shown" sums
done
say "$clients clients, the addresses moved four times: none heard nothing for longer than $most ms, each where it was ($WGXDP_WG)"
