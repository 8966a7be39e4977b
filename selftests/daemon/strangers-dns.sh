#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# An attacker cannot forge the name of a backend. It answers the daemon's questions (dns_forger.py) thousands of times
# before the name server and once after it. One thing is wrong in each answer: the id, the port, the source, the
# question, or the time. The answers name another backend, or none. The daemon accepts none of them and keeps asking.
# BREAK=1 lets the attacker guess the id.
#
#     names  .53 -- 192.0.2.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24
#     forger .66 (there)
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

backend() { wgxdp show services | sed -n 's/.*backend: \([0-9.]*\):.*/\1/p'; }
is_at() { [[ $(backend) == "$1" ]]; }
forged() { tail -n 1 "$work/forger" | tr , '\n' | sed -n "s/^ *$1=//p"; } # KIND: how many
asked() { (($(grep -c '=' "$work/forger") >= $1)); }

namespaces names firewall host
routers firewall
cable names eth firewall wan
cable firewall lan host eth
addresses names eth 192.0.2.53/24 192.0.2.66/24
addresses firewall wan 192.0.2.1/24
addresses firewall lan 192.168.1.1/24
echo 'nameserver 192.0.2.53' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
cat > "$work/wgxdp.yaml" << END
interfaces: [ { name: lan, role: lan } ]
services:
  - { name: wg-end, listen: { addresses: [ 192.0.2.1 ], ports: [ $port ] }, backend: { ipv4: wg-end.example.net, port: $port } }
END
start names "$root/selftests/lib/dns_forger.py" 192.0.2.53 192.0.2.66 192.168.1.11 192.168.1.66 ${BREAK:+right} > "$work/forger"
forger=$!
wait_for 5 'the name server listens' grep -q listening "$work/forger"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
start_daemon -c "$work/wgxdp.yaml"
wait_for 10 'the name resolves' grep -q '[0-9]' <(backend)
expect 'the backend' "$(backend)" == 192.168.1.11
for ((n = 2; n <= 6; n++)); do
	wait_for 10 "question $n" asked $n
	expect "the backend, after question $n" "$(backend)" == 192.168.1.11
done
for kind in id port address "server's port" question type time; do
	expect "forged, wrong in its $kind" "$(forged "$kind")" '>=' 5
done
kill $forger
sleep 1.5 # also while no server answers
expect 'the backend, without answers' "$(backend)" == 192.168.1.11
wgxdp down > /dev/null
