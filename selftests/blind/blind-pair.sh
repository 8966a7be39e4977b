#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# alone
# vm
# When one of two blind relays that share an address fails, the second one continues with all sessions within 2 s (see
# lib/blind-pair.sh). 30 sites, or four for each CPU, ping each other 20 times a second:
# - the active relay loses its power: the other one continues with all sessions, and no pair is interrupted for more than 2 s
# - the relay comes back, and loses nothing
# - its daemon does not answer, and the other one gets nonsense: the connection ends, and begins again
# - it gets the address again
# - the relays do not hear each other, so both have the address for a while: no session from before ends
#
# In a virtual machine, whose CPUs are emulated, there are 6 sites.
#
# BREAK=1 keeps the stream between the relays away: then the sessions must end.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/keepalived.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-hosts.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-pair.sh"
most=$((4 * $(nproc))) # each site runs a wireguard-go, and pings all others: a CPU has time for four
sites=${SITES:-$([[ ${WGXDP_WG:-} == kernel ]] && echo 6 || echo $((most < 30 ? most : 30)))}

pair_network
for s in 1 2 3; do count_arrivals s$s foreign "udp sport $port ip saddr { 198.51.100.2, 198.51.100.3 }"; done
[[ ! ${BREAK:-} ]] || inside r2 nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c iifname sync drop'
pair_begins
[[ ${BREAK:-} ]] || wait_for 10 'r2 knows all sites' knows_sites r2
first_pings
if [[ ! ${BREAK:-} ]]; then
	wait_for 5 'r2 has the sessions of r1' same_sessions
	say "ok r2 has the $(sessions_of r2) sessions of r1"
fi
expect 'r1 and r2 are active' "$(metric_of r1 wgxdp_pair_active) $(metric_of r2 wgxdp_pair_active)" == '1 0'
phase steady
pings_begin
sleep 5

# forwarded packets with the relay's port leave r1, although they have another address
count_arrivals s1 forwarded "udp sport $port udp dport 9999"
inside r2 ip route add 2001:db8:7:1::2 via fd00:9::1 dev sync
inside r2 /usr/bin/python3 -IS - "$port" << 'EOF'
import socket, struct, sys
sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
sock.setsockopt(socket.IPPROTO_IPV6, 7, 6)  # IPV6_CHECKSUM: where the kernel writes the checksum
for _ in range(5):
    sock.sendto(struct.pack('!HHHH', int(sys.argv[1]), 9999, 12, 0) + b'wgxp', ('2001:db8:7:1::2', 0))
EOF
wait_for 3 'forwarded packets' came_to s1 forwarded 5

handshakes > "$work/before"
active_dies
sleep 3
expect 'r1 died: pairs without a new handshake, in percent' "$(same_handshakes "$work/before")" '>=' 95
wait_for 10 "r2's own WireGuard has all sites" all_handshaken r2

returns r1
wait_for 10 'r1 knows all sites' knows_sites r1
wait_for 5 'r1 has the sessions of r2' same_sessions
sleep 2
expect 'r1 came back: r1 and r2 are active' "$(metric_of r1 wgxdp_pair_active) $(metric_of r2 wgxdp_pair_active)" == '0 1'
expect 'r1 and r2 are connected' "$(metric_of r1 wgxdp_pair_connected) $(metric_of r2 wgxdp_pair_connected)" == '1 1'

connections() { grep -c 'connected to the other relay at' "$work/r2.daemon" || :; }
connected_before=$(connections)
kill -STOP "${daemons[r1]}" # a daemon that neither reads nor answers
wait_for 15 'r2 ends the connection' not_connected r2
inside r2 "$wgxdp" --instance r2 doctor > "$work/doctor" || :
expect 'findings of doctor about the pair' "$(grep -c 'not connected to the other relay at fd00:9::1' "$work/doctor")" == 1
echo nonsense | inside r1 socat -t 5 - 'TCP6:[fd00:9::2]:51822,bind=[fd00:9::1]' > /dev/null || :
wait_for 5 'r2 ends a stream of nonsense' daemon_says r2 'the other relay sent a wrong line'
kill -CONT "${daemons[r1]}"
wait_for 15 'r1 and r2 are connected again' connected_again
wait_for 5 'r1 has the sessions of r2 again' same_sessions
expect 'connections that r2 logged' "$(connections)" '>' "$connected_before"

handshakes > "$work/before"
phase goes
sleep 0.2
keepalived_ends r2
wait_for 10 'r1 has the addresses' is_active r1
wait_for 3 'r1 has the address again: answers for every pair' all_answer
sleep 1
phase steady
keepalived_begins r2
sleep 2
expect 'r1 has the address again: pairs without a new handshake, in percent' "$(same_handshakes "$work/before")" '>=' 95

# A session that begins at the relay that then loses the address is unknown at the other one
wait_for 150 'all sessions are new' all_new
handshakes > "$work/before"
phase goes
sleep 0.2
inside r2 nft 'add table inet split; add chain inet split c { type filter hook input priority 0; }; add rule inet split c ip protocol vrrp drop'
wait_for 10 'r2 has the addresses too' is_active r2
is_active r1 || fail 'r1 has lost the addresses'
sleep 3
inside r2 nft delete table inet split
wait_for 10 'r2 has lost the addresses' not_active r2
wait_for 3 'both had the address: answers for every pair' all_answer
sleep 1
phase steady
sleep 3
expect 'both had the address: pairs without a new handshake, in percent' "$(same_handshakes "$work/before")" '>=' 95
pings_end
# wireguard-go drops packets while the machine gives it no time. If a relay dropped them for a tenth of a second, two of
# each pair of sites would be lost: two thirds of one are allowed.
"$root/selftests/lib/gaps.py" "$work" 2 "$([[ $WGXDP_WG == kernel ]] && echo 0 || echo $((sites * (sites - 1) * 20 / 29)))" || fail 'pairs were interrupted'
expect "messages from the relays' own addresses" $(($(arrived s1 foreign) + $(arrived s2 foreign) + $(arrived s3 foreign))) == 0
