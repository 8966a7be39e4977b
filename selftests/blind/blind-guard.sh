#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The blind relay and guarded services work in one instance, on the same interface and on different ones. Sites reach
# each other, and clients reach the host behind the relay. Strangers' packets to either are dropped. The blind relay
# keeps its port to itself. Each of the two is removed and added while the second one works.
#
#     198.51.100.11 nat-a --+              eth0     wan                          uplink
#     198.51.100.12 nat-b --+-- 198.51.100.1  relay  203.0.113.1 ------ 203.0.113.7  client
#     198.51.100.77 other --+   2001:db8::1   lan 192.168.1.1 ------ 192.168.1.10  wg-end
#     2001:db8::c  edge-c --+
#
# BREAK=1 leaves the guard out.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
drops() { shown reason original "$1"; } # REASON
reach() { inside "$1" ping -q -c 5 -i 0.1 -W 5 10.77.0.1; } # CLIENT
last_stranger() { (($(drops guard_stranger) == $(said strange stranger))); }
pings_of_sites() { ping_all -c 10 -i 0.05 -W 6; }

client() { # NAMESPACE DEVICE NUMBER ENDPOINT: creates its tunnel to wg-end
	tunnel "$1" "$2" "10.77.0.$3/24"
	inside wg-end wg set wge peer "$(key "$2")" allowed-ips "10.77.0.$3/32"
	inside "$1" wg set "$2" peer "$(key wge)" allowed-ips 10.77.0.0/24 endpoint "$4"
}

blind_network a b
namespaces client wg-end other
cable client uplink relay wan
cable relay lan wg-end eth
takes_xdp client uplink
takes_xdp wg-end eth
on_internet other eth0 198.51.100.77/24
addresses client uplink 203.0.113.7/24 203.0.113.8/24
addresses relay wan 203.0.113.1/24
addresses relay lan 192.168.1.1/24
addresses wg-end eth 192.168.1.10/24
gateways wg-end 192.168.1.1
tunnel wg-end wge 10.77.0.1/24 "$port"
client client wgc 2 "203.0.113.1:$port"
client other wgo 3 198.51.100.1:51821
count_arrivals wg-end strangers "ip saddr 203.0.113.8 udp dport $port"

guard="wireguard: { public-key: \"$(key wge)\", strict: true }"
[[ ! ${BREAK:-} ]] || guard='nat: dnat'
backend="backend: { ipv4: 192.168.1.10, port: $port }"
services() { # GUARD
	printf '%s\n' services: "  - { name: guarded, listen: { interface: wan, ports: [ $port ] }, $backend, $1 }" \
		"  - { name: beside, listen: { interface: eth0, ports: [ 51821 ] }, $backend, $1 }"
}
both() { # GUARD
	blind_file
	services "$1" >> "$work/wgxdp.yaml"
}

both "$guard"
{
	cat "$work/wgxdp.yaml"
	echo "  - { name: taken, listen: { addresses: [ 198.51.100.1 ], ports: [ $port ] }, $backend }"
} > "$work/taken.yaml"
status=0
wgxdp up -c "$work/taken.yaml" > "$work/up" 2>&1 || status=$?
expect "a service at the blind relay's address and port" "$status $(grep -c "service taken: the blind relay also listens on 198.51.100.1:$port" "$work/up")" == '1 1'

start_daemon -c "$work/wgxdp.yaml"
wait_for 30 'all sites' all_authenticated 3
wait_for 10 'a handshake through the guard' reach client
wait_for 10 'a handshake beside the blind relay' reach other
first_pings
expect 'lost pings of 60 between sites' "$(pings_of_sites)" == 0
inside client "$root/selftests/lib/strange.py" 203.0.113.8 203.0.113.1 "$port" "$(key wge)" > "$work/strange"
wait_for 5 'the last stranger' last_stranger
for kind in shape mac1 replay stranger; do
	expect "ended as guard_$kind" "$(drops guard_$kind)" == "$(said strange $kind)"
done
expect "strangers' packets that wg-end got" "$(arrived wg-end strangers)" == "$(said strange right)"
# for a key of no site, and with an index of no session
for kind in "initiation $(key wge) 7" "data 7"; do
	# shellcheck disable=SC2086 # words
	inside client "$root/selftests/lib/blind_say.py" uplink "$(mac relay wan)" 203.0.113.7:4000 "198.51.100.1:$port" $kind
done
expect 'packets of the client on the other WAN that the blind relay dropped' "$(shown get services.blind.original.dropped)" == 0
inside edge-c "$root/selftests/lib/blind_say.py" wan "$(mac relay eth0)" "[2001:db8::c]:$port" "${relay_at[6]}" initiation "$(key wge)" 7
expect 'dropped packet of a site, for another key' "$(shown get services.blind.original.dropped)" == 1
expect 'ended as guard_mac1, of both' "$(drops guard_mac1)" == $(($(said strange mac1) + 1))
expect_sums

# One of the two is removed and added again
ping_between a b -c 60 -i 0.05 -W 6 > "$work/pings" &
pings=$!
both 'nat: dnat'
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
wait_for 10 'a ping without the guard' reach client
both "$guard"
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
wait_for 10 'a ping with the guard again' reach client
wait $pings
expect 'pings between sites lost while the guard went and came' "$(cat "$work/pings")" == 0
{
	echo 'interfaces: [ { name: eth0, role: wan } ]'
	services "$guard"
} > "$work/wgxdp.yaml"
unanswered client 10.77.0.1 -c 60 -i 0.05 -W 6 > "$work/pings" &
pings=$!
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
wait_for 10 'a ping through the guard, without the blind relay' reach other
both "$guard"
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
wait $pings
expect 'pings through the guard lost while the blind relay went and came' "$(cat "$work/pings")" == 0
wait_for 10 'a ping between sites again' inside server-a ping -q -c 1 -W 6 "$overlay:b::10"
end_daemon
wgxdp down
say ok
