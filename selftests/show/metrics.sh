#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The exporter reports the values of `show`, of 102 services within 50 ms, and so does `show metrics`. Waiting services,
# failed reloads and late addresses are visible. A client that opens all connections blocks no other client. BREAK=1
# asks an exporter whose daemon is stopped.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

configuration() { # SERVICES [LINE]
	local n
	echo 'services:'
	for ((n = 0; n < $1; n++)); do
		echo "  - { name: s$n, listen: { interface: wan, ports: [ $((1000 + n)) ] }, backend: { ipv4: 192.168.1.10, port: $((2000 + n)) } }"
	done
	echo "  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }"
	echo "  - { name: later, listen: { interface: late, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: 9 } }"
	echo 'exporter: { listen: [ "127.0.0.1:9851", "[::1]:9851", "198.51.100.9:9851" ] }'
	echo "${2:-}"
}

scrape() { inside firewall curl -sf --max-time 2 "http://${1:-127.0.0.1:9851}/metrics"; }
value() { awk -v name="$1" '$1 == name {print $2}'; } # NAME{LABELS} FILE
sum() { awk -v what="$1" 'index($1, what) == 1 {n += $2} END {print n + 0}'; } # BEGINNING
without_time() { grep -v -e ^process_ -e '^# ... process_'; }

firewall_network
configuration 100 > "$work/wgxdp.yaml"
start_daemon -c "$work/wgxdp.yaml"
own_memory() { awk '$1 == "RssAnon:" {print $2}' "/proc/$(exporter)/status"; } # kB
grep -q 'exporter: cannot listen on 198.51.100.9:9851' "$work/daemon" || fail "no warning: $(< "$work/daemon")"
[[ ! ${BREAK:-} ]] || kill -STOP "$daemon"
inside client "$udptool" send -n 1000 -r 10000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
inside client "$udptool" send -n 10 -r 10000 uplink "$(mac firewall wan)" 192.168.1.77:4000 198.51.100.1:$port > /dev/null
scrape > "$work/metrics" || fail 'the exporter does not answer'
expect 'forwarded' "$(sum 'wgxdp_service_packets_total{service="wg-end",direction="original"' < <(grep forwarded "$work/metrics"))" == 1000
expect 'passed' "$(sum 'wgxdp_service_packets_total{service="wg-end",direction="original"' < <(grep passed "$work/metrics"))" == 10
expect 'bytes, as show says' "$(sum 'wgxdp_service_bytes_total{service="wg-end",direction="original"' < "$work/metrics")" == \
	"$(shown get services.wg-end.original.bytes)"
expect 'attached: wan' "$(value 'wgxdp_interface_attached{interface="wan"}' < "$work/metrics")" == 1
expect 'attached: late' "$(value 'wgxdp_interface_attached{interface="late"}' < "$work/metrics")" == 0
expect 'entries of the table' "$(value 'wgxdp_map_entries{map="table"}' < "$work/metrics")" == 202
expect 'rows' "$(wc -l < "$work/metrics")" '>' 1600
cmp <(without_time < "$work/metrics") <(wgxdp show metrics | without_time) || fail 'show metrics says something else'
# Each metric is on the page, with these labels: METRIC LABEL...
sed -nE 's/^(wgxdp_[a-z_]+)(\{(.*)\})? .*/\1 \3/p' "$work/metrics" | sed -E 's/="[^"]*",?/ /g; s/ +$//' | sort -u > "$work/exported"
sed -nE 's/^\| (`wgxdp[^|]*) \| ([^|]*)\|.*/\1|\2/p' docs/reference/metrics.md | tr -d '`,' |
	awk -F '|' '{n = split($1, name, " "); for (i = 1; i <= n; i++) print name[i] " " $2}' | sed -E 's/ +$//' | sort -u > "$work/page"
