#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# Doctor names the one fault that stops all packets, and nothing else, and the command that it prints fixes the fault.
# The test runs that command as it is: then packets pass and doctor reports nothing. The faults here: forwarding, MTU, a
# foreign XDP program, no route, a route only for marked packets, a name that did not resolve at `up` and no daemon to
# ask again, and an unresolved neighbour. BREAK=1 leaves out the faults: then doctor must report none.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

firewall_network
start_listener wg-end listener -e 192.168.1.10:$port
firewall_up
wait_for 5 'packets pass' question
healthy 'a firewall that is well'
wgxdp down > /dev/null

firewall_up
wrong sysctl -qw net.ipv4.ip_forward=0
treated forwarding
passes_again 'forwarding'

firewall_up
wrong ip link set lan mtu 1280
size=1400
treated mtu
passes_again 'MTU'
size=32

wrong ip link set wan xdpdrv obj "$build/selftests/peer.bpf.o" program drop
! wgxdp up --wan wan --lan lan --to 192.168.1.10 > "$work/up" 2>&1 || [[ ${BREAK:-} ]] || fail 'up beside another XDP program'
names xdp --wan wan --lan lan --to 192.168.1.10
heals
content --wan wan --lan lan --to 192.168.1.10
firewall_up
passes_again 'another XDP program'
wgxdp down > /dev/null

# Nothing refuses the clients' packets, and nothing answers them
firewall_up
[[ ${BREAK:-} ]] || inside wg-end nft 'add table inet filter; add chain inet filter ours { type filter hook input priority 0; }; add rule inet filter ours udp dport '$port' drop'
question || :
content
[[ $(found warning | grep -vx clock) == replies ]] || fail "no backend replies: $(< "$work/doctor.json")"
say "ok replies: $(found warning found | grep backend)"
inside wg-end nft 'flush table inet filter'
question || fail 'the backend replies again'
healthy 'a backend that replies'

# The same backend drops what it answered before
[[ ${BREAK:-} ]] || inside wg-end nft add rule inet filter ours udp dport $port drop
start client "$udptool" ask -n 200 -r 10 -w 100 -s 176 198.51.100.7:4001 198.51.100.1:$port > "$work/asked.on"
content
kill $!
wait $! || :
[[ $(found warning | grep -vx clock) == replies ]] || fail "the backend no longer replies: $(< "$work/doctor.json")"
found warning found | holds 'while doctor watched' || fail "the backend no longer replies: $(found warning found)"
say "ok replies: $(found warning found | grep backend)"
inside wg-end nft 'flush table inet filter'
wgxdp down > /dev/null

# Ways to the backend
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
[[ $cure == - || ${BREAK:-} ]] || fail "the fix for an unknown name: $cure"
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
	found problem found | holds 'reached by lan, where service .* listens for clients: add a route, .* or correct .listen., if no client is there' ||
		fail "listening on the LAN: $(found problem found)"
}
[[ ${BREAK:-} ]] || wgxdp down

# The wan has no IPv4 address: IPv6 passes, and no client reaches the service by IPv4
wrong ip address flush dev wan scope global
wgxdp up --wan wan --lan lan --to 192.168.1.10,2001:db8:2::10 > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
doctor
[[ $(found problem) == *service* ]] || fail "no IPv4 address: doctor says $(wgxdp doctor | grep -v '^ok' || :)"
grep -q 'wan has no IPv4 address to listen on' "$work/up" || fail "no IPv4 address: up says $(< "$work/up")"
wgxdp show | holds 'state: partial' || fail "no IPv4 address: show says $(wgxdp show)"
say "ok no IPv4 address: $(found problem found | head -1)"
