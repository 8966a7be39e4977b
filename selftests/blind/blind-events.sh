#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# `wgxdp monitor` reports what the blind relay drops, with reason, addresses and interface. `show sites` and the metrics
# report each site's endpoint, the traffic between sites, and how often a site was challenged and refused. The network
# is that of sites.sh, with an attacker. Site d is a peer that never came. BREAK=1 sends the attacker's messages from
# the site itself: then blind_stranger must be missing.
#
#     198.51.100.11 nat-a ---+--- 198.51.100.1, 2001:db8::1    relay
#     198.51.100.12 nat-b ---+--- 198.51.100.66, 2001:db8::66  attacker
#     2001:db8::c  edge-c ---+
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
c_at="[2001:db8::c]:$port"

says() { # NAMESPACE DEVICE FROM KIND...: sends one message to the relay
	local to=${relay_at[4]}
	[[ $3 == \[* ]] && to=${relay_at[6]}
	inside "$1" "$root/selftests/lib/blind_say.py" "$2" "$(mac relay eth0)" "$3" "$to" "${@:4}"
}
event_keys=(reason service direction interface source destination) # without the plane: tc does what XDP cannot do at once
is_reported() { # REASON FROM [DIRECTION]: checks that there is such an event
	local to=${relay_at[4]}
	[[ $2 == \[* ]] && to=${relay_at[6]}
	/usr/bin/python3 -IS -c 'import json, sys
keys = sys.argv[1].split()
sys.exit(not any([json.loads(line).get(k) for k in keys] == sys.argv[2:] for line in sys.stdin))' \
		"${event_keys[*]}" "$1" blind original eth0 "$2" "$to" < "$work/events"
}
expect_event() { # REASON FROM
	wait_for 5 "$1 of $2" is_reported "$@"
	say "ok told of $1, from $2"
}
looks() { bpftool -j map lookup pinned /sys/fs/bpf/wgxdp/default/event_watch key 0 0 0 0 | holds '"value":\["0x.*0x[0-9a-f]*[1-9a-f]'; }
metric() { wgxdp show metrics | awk -v name="$1" '$1 == name {print $2}'; } # NAME{LABELS}

blind_network a b
namespaces attacker
on_internet attacker eth0 198.51.100.66/24 2001:db8::66/64
wg genkey | wg pubkey > "$work/wgb-d.pub"
inside relay wg set $relay peer "$(key wgb-d)" allowed-ips "$tunnels::d/128"
printf '# site-d\n[Peer]\nPublicKey = %s\n' "$(key wgb-d)" >> /etc/wireguard/$relay.conf
for address in 198.51.100.66 2001:db8::66; do # otherwise its first packet goes through the kernel
	inside relay ip neigh replace "$address" lladdr "$(mac attacker eth0)" dev eth0 nud permanent
done
blind_file
sites_talk
start relay "$wgxdp" monitor --json > "$work/events"
monitor=$!
wait_for 5 'it looks' looks

# a session of c with a, unknown to both: index 301 from a's side, 302 from c's
a_at=$(endpoint_of a) b_at=$(endpoint_of b)
says edge-c wan "$c_at" initiation "$(key wgb-a)" 302
says nat-a out "$a_at" response "$(key wgb-c)" 301 302
says edge-c wan "$c_at" data 301
attacker_at="[2001:db8::66]:4000"
[[ ! ${BREAK:-} ]] || attacker_at=$c_at
says attacker eth0 "$attacker_at" data 301
attacker_at="[2001:db8::66]:4000"
expect_event blind_stranger "$attacker_at"
says edge-c wan "$c_at" data 301 24
expect_event guard_shape "$c_at"
says nat-b out "$b_at" initiation "$(key wgb-a)" 302
expect_event blind_refused "$b_at"
says edge-c wan "$c_at" initiation "$(key wgb-d)" 303
expect_event blind_waiting "$c_at"
says attacker eth0 198.51.100.66:4000 initiation "$(key wgb-a)" 304
expect_event guard_mac1 198.51.100.66:4000
says attacker eth0 198.51.100.66:4000 data 999 32 3000
expect_event blind_limited 198.51.100.66:4000
kill -INT $monitor
wait $monitor || :

expect 'site c was asked' "$(site_shown c challenges)" '>=' 1
expect 'by the metrics' "$(metric 'wgxdp_site_challenges_total{site="site-c"}')" '>=' 1
expect 'refused' "$(metric wgxdp_site_refused_total)" == 1
expect "site d" "$(site_shown d state) $(site_shown d endpoint) $(site_shown d initiation_waits)" == 'waiting None yes'
expect "site a" "$(site_shown a state) $(site_shown a endpoint)" == "authenticated $a_at"
expect 'site d, by the metrics' "$(metric 'wgxdp_site_authenticated{site="site-d"}')" == 0
expect 'site a, by the metrics' "$(metric 'wgxdp_site_authenticated{site="site-a"}')" == 1
for what in packets_total bytes_total sessions; do
	expect "$what from a to b" "$(metric "wgxdp_site_$what{from=\"site-a\",to=\"site-b\"}")" '>=' 1
done
expect_sums