[[ ! $(comm -23 "$work/exported" "$work/page") ]] || fail "not on docs/reference/metrics.md: $(comm -23 "$work/exported" "$work/page")"
expect 'metrics and their labels, on docs/reference/metrics.md too' "$(wc -l < "$work/exported")" '>=' 10
scrape '[::1]:9851' | without_time | cmp - <(without_time < "$work/metrics") || fail 'over IPv6 something else'
inside firewall ip address add 198.51.100.9/24 dev wan
wait_for 20 'an address that comes late' scrape 198.51.100.9:9851
expect 'elsewhere' "$(inside firewall curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9851/nowhere)" == 404
expect 'POST' "$(inside firewall curl -s -o /dev/null -w '%{http_code}' -d x http://127.0.0.1:9851/metrics)" == 405

start client /usr/bin/python3 -c '
import socket, time
held = []
for _ in range(200):
    try:
        held.append(socket.create_connection(("198.51.100.9", 9851), 0.2))
        held[-1].send(b"GET /metrics HTTP/1.1\r\n")
    except OSError:
        pass
print("holds", len(held), flush=True)
time.sleep(600)' > "$work/holder"
holder=$!
wait_for 50 'connections that ask for nothing' grep -q holds "$work/holder"
scrape 198.51.100.9:9851 > "$work/held" || fail 'one client has all connections'
expect 'connections that the daemon holds' "$(inside firewall ss -Htnp state established state close-wait 'sport = 9851' | grep -c wgxdp)" '<=' 8
kill $holder

# Clients with several addresses hold all connections, and end them all at once
addresses client uplink 198.51.100.{20..24}/24
start client /usr/bin/python3 -c '
import socket, time
held = []
for n in range(40):
    c = socket.socket()
    c.bind(("198.51.100.%d" % (20 + n % 5), 0))
    c.settimeout(20)
    c.connect(("198.51.100.9", 9851))
    c.send(b"GET /metrics HTTP/1.1\r\n")
    held.append(c)
print("holds", len(held), flush=True)
time.sleep(600)' > "$work/holder"
holder=$!
wait_for 50 'clients that hold all connections' grep -q holds "$work/holder"
stopped=$(exporter)
kill -STOP "$stopped"
kill $holder
wait $holder || :
kill -CONT "$stopped"
wait_for 5 'the exporter, after 32 connections have ended at once' scrape 198.51.100.9:9851

scrape > /dev/null
before=$(own_memory)
took=()
for _ in {1..20}; do
	took+=("$(inside firewall curl -s -o /dev/null -w '%{time_total}' http://127.0.0.1:9851/metrics)")
done
for _ in {1..30}; do # it frees connections of finished requests only after a moment
	kept=$(($(own_memory) - before))
	((kept > 512)) || break
	sleep 0.1
done
expect 'kB that it keeps of what it answered' "$kept" '<=' 512
median=$(printf '%s\n' "${took[@]}" | sort -n | awk 'NR == 10 {print $1 * 1000}')

expect 'last reload' "$(scrape | value wgxdp_config_last_reload_successful)" == 1
configuration 100 nonsense > "$work/wgxdp.yaml"
kill -HUP "$daemon"
reload_failed() { [[ $(scrape | value wgxdp_config_last_reload_successful) == 0 ]]; }
wait_for 2 'a failed reload' reload_failed
wgxdp service deny add s1 192.0.2.0/24 > /dev/null
expect 'last reload, after another command' "$(scrape | value wgxdp_config_last_reload_successful)" == 0
configuration 1 > "$work/wgxdp.yaml"
kill -HUP "$daemon"
# Another exporter, too, which reads its section again, so a request may find none for a moment
fewer() { scrape > "$work/after" && [[ $(grep -c 'service="s' "$work/after") == 19 && $(value wgxdp_config_last_reload_successful < "$work/after") == 1 ]]; }
wait_for 2 'another reload' fewer
for process in "$daemon" "$(exporter)"; do
	expect "kB in memory of process $process" "$(awk '$1 == "VmRSS:" {print $2}' "/proc/$process/status")" '<=' 10240
done
end_daemon
expect 'ms for a scrape, median of 20, 102 services' "$median" '<=' "$(at_most 50)"
