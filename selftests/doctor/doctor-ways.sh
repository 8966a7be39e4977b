#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Doctor names and fixes missing routes, names and neighbours. Like selftests/doctor/doctor.sh: no route, a route only
# for marked packets, a name that did not resolve at `up` and no daemon to ask again, and an unresolved neighbour.
# BREAK=1 leaves out the faults.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

firewall_network
start_listener wg-end listener -e 192.168.1.10:$port

firewall_up
wrong ip route del 192.168.1.0/24 dev lan
treated route
passes_again 'a route'

inside firewall ip route add 192.168.1.10 dev lan table 100
inside firewall ip rule add fwmark 7 lookup 100
firewall_up
content # the fault has no effect yet
wrong ip route del 192.168.1.0/24 dev lan
treated policy
passes_again 'a mark'

echo 'nameserver 127.0.0.1' > "$work/resolv.conf"
echo '127.0.0.1 localhost' > "$work/hosts"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
mount --bind "$work/hosts" /etc/hosts
[[ ! ${BREAK:-} ]] || echo '192.168.1.10 wg-end.example.net' >> "$work/hosts"
wgxdp up --wan wan --lan lan --to wg-end.example.net > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
start_daemon
names name
[[ $cure == 'getent ahosts wg-end.example.net' ]] || fail "the fix for an unknown name: $cure"
end_daemon
echo '192.168.1.10 wg-end.example.net' >> "$work/hosts"
treated daemon # it resolves names again
passes_again 'a name'

firewall_up
wrong ip link set lan arp off
treated interface
passes_again 'a neighbour'

# The service listens on the LAN's interface, so a route there is no fix
end_daemon 2> /dev/null || :
wgxdp down > /dev/null
[[ ${BREAK:-} ]] || {
	wgxdp up --wan lan --to 192.168.1.10 > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
	names route
	expect 'the cure of listening on the LAN' "$cure" == -
	found problem found | holds 'leaves by lan, where service .* listens for clients: add a route, or if lan leads to no client' ||
		fail "listening on the LAN: $(found problem found)"
}
