#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# A blind relay follows changes of the configuration, of WireGuard's peers and of interfaces while it runs. The
# network is that of sites.sh.
# - `up` takes the output of `save` for the running configuration, even if /run was lost.
# - A removed pair begins no new session but keeps its present one.
# - A peer added to WireGuard becomes a site. A removed one is none, and gets its sessions back when it returns.
# - `up` refuses an MTU that the interface does not carry.
# - An interface that comes after `up` belongs to the relay too.
#
#     198.51.100.11 nat-a --+
#     198.51.100.12 nat-b --+--- 198.51.100.1, 2001:db8::1 relay
#     2001:db8::c, ::d -----+
#
# BREAK=1 removes another pair.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
sites=(a b c d)

as_it_is() {
	on_host relay
	bpf_objects default
}
round_trip() { # WHAT
	as_it_is > "$work/was"
	wgxdp save > "$work/saved" 2> /dev/null
	wgxdp up -c "$work/saved" > "$work/up" || fail "$1: up refuses what save wrote: $(< "$work/saved")"
	expect "$1: save, and up" "$(tail -n 1 "$work/up")" == 'the data path is up: nothing had to change'
	as_it_is | diff "$work/was" - || fail "$1: something changed"
}
configuration() { # OPTION...: the daemon reads it again
	blind_file "$@"
	wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
}
anew() { # SITE OTHER: SITE forgets its session
	forgets "$1" "wgb-$2"
	knows_site "$1" "$2"
}
lost() { ping_between "$@" -c 5 -i 0.1 -W 2; }

blind_network a b
inside relay wg set $relay peer "$(key wgb-d)" remove
blind_file 'pairs: [ [ site-a, site-b ], [ site-a, site-c ], [ site-b, site-c ], [ site-a, site-d ] ]'
start_daemon -c "$work/wgxdp.yaml"
wait_for 30 'three sites' all_authenticated 3
expect 'lost pings of 30' "$(ping_all -c 5 -i 0.1 -W 10)" == 0
round_trip 'all of it'
for what in "device: $relay" 'pairs: \[ \[ site-a, site-b \], '; do
	grep -q "$what" "$work/saved" || fail "saved: $(< "$work/saved")"
done
rm -r /run/wgxdp/default
round_trip 'where /run was lost'

gone=c
[[ ! ${BREAK:-} ]] || gone=b
configuration "pairs: [ [ site-a, site-$([[ $gone == c ]] && echo b || echo c) ], [ site-b, site-c ] ]"
expect 'a pair was taken away: of 5 pings in the session that it had, lost' "$(lost a c)" == 0
anew a c
expect 'in a new one' "$(lost a c)" == 5
expect 'initiations that were dropped' "$(shown reason original guard_mac1)" '>=' 1
expect 'lost pings of the other pairs' "$(($(lost a b) + $(lost b c)))" == 0
configuration
anew a c
expect 'lost pings of 5, with all pairs' "$(ping_between a c -c 5 -i 0.1 -W 10)" == 0

expect 'site d' "$(site_shown d state)" == absent
inside relay wg set $relay peer "$(key wgb-d)" allowed-ips "$tunnels::d/128"
forgets d $relay
knows_relay d
wait_for 10 'site d is one' site_is d state authenticated
expect 'lost pings of 10, from it and to it' "$(($(ping_between a d -c 5 -i 0.1 -W 10) + $(ping_between d c -c 5 -i 0.1 -W 10)))" == 0

inside relay wg set $relay peer "$(key wgb-c)" remove
wait_for 5 'site c is none' site_is c state absent
expect 'lost pings of 5, while c is no site' "$(lost a c)" == 5
expect 'packets for a missing site' "$(shown reason original blind_waiting)" '>=' 1
inside relay wg set $relay peer "$(key wgb-c)" allowed-ips "$tunnels::c/128"
forgets c $relay # it would notice by itself, but later
knows_relay c
wait_for 10 'site c is one again' site_is c state authenticated
count_arrivals nat-a initiations "iifname in udp dport $port @th,64,8 1"
expect 'lost pings of 5, with c again' "$(lost a c)" == 0
expect 'initiations that it took' "$(arrived nat-a initiations)" == 0

blind_file 'mtu: 1440'
status=0
wgxdp check -c "$work/wgxdp.yaml" > "$work/check" 2>&1 || status=$?
expect 'an MTU of 1440' "$status $(grep -c 'with mtu: 1440, packets are 1520 bytes long over IPv6, but eth0 takes 1500: write mtu: 1420 or less' "$work/check")" == '3 1'
status=0
wgxdp reload -c "$work/wgxdp.yaml" > "$work/check" 2>&1 || status=$?
expect 'a reload' "$status $(grep -c 'with mtu: 1440, packets' "$work/check")" == '1 1'
expect 'lost pings of 5, after that' "$(lost a c)" == 0
expect_sums

end_daemon
wgxdp down
printf '%s\n' "blind: { listen: { interface: later, port: $port }, device: $relay }" > "$work/later.yaml"
wgxdp up -c "$work/later.yaml" > "$work/up" 2>&1
cable relay later internet later
addresses relay later 203.0.113.1/24
wgxdp up -c "$work/later.yaml" > "$work/up" 2>&1
expect 'an interface that comes later: what our WireGuard sends is seen' "$(grep -c 'cannot watch' "$work/up")" == 0
wgxdp down
