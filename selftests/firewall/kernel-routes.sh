#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# alone
# The relay uses the routes of the kernel's main table within 100 ms, and 10,000 routes that BIRD gets by BGP within a
# second. The other relay sends them, and the second counts from the command there. Routes disappear as fast. Flaps of
# 1,000 routes a second cost an established pair no packet and no counter. Policy and source checks apply to these
# routes. nft drops everything, so only wgxdp can forward. BREAK=1 does not follow routes; BREAK=2 flaps the pair's
# own route.
#
#     site eth0 --- eth1 relay eth2 --- eth0 far, with all prefixes
#                        bird      BGP       bird
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

overlay=fd12:3456:789a
on=relay
many=10000 pace=1000

config_of() { # RELAY ROLE: BIRD's
	cat <<- EOF
		router id 10.0.0.$2;
		protocol device {}
		protocol bgp relays { local fe80::$2 as 6500$2; neighbor fe80::$((3 - $2)) % '$3' as 6500$((3 - $2));
			ipv6 { import all; export all; next hop self; }; }
	EOF
}
bird_starts() { # NAMESPACE
	start "$1" bird -f -c "$work/$1.conf" -s "$work/$1.ctl" -P "$work/$1.pid" 2> "$work/$1.bird"
	wait_for 10 "BIRD at $1" test -S "$work/$1.ctl"
}
birdc_at() { inside "$1" birdc -s "$work/$1.ctl" "${@:2}" > "$work/birdc"; }
established() { birdc_at relay show protocols relays && grep -q Established "$work/birdc"; }
routes() { wgxdp show routes --json | grep -o '"peer": *"far"' | wc -l; }
has_routes() { (($(routes) == $1)); }
in_time() { expect "ms until $1" "$((($(date +%s%N) - from) / 1000000))" '<=' "$(at_most "$2")"; }
answered() { inside site ping -q -c 1 -W 0.05 "$1" > /dev/null; }
not_answered() { ! answered "$1"; }
of_many() { echo "$overlay:$(printf %x $((256 + 2 * $1)))::10"; } # NUMBER: an address
all_answered() { answered "$(of_many 1)" && answered "$(of_many $((many / 2)))" && answered "$(of_many $many)"; }
program() { inside relay bpftool -j prog show pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_xdp | grep -o '"id":[0-9]*'; }
peer_packets() { wgxdp show peers --json | /usr/bin/python3 -ISc 'import json, sys
print(sum(p["rx"]["forwarded"] for p in json.load(sys.stdin)["peers"] if p["name"] == "far"))'; }

namespaces site relay far
routers relay
cable site eth0 relay eth1
cable far eth0 relay eth2
takes_xdp site eth0
takes_xdp far eth0
for where in 'site eth0 a' 'relay eth1 b' 'relay eth2 1' 'far eth0 2'; do
	read -r ns device id <<< "$where"
	addresses "$ns" "$device" "fe80::$id/64"
done
addresses relay eth1 "$overlay:fffe::1/64"
addresses relay eth2 "$overlay:ffff::1/64"
addresses site eth0 "$overlay:fffe::10/64"
inside site ip route add "$overlay::/48" via fe80::b dev eth0
addresses far eth0 "$overlay:10::10/128"
inside far ip route add local "$overlay::/49" dev lo
inside far ip route add "$overlay:fffe::/64" via fe80::1 dev eth0
inside relay nft 'add table ip6 t; add chain ip6 t c { type filter hook forward priority filter; policy drop; }'
awk -v n=$many -v overlay=$overlay 'BEGIN {
	print "protocol static all_of_them { disabled; ipv6;"
	for (i = 1; i <= n; i++) printf "route %s:%x::/64 blackhole;\n", overlay, 256 + 2 * i # adjacent ones are shown as one
	print "}" }' > "$work/routes"
{ config_of far 2 eth0; cat "$work/routes"; } > "$work/far.conf"
{ config_of relay 1 eth2; echo 'protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }'; } > "$work/relay.conf"
bird_starts far
bird_starts relay
wait_for 30 'the BGP session' established

cat > "$work/wgxdp.yaml" << EOF
peers:
  - { name: site, device: eth1, prefixes: [ "$overlay:fffe::/64" ] }
  - { name: far, device: eth2 }
$([[ ${BREAK:-} == 1 ]] || echo 'follow: { routes: [ main ] }')
policy: { overlay: "$overlay::/48" }
EOF
inside relay ip route add "$overlay:10::/64" via fe80::2 dev eth2
start_daemon -c "$work/wgxdp.yaml"
wait_for 5 'the pair' answered "$overlay:10::10"

# one
for ((i = 0; i < 5; i++)); do
	from=$(date +%s%N)
	inside relay ip route add "$overlay:12::/64" via fe80::2 dev eth2
	wait_for 5 'an answer by a new route' answered "$overlay:12::10"
	in_time 'it is there' 150 # with the answer
	from=$(date +%s%N)
	inside relay ip route del "$overlay:12::/64"
	wait_for 5 'it is gone' has_routes 1
	in_time 'it is gone' 150
