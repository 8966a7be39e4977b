#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# Eight clients that always ask for metrics delay no other request by more than 50 ms, and slow or foreign clients are
# refused. Eight clients always ask a blind relay of 1,023 sites for its metrics, with 20,000 pairs of sites.
# Meanwhile the exporter answers another request every 10 ms, at most 50 ms late. A client that sends its request
# slowly, and a client that reads the answer slowly, are disconnected after 30 s. A client that uses a foreign host
# name gets nothing. BREAK=1 stops the exporter for 0.1 s once a second.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
[[ ! ${BREAK:-} ]] || WGXDP_STRICT=1 # otherwise slow machines would get longer time limits

sites=1023 pairs=20000 seconds=10 url=http://198.51.100.1:9851
firewall_network
choose_wireguard
tunnel firewall wgr fd12:3456:789a::1/128 51820
/usr/bin/python3 - $sites > "$work/peers" << 'EOF'
import base64, sys
for n in range(int(sys.argv[1])):
    key = base64.b64encode((n + 9).to_bytes(2, "little") + bytes(range(30))).decode()
    print("[Peer]\nPublicKey = %s\nAllowedIPs = fd12:3456:789a::%x/128" % (key, n + 2))
EOF
inside firewall wg addconf wgr "$work/peers"
cat > "$work/wgxdp.yaml" << EOF
interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
blind: { listen: { interface: wan, port: 51820 }, device: wgr }
exporter: { listen: [ "127.0.0.1:9851", "198.51.100.1:9851" ], page: everywhere, names: [ relay.example.net ] }
EOF
start_daemon -c "$work/wgxdp.yaml"
all_there() { (($(inside firewall curl -s http://127.0.0.1:9851/metrics | grep -c ^wgxdp_site_authenticated) == sites)); }
wait_for 60 "$sites sites" all_there
/usr/bin/python3 - $pairs > "$work/totals" << 'EOF'
import struct
import sys

done = 0
for origin in range(1, 1023):
    for to in range(1, 1023, 50):
        if origin != to and done < int(sys.argv[1]):
            done += 1
            print("map update pinned /sys/fs/bpf/wgxdp/default/blind_totals key hex %s value hex %s" % (
                done.to_bytes(4, "little").hex(" "), struct.pack("<IIQQ", origin, to, 1, 1).hex(" ")))
EOF
bpftool batch file "$work/totals" > /dev/null
pairs_there() { (($(inside firewall curl -s http://127.0.0.1:9851/metrics | grep -c ^wgxdp_site_packets_total) == pairs)); }
wait_for 5 "$pairs pairs" pairs_there # an answer serves for a second, and the last one had none

code() { inside firewall curl -s -o "$work/body" -w '%{http_code}' "$@"; } # OPTION... URL
for host in evil.example.net relay.example.net.evil.example.net; do
	expect "metrics, asked as $host" "$(code -H "Host: $host" $url/metrics)" == 421
done
grep -q 'exporter: { names' "$work/body" || fail "no cure: $(< "$work/body")"
for host in relay.example.net RELAY.example.net:9851 198.51.100.1 "$(uname -n)"; do
	expect "metrics, asked as $host" "$(code -H "Host: $host" $url/metrics)" == 200
done

# Two slow clients: the first sends a byte of a request, the second reads a bit of an answer, once a second
start client /usr/bin/python3 -c '
import socket, time
asks, reads = socket.socket(), socket.socket()
reads.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
for s in asks, reads:
    s.connect(("198.51.100.1", 9851))
asks.send(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
reads.send(b"GET /metrics HTTP/1.1\r\nHost: 198.51.100.1\r\n\r\n")
while True:
    time.sleep(1)
    try:
        asks.send(b"x")
    except OSError:
        pass
    reads.recv(2048)'
trickler=$! began=$SECONDS
held() { inside firewall ss -Htnp 'sport = 9851 and dst 198.51.100.7' | grep -c wgxdp; }
all_ended() { (($(held) == 0)); }
both_held() { (($(held) == 2)); }
wait_for 5 'two that trickle' both_held

# Eight clients ask all the time, from another host, so that they do not take CPU time from the daemon. Each answer must
# be whole.
start wg-end nice -n 19 /usr/bin/python3 -c '
import http.client, sys, threading, time
ends = time.monotonic() + float(sys.argv[1])
counts, wrong = [0] * 8, [0] * 8
def ask(n):
    while time.monotonic() < ends:
        c = http.client.HTTPConnection("198.51.100.1", 9851, timeout=20)
        try:
            c.request("GET", "/metrics")
            text = c.getresponse().read()
        except ConnectionResetError:        # the former connections count until their threads have ended
            continue
        counts[n] += 1
        wrong[n] += text.count(b"\nwgxdp_site_packets_total{") != int(sys.argv[2])
        c.close()
threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print("answers", sum(counts), "wrong", sum(wrong), "fewest", min(counts))' $seconds $pairs > "$work/asked"
asking=$!
start firewall /usr/bin/python3 -c '
import http.client, sys, time
ends, took = time.monotonic() + float(sys.argv[1]), []
c = http.client.HTTPConnection("127.0.0.1", 9851, timeout=20)
while time.monotonic() < ends:
    began = time.monotonic()
    c.request("GET", "/nothing")
    c.getresponse().read()
    took.append(1000 * (time.monotonic() - began))
    time.sleep(0.01)
took.sort()
print("latest", round(took[-1]), "median", round(took[len(took) // 2], 1), "asked", len(took))' $seconds > "$work/late"
probe=$!
if [[ ${BREAK:-} ]]; then
	for _ in {1..5}; do
		sleep 1
		kill -STOP "$(exporter)"
		sleep 0.1
		kill -CONT "$(exporter)"
	done
fi
wait $asking || fail 'asking'
wait $probe || fail 'the probe'
say "$(< "$work/asked"); $(< "$work/late") ms"
expect 'answers to the eight' "$(said asked answers)" '>=' 16
expect 'incomplete answers' "$(said asked wrong)" == 0
expect 'the latest answer in ms' "$(said late latest)" '<=' "$(at_most 50)"
expect 'connections of the slow clients, before 30 s' "$(held)" == 2
wait_for 30 'slow clients are disconnected' all_ended
expect 'slow clients are disconnected, after s' $((SECONDS - began)) '<=' 35
kill $trickler
end_daemon
