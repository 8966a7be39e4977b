#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# A real Prometheus scrapes the daemon, and its answers to queries match the sender's counts. promtool reports nothing
# about the metrics. BREAK=1 sends one packet more than it counts.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
#                           Prometheus
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=20000 # packets

cat > "$work/wgxdp.yaml" << EOF
services:
  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
exporter: { listen: [ "127.0.0.1:9851" ] }
EOF
cat > "$work/prometheus.yml" << EOF
global: { scrape_interval: 1s }
scrape_configs: [ { job_name: wgxdp, static_configs: [ { targets: [ "127.0.0.1:9851" ] } ] } ]
EOF

query() { # PROMQL: prints its only value
	inside firewall curl -sf --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query | /usr/bin/python3 -c '
import json, sys
rows = json.load(sys.stdin)["data"]["result"]
print(rows[0]["value"][1] if len(rows) == 1 else len(rows))'
}
forwarded='sum(wgxdp_service_packets_total{service="wg-end", direction="original", verdict="forwarded"})'
answers() { [[ $(query "$1") == "$2" ]]; } # QUERY VALUE

firewall_network
start_daemon -c "$work/wgxdp.yaml"
inside firewall curl -sf http://127.0.0.1:9851/metrics > "$work/metrics"
promtool check metrics < "$work/metrics" > "$work/promtool" 2>&1 || fail "promtool: $(< "$work/promtool")"
expect 'lines that promtool prints' "$(wc -l < "$work/promtool")" == 0
mkdir "$work/data"
start firewall prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
	--web.listen-address=127.0.0.1:9090 > "$work/prometheus" 2>&1
prometheus=$!
wait_for 30 'Prometheus scrapes' answers 'up{job="wgxdp"}' 1
expect 'before' "$(query "$forwarded")" == 0
inside client "$udptool" send -n $n -r 10000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
[[ ! ${BREAK:-} ]] || inside client "$udptool" send uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
wait_for 10 'the last of them in a scrape' answers "$forwarded" "$(shown all original forwarded)"
sleep 1.5
expect 'Prometheus says forwarded' "$(query "$forwarded")" == $n
expect 'bytes' "$(query 'sum(wgxdp_service_bytes_total{service="wg-end", direction="original"})')" == $((n * 60))
expect 'version' "$(query 'count(wgxdp_build_info)')" == 1
kill "$daemon"
wait "$daemon" || :
wait_for 10 'Prometheus sees that the daemon is gone' answers 'up{job="wgxdp"}' 0
kill $prometheus
wait $prometheus || :
say "ok Prometheus answers what the sender counted: $n"
