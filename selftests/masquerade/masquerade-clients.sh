#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# All 200 WireGuard clients behind one IPv4 address reach one IPv6 wg-end as 200 endpoints, and none changes over
# reloads and upgrades. 200 WireGuard clients, each with its own key and tunnel, come from one public IPv4 address to
# one IPv6 wg-end, which sees 200 endpoints. All ping through their tunnels while the service gets larger maps, and so
# new programs, and while wgxdp is upgraded, each several times. No ping is lost, no endpoint changes, no flow is
# recreated, and `show flows --wg` still names the key of each port's client. BREAK=1 swaps the ports of two clients
# in between.
#
#                 198.51.100.0/24             2001:db8:2::/64
#     client  .7 ----------------- .1 firewall ::1 ----------- ::10 wg-end
#     wgc1 … wgc200               wan          lan             eth  wge
#     10.77.1.1 … 10.77.1.200                                       10.77.0.1
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

clients=200
times=4 # reloads, and upgrades
pings=8 # pings a second of each client: mistakes can happen that often

build_another
builds=("$wgxdp" "$other")

configuration() { # FLOWS
	cat <<- EOF
		services:
		  - name: many
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv6: "2001:db8:2::10", port: $port }
		    nat: masquerade
		    flows: { max: $1, ports: 20000-20399 }
	EOF
}

client_tunnel() { # NUMBER
	local device=wgc$1
	tunnel client "$device" "10.77.1.$1/32"
	inside wg-end wg set wge peer "$(key "$device")" allowed-ips "10.77.1.$1/32"
	inside client wg set "$device" peer "$(key wge)" endpoint "198.51.100.1:$port" allowed-ips 10.77.0.1/32
	inside client ip route add 10.77.0.1/32 dev "$device" src "10.77.1.$1" metric "$1"
}

# prints key and endpoint, as wg-end sees them
endpoints() { inside wg-end wg show wge endpoints | sort; }
distinct() { endpoints | grep -oE '\[2001:db8:2::1\]:[0-9]+$' | sort -u | wc -l; }
all_there() { (($(distinct) == clients)); }
metric() { wgxdp show metrics | awk -v name="$1{service=\"many\"}" '$1 == name {print $2}'; }

# prints client's port, pool port and key: from both ends, and from `show flows`
joined_by_ends() {
	join <(inside client wg show all listen-port | sort) <(inside client wg show all public-key | sort) |
		awk '{print $3, $2}' | sort | join - <(endpoints) | awk '{print $2, $3, $1}' | sort
}
joined_by_flows() {
	wgxdp show flows --json --wg <(inside wg-end wg show wge dump) | /usr/bin/python3 -IS -c '
import json, sys
for f in json.load(sys.stdin)["flows"]:
    assert f["client"].startswith("198.51.100.7:"), f
    print(f["client"].split(":")[1], f["ours"], f["wg_peer"])' | sort
}
nobody_mixed_up() { # WHAT
	local mixed
	endpoints > "$work/now"
	mixed=$(comm -13 "$work/endpoints" "$work/now" | wc -l)
	expect "$1: endpoints that are others" "$mixed" == 0
	joined_by_flows > "$work/by-flows"
	joined_by_ends > "$work/by-ends"
	mixed=$(comm -3 "$work/by-flows" "$work/by-ends" | wc -l)
	expect "$1: flows with another peer's key, or none" "$mixed" == 0
}

ping_all() { # SECONDS: each client by itself
	local i
	pids=()
	for ((i = 1; i <= clients; i++)); do
		unanswered client 10.77.0.1 -c $(($1 * pings)) -i "$(printf 0.%03d $((1000 / pings)))" -W 10 -I "wgc$i" > "$work/ping-$i" &
		pids+=($!)
	done
}
pinging() { all_run "${pids[@]}"; }

swap_ports() { # swaps those of the first two clients
	local one two
	one=$(inside client wg show wgc1 listen-port) two=$(inside client wg show wgc2 listen-port)
	inside client wg set wgc1 listen-port 0
	inside client wg set wgc2 listen-port "$one"
	inside client wg set wgc1 listen-port "$two"
}

# Each wireguard-go uses one, and the kernel allows 128 per user by default
inotify_instances() {
	local was
	was=$(sysctl -n fs.inotify.max_user_instances)
	((was >= 2 * clients)) || sysctl -qw fs.inotify.max_user_instances=$((2 * clients))
	# shellcheck disable=SC2064 # as it was
	trap "sysctl -qw fs.inotify.max_user_instances=$was" EXIT
}

choose_wireguard
[[ $WGXDP_WG == kernel ]] || inotify_instances
firewall_network
tunnel wg-end wge 10.77.0.1/16 $port
inside wg-end ip address del 192.168.1.10/24 dev eth
configuration 1000 > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
for ((i = 1; i <= clients; i++)); do client_tunnel $i; done
say "$clients clients with $WGXDP_WG"

ping_all 5
wait_for 30 "$clients endpoints" all_there
wait "${pids[@]}" || :
expect 'endpoints that wg-end sees, all of them different' "$(distinct)" == $clients
expect 'flows made' "$(metric wgxdp_flows_created_total)" == $clients
endpoints > "$work/endpoints"
joined_by_ends > "$work/by-ends"
expect 'ports that the clients have' "$(cut -d ' ' -f 1 "$work/by-ends" | sort -u | wc -l)" == $clients
nobody_mixed_up 'before'

at=$(elapsed)
ping_all 30
for ((i = 1; i <= times; i++)); do
	configuration $((1000 << i)) > "$work/wgxdp.yaml"
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
	grep -q 'programs were loaded' "$work/up" || fail "nothing was loaded: $(< "$work/up")"
	[[ ! ${BREAK:-} || $i != 1 ]] || swap_ports
	was=$(bpftool -j prog show pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_xdp | grep -o '"id":[0-9]*')
	wgxdp=${builds[i % 2]}
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
	expect 'an upgrade' "$(bpftool -j prog show pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_xdp | grep -o '"id":[0-9]*')" != "$was"
	sleep 1 # one second of pings by that program
done
say "$times reloads and $times upgrades took $(awk "BEGIN {print $(elapsed) - $at}") s"
pinging || fail 'the pings ended before the changes'
wait "${pids[@]}" || :
lost=$(awk '{n += $1} END {print n}' "$work"/ping-*)
expect 'clients that said how many pings were lost' "$(cat "$work"/ping-* | wc -l)" == $clients
expect 'pings lost' "$lost" == 0
nobody_mixed_up 'after'
expect 'endpoints that wg-end sees, all of them different' "$(distinct)" == $clients
expect 'flows made' "$(metric wgxdp_flows_created_total)" == $clients
expect 'flows' "$(metric wgxdp_flows)" == $clients
expect_sums
say "$clients endpoints, 0 of them mixed up by $times reloads and $times upgrades, 0 of $((clients * pings * 30)) pings lost ($WGXDP_WG)"
