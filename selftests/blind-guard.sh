#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The blind relay and a guard on one host, as two instances, each with interfaces and a daemon of its own: sites reach each other, a client
# reaches the guarded service, and what strangers send to either ends there; one goes, and the other stays. In one instance both are refused.
#
#     198.51.100.11 nat-a --+              eth0     wan                          uplink
#     198.51.100.12 nat-b --+-- 198.51.100.1  relay  203.0.113.1 ------ 203.0.113.7  client
#     2001:db8::c  edge-c --+   2001:db8::1   lan 192.168.1.1 ------ 192.168.1.10  wg-end
#
# BREAK=1 leaves the guard out.
source "${BASH_SOURCE[0]%/*}/lib.sh"
source "${BASH_SOURCE[0]%/*}/sites.sh"
source "${BASH_SOURCE[0]%/*}/blind-sites.sh"

on=relay
guarded() { wgxdp --instance guarded "$@"; }
start_guarded() {
	start relay "$wgxdp" --instance guarded daemon -c "$work/guarded.yaml" > "$work/daemon-guarded" 2>&1
	other=$!
	wait_for 10 "the other daemon's readiness" grep -q 'up and followed' "$work/daemon-guarded"
}
guard_drops() { guarded show --json | selftests/shown.py reason original "$1"; } # REASON
reach() { inside client ping -q -c 5 -i 0.1 -W 5 10.77.0.1; }
last_stranger() { (($(guard_drops guard_stranger) == $(said strange stranger))); }
pings_of_sites() { ping_all -c 10 -i 0.05 -W 6; }

blind_network a b
namespaces client wg-end
cable client uplink relay wan
cable relay lan wg-end eth
takes_xdp client uplink
takes_xdp wg-end eth
addresses client uplink 203.0.113.7/24 203.0.113.8/24
addresses relay wan 203.0.113.1/24
addresses relay lan 192.168.1.1/24
addresses wg-end eth 192.168.1.10/24
gateways wg-end 192.168.1.1
tunnel wg-end wge 10.77.0.1/24 "$port"
tunnel client wgc 10.77.0.2/24
inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.2/32
inside client wg set wgc peer "$(key wge)" allowed-ips 10.77.0.0/24 endpoint "203.0.113.1:$port"
count_arrivals wg-end strangers "ip saddr 203.0.113.8 udp dport $port"

guard="wireguard: { public-key: \"$(key wge)\", strict: true }"
service="name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port }"
blind_file
{
	cat "$work/wgxdp.yaml"
	echo "services: [ { $service, $guard } ]"
} > "$work/both.yaml"
[[ ! ${BREAK:-} ]] || guard='nat: dnat'
printf '%s\n' 'interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]' "services: [ { $service, $guard } ]" > "$work/guarded.yaml"

status=0
wgxdp check -c "$work/both.yaml" > "$work/check" 2>&1 || status=$?
expect 'both in one instance' "$status $(grep -c 'not together with blind' "$work/check")" == '2 1'

start_daemon -c "$work/wgxdp.yaml"
blind=$daemon
wait_for 30 'all sites' all_authenticated 3
start_guarded

wait_for 10 'a handshake through the guard' reach
expect 'of 60 pings between sites lost' "$(pings_of_sites)" == 0
inside client "$root/selftests/strange.py" 203.0.113.8 203.0.113.1 "$port" "$(key wge)" > "$work/strange"
wait_for 5 'the last stranger' last_stranger
for kind in shape mac1 replay stranger; do
	expect "ended as guard_$kind" "$(guard_drops guard_$kind)" == "$(said strange $kind)"
done
expect 'what strangers sent and wg-end got' "$(arrived wg-end strangers)" == "$(said strange right)"
# for another key than any site's, and with no session's index
for kind in "initiation $(key wge) 7" "data 7"; do
	# shellcheck disable=SC2086 # words
	inside client "$root/selftests/blind_say.py" uplink "$(mac relay wan)" 203.0.113.7:4000 "198.51.100.1:$port" $kind
done
expect 'what the blind relay dropped of the client on the other WAN' "$(shown all original dropped)" == 0
inside edge-c "$root/selftests/blind_say.py" wan "$(mac relay eth0)" "[2001:db8::c]:$port" "${relay_at[6]}" initiation "$(key wge)" 7
expect 'of a site, for who is none' "$(shown reason original guard_mac1)" == 1
expect_sums

guarded down
wait "$other" || :
expect 'of 60 pings between sites lost, without the guard' "$(pings_of_sites)" == 0
start_guarded
wait_for 10 'a handshake through the guard' reach
daemon=$blind
end_daemon
wgxdp down
wait_for 10 'a ping through the guard, without the blind relay' reach
say 'ok the guard goes on without the blind relay'
stop "$other"
