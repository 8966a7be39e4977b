#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# vm
# The home router learns a road warrior's endpoint when WireGuard cannot, and an attacker holds the endpoint for less
# than five seconds. The router's own rules accept only answers, so that only the data path sees an initiation from a
# new place. Floods of wrong mac1s from two CPUs prevent no report of a move. A repeated initiation moves nothing. An
# initiation that an attacker intercepted moves the endpoint for less than five seconds, and after three of these,
# learning stops until a knock. With native XDP, generic XDP and tc. BREAK=1 learns nothing.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/warrior.sh"

warrior_network
inside r2 nft -f - << EOF
table inet own { chain input { type filter hook input priority 0;
	ct state established,related accept
	udp dport 51820 counter drop
}; }
EOF
configuration() { # MODE
	echo "interfaces: [ { name: wan, role: wan, mode: $1 } ]"
	[[ ${BREAK:-} ]] || echo 'learn: [ { interface: wg2 } ]'
}

# Moves the peer without a session: its next message is an initiation
moves_to() { # N
	nat_is "198.51.100.$1" "2000$1"
	inside r2 conntrack -F 2> /dev/null
	inside r2 wg set wg2 peer "$(key wg1)" remove
	inside r2 wg set wg2 peer "$(key wg1)" allowed-ips 10.77.0.1/32 endpoint 198.51.100.99:9
	inside r1 wg set wg1 peer "$(key wg2)" remove
	inside r1 wg set wg1 peer "$(key wg2)" allowed-ips 10.77.0.2/32 endpoint 203.0.113.1:51820
}

pings && fail 'WireGuard hears what the rules drop'
n=3
for mode in native generic tc; do
	configuration $mode > "$work/wgxdp.yaml"
	start_daemon -c "$work/wgxdp.yaml"
	expect 'mode' "$(shown get interfaces.wan.mode)" == $mode
	n=$((n + 1))
	moves_to $n
	began=$(elapsed)
	inside r1 ping -q -c 1 -W 5 10.77.0.2 > /dev/null || fail "$mode: no answer; $(< "$work/daemon")"
	took=$(awk -v a="$began" -v b="$(elapsed)" 'BEGIN {print int((b - a) * 1000)}')
	is_there "198.51.100.$n:2000$n" || fail "$mode: it is at $(endpoint)"
	expect "$mode: ms from the first packet to the answer" "$took" '<' "$(at_most 1000)"
	wait_for 5 'it is proven' says 'WireGuard got an answer'
	[[ $mode == tc ]] || end_daemon
done

# intercepted: none of these came to r2
inside net nft add table ip catch
inside net nft add chain ip catch forward '{ type filter hook forward priority 0; }'
inside net nft add rule ip catch forward ip saddr 198.51.100.0/24 udp dport 51820 drop
start nat tcpdump -q -i inner -w "$work/caught" -U 'udp dst port 51820 and udp[8] = 1' 2> "$work/tcpdump"
catcher=$!
wait_for 5 'tcpdump listens' grep -q listening "$work/tcpdump"
for ((i = 0; i < 5; i++)); do
	inside r1 wg set wg1 peer "$(key wg2)" remove
	inside r1 wg set wg1 peer "$(key wg2)" allowed-ips 10.77.0.2/32 endpoint 203.0.113.1:51820
	pings || :
done
sleep 0.5
kill $catcher
wait $catcher || :
inside r1 wg set wg1 peer "$(key wg2)" remove # otherwise it would send again and succeed
inside net nft delete table ip catch
place=$(endpoint)

