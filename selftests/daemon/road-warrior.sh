#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# vm
# A road warrior whose NAT changes address and port is answered within a second, and an attacker never holds its
# endpoint for five seconds. This is scenario R for three minutes. The road warrior's NAT changes address and port
# every ten seconds, under 20 pings a second through the tunnel. Every two seconds an attacker sends intercepted
# initiations again from another place: some that the router has received before, and some that it has not. After each
# change the first answer comes within a second of the warrior's next packet, and otherwise no ping is lost. The
# attacker never holds the endpoint for five seconds. BREAK=1 drops the warrior's packets for two seconds after a
# change.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/warrior.sh"

changes=18
warrior_network
cat > "$work/wgxdp.yaml" << EOF
interfaces: [ { name: wan, role: wan } ]
learn: [ { interface: wg2, knock: { port: 19000 } } ]
EOF
start_daemon -c "$work/wgxdp.yaml"
wait_for 10 'the tunnel' pings
inside net nft add table ip catch
inside net nft add chain ip catch forward '{ type filter hook forward priority 0; policy accept; }'

# the attacker's initiations: two that came to r2, and twenty that did not
start nat tcpdump -q -i inner -w "$work/caught" -U 'udp dst port 51820 and udp[8] = 1' 2> "$work/tcpdump"
catcher=$!
wait_for 5 'tcpdump listens' grep -q listening "$work/tcpdump"
new_session() {
	sleep 0.2 # WireGuard does not answer initiations in quick succession
	inside r1 wg set wg1 peer "$(key wg2)" remove
	inside r1 wg set wg1 peer "$(key wg2)" allowed-ips 10.77.0.2/32 endpoint 203.0.113.1:51820
	pings
}
new_session
new_session
inside net nft add rule ip catch forward ip saddr 198.51.100.0/24 udp dport 51820 drop
for ((i = 0; i < 20; i++)); do new_session || :; done
sleep 0.5
stop $catcher
inside net nft flush chain ip catch forward
new_session || wait_for 20 'the tunnel again' pings

# -O reports each ping without an answer before the next one, even if the answer comes later; -D adds the time
start r1 ping -D -O -i 0.05 -W 2 10.77.0.2 > "$work/pings"
pinger=$!
start stranger /usr/bin/python3 -c '
import socket, sys, time
from scapy.all import rdpcap, UDP
messages = [bytes(p[UDP].payload) for p in rdpcap(sys.argv[1])]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(1000):
    sock.sendto(messages[i % len(messages)], ("203.0.113.1", 51820))
    time.sleep(2)' "$work/caught" 2> /dev/null
forger=$!
watch() { while :; do echo "$(date +%s.%N) $(endpoint)"; sleep 0.1; done; }
watch > "$work/endpoints" &
watcher=$!
for ((c = 0; c < changes; c++)); do
	sleep 10
	[[ ! ${BREAK:-} ]] || inside net nft add rule ip catch forward ip saddr 198.51.100.0/24 drop
	nat_is "198.51.100.$((5 + c % 9))" $((21000 + c))
	date +%s.%N >> "$work/changed"
	if [[ ${BREAK:-} ]]; then
		sleep 2
		inside net nft flush chain ip catch forward
	fi
done
sleep 3
kill -INT $pinger
wait $pinger || :
kill $forger $watcher
wait $forger $watcher || :
end_daemon

# prints the time from the first ping after each change to the first answer, other lost pings, and how long the attacker
# held the endpoint
/usr/bin/python3 - "$work" << 'EOF' > "$work/found"
import re, sys
work = sys.argv[1]
changed = [float(line) for line in open(work + "/changed")]
pings = open(work + "/pings").read()
answers = [float(when) for when in re.findall(r"^\[([\d.]+)\] \d+ bytes from", pings, re.M)]
answered = set(re.findall(r"bytes from .* icmp_seq=(\d+) ", pings))
silent = [float(when) for when, seq in re.findall(r"^\[([\d.]+)\] no answer yet for icmp_seq=(\d+)", pings, re.M) if seq not in answered]
outages = [min(a for a in answers if a > c + 0.02) - c for c in changed]
lost = [s for s in silent if not any(c - 0.2 <= s <= c + 1.2 for c in changed)]
forged, longest, since = 0, 0, None
for line in open(work + "/endpoints"):
    words = line.split()
    is_forged = len(words) > 1 and words[1].startswith("192.0.2.66")
    since = (since or float(words[0])) if is_forged else None
    forged += is_forged
    longest = max(longest, float(words[0]) - since if since else 0)
print("longest_ms", int(1000 * max(outages)), "mean_ms", int(1000 * sum(outages) / len(outages)), "lost", len(lost), "answered", len(answers),
      "forged_ms", int(1000 * longest), "forged_looks", forged)
EOF
cat "$work/found"
expect 'answered pings' "$(said found answered)" '>' 2000
expect "longest of $changes outages, in ms" "$(said found longest_ms)" '<=' "$(at_most 1000)"
expect 'pings lost beside these' "$(said found lost)" '<=' 1
expect 'ms that the forger had the endpoint' "$(said found forged_ms)" '<' 5000
say "ok $changes changes: outages of $(said found mean_ms) ms on average, $(said found longest_ms) at most"