done

# policy and sources apply
inside relay ip route add "$overlay:12::/64" via fe80::2 dev eth2
wait_for 5 'an answer' answered "$overlay:12::10"
count_arrivals far others "ip6 daddr $overlay:12::10 udp dport { 53, 58001 }"
inside site "$udptool" ask -n 5 -w 100 "[$overlay:fffe::10]:53" "[$overlay:12::10]:53" > /dev/null || :
expect 'packets that the policy is against' "$(arrived far others)" == 0
inside site "$udptool" ask -n 5 -w 100 "[$overlay:fffe::10]:58001" "[$overlay:12::10]:58001" > /dev/null || :
expect 'packets that it lets pass' "$(arrived far others)" == 5
count_arrivals site forged "ip6 saddr $overlay:14::10"
inside far "$udptool" send -n 5 eth0 "$(mac relay eth2)" "[$overlay:14::10]:58001" "[$overlay:fffe::10]:58001" > /dev/null
expect 'packets from an unknown prefix' "$(arrived site forged)" == 0
inside relay ip route add "$overlay:14::/64" via fe80::2 dev eth2
wait_for 5 'its route' has_routes 3
inside far "$udptool" send -n 5 eth0 "$(mac relay eth2)" "[$overlay:14::10]:58001" "[$overlay:fffe::10]:58001" > /dev/null
expect 'packets of it, with a route' "$(arrived site forged)" == 5
inside relay ip route del "$overlay:12::/64"
inside relay ip route del "$overlay:14::/64"
wait_for 5 'they are gone' has_routes 1

# all routes at once, while a pair talks
start_listener far listener -e "[$overlay:10::10]:58001"
listener=$!
pair() { # SECONDS: at $pace, in the background
	start site "$udptool" ask -n $(($1 * pace)) -r $pace -w 3000 "[$overlay:fffe::10]:58002" "[$overlay:10::10]:58001" > "$work/asked"
	asker=$! pair_asks=$(($1 * pace))
}
pair_has_lost_nothing() { # WHAT
	wait $asker || :
	expect "$1: packets answered of a pair" "$(said asked answered)" == $pair_asks
}
before=$(peer_packets)
is=$(program)
pair 20
for ((i = 0; i < 3; i++)); do
	from=$(date +%s%N)
	birdc_at far enable all_of_them
	wait_for 20 "$many routes" all_answered
	in_time "$many routes are there" 1000
	expect 'how many there are' "$(routes)" == $((many + 1))
	from=$(date +%s%N)
	birdc_at far disable all_of_them
	wait_for 20 'they are gone' has_routes 1
	in_time 'they are gone' 1000
done
pair_has_lost_nothing "$many routes that come and go"
expect 'the program' "$(program)" == "$is" # verifying another program takes half a second

# 1,000 flaps a second, half of them additions
flaps() { # SECONDS
	local i end=$((SECONDS + $1))
	for ((i = 0; i < 50; i++)); do printf "route %s $overlay:%x::/64 via fe80::2 dev eth2\n" add $((0x20 + i)); done > "$work/add"
	sed 's/^route add/route del/' "$work/add" > "$work/del"
	while ((SECONDS < end)); do
		inside relay ip -6 -batch "$work/add"
		[[ ${BREAK:-} != 2 ]] || inside relay ip route del "$overlay:10::/64"
		sleep 0.05
		inside relay ip -6 -batch "$work/del"
		[[ ${BREAK:-} != 2 ]] || inside relay ip route add "$overlay:10::/64" via fe80::2 dev eth2
		sleep 0.05
	done
}
pair 12
flaps 10
pair_has_lost_nothing '1,000 routes a second'
expect "packets of that peer, counted through all of it" "$(($(peer_packets) - before))" '>=' $((32 * pace))
stop $listener

# more changes than the daemon's socket holds, while the daemon is stopped
kill -STOP "$daemon"
for ((i = 0; i < 20; i++)); do
	inside relay ip -6 -batch "$work/add"
	inside relay ip -6 -batch "$work/del"
done
# shellcheck disable=SC2016 # awk's
lost_messages() { inside relay awk -v pid="$daemon" '$3 == pid {n += $9} END {exit !n}' /proc/net/netlink; }
lost_messages || fail 'the kernel has lost no message to the daemon'
inside relay ip -6 -batch "$work/add"
kill -CONT "$daemon"
wait_for 5 'all of them' has_routes 4 # adjacent routes are shown as one
inside relay ip -6 -batch "$work/del"
wait_for 5 'none of them' has_routes 1
end_daemon
expect 'routes that run on without the daemon' "$(routes)" == 1
wgxdp down
say ok