replay() { # NUMBER: sends an intercepted initiation, from a stranger
	inside stranger /usr/bin/python3 -c '
import socket, sys
sys.path.insert(0, "selftests/lib")
from scapy.all import rdpcap, UDP
messages = [bytes(p[UDP].payload) for p in rdpcap(sys.argv[1])]
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(messages[int(sys.argv[2])], ("203.0.113.1", 51820))' "$work/caught" "$1" 2> /dev/null
}
for i in 0 1 2; do
	hush
	sleep 5.2 # its peer has been silent, and the last trial is as long ago
	replay $i
	wait_for 5 'the endpoint is forged' says '192.0.2.66:.* is tried'
	began=$(elapsed)
	wait_for 6 'it is restored' says 'is used again'
	took=$(awk -v a="$began" -v b="$(elapsed)" 'BEGIN {print int((b - a) * 1000)}')
	expect 'ms that a forger has the endpoint' "$took" '<' "$(at_most 5000)"
	expect 'then it is' "$(endpoint)" == "$place"
	if ((i == 0)); then
		hush
		replay 0
		sleep 1
		says 'is tried' && fail 'a repeated initiation moves the endpoint'
		say 'ok a repeated initiation moves nothing'
	fi
done
says 'new addresses are ignored' || fail 'three in vain did not end it'
hush
replay 3
sleep 1
says 'is tried' && fail 'it goes on learning after three in vain'
end_daemon

# the daemon ends during a trial
start_daemon -c "$work/wgxdp.yaml"
hush
sleep 5.2
replay 4
wait_for 5 'the endpoint is forged' says '192.0.2.66:.* is tried'
end_daemon
expect 'endpoint after the daemon has ended' "$(endpoint)" == "$place"

# forty new initiations a second, each from another port, by a stranger who knows only the public key
start_daemon -c "$work/wgxdp.yaml"
hush
sleep 3.2
start stranger /usr/bin/python3 -c '
import os, socket, sys, time
sys.path.insert(0, "selftests/lib")
from wgpackets import mac1, mac1_key
key = mac1_key(sys.argv[1])
for i in range(480):
    message = b"\1\0\0\0" + os.urandom(112)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(message + mac1(message, key) + bytes(16), ("203.0.113.1", 51820))
    time.sleep(0.025)' "$(key wg2)"
forger=$!
wait_for 5 'one of many is tried' says '192.0.2.66:.* is tried'
forged=0 longest=0 since=$(elapsed)
while kill -0 $forger 2> /dev/null; do
	if is_there "$place"; then
		since=$(elapsed)
	else
		forged=$((forged + 1))
	fi
	longest=$(awk -v a="$since" -v b="$(elapsed)" -v longest="$longest" 'BEGIN {d = int((b - a) * 1000); print (d > longest ? d : longest)}')
	sleep 0.1
done
wait $forger
expect 'looks at an endpoint that is the forger'"'"'s' $forged '>' 5
expect 'ms that one of forty a second has the endpoint, at most' "$longest" '<' "$(at_most 5000)"
wait_for 6 'it is what it was' is_there "$place"
sleep 5.5
is_there "$place" || fail "after all that it is at $(endpoint)"
end_daemon

# On each CPU a stranger without the key sends 1,000 messages a second in the form of an initiation, ten times as many
# as there may be reports. They take no reports from right initiations.
start_daemon -c "$work/wgxdp.yaml"
floods=()
for ((cpu = 0; cpu < $(nproc); cpu++)); do
	start stranger taskset -c $cpu /usr/bin/python3 -c '
import os, socket, time
s, ends = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), time.monotonic() + 60
while time.monotonic() < ends:
    for i in range(100):
        s.sendto(b"\1\0\0\0" + os.urandom(144), ("203.0.113.1", 51820))
    time.sleep(0.1)'
	floods+=($!)
done
sleep 1
for n in 7 8 9 5; do
	hush
	moves_to $n
	inside r1 ping -q -c 1 -W 4 10.77.0.2 > /dev/null || fail "a flood of wrong mac1s: no answer to move $n; $(< "$work/daemon")"
	is_there "198.51.100.$n:2000$n" || fail "a flood of wrong mac1s: it is at $(endpoint)"
	wait_for 5 'it is proven' says 'WireGuard got an answer'
done
kill "${floods[@]}"
end_daemon
say 'ok learnt and proven by WireGuard, or taken back'
