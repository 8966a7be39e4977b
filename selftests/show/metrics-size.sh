#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# alone
# Scrapes of a firewall with 100 services that is also a relay of 10,000 peers, on a TUN device and on a NIC, are whole
# and take at most 50 ms by HTTP. Every counter of a service and a peer has a line, and promtool reports nothing.
# BREAK=1 stops the exporter for a moment of each scrape.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
#                             site: a TUN with 9,000 peers behind it; 1,000 more are behind lan
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
[[ ! ${BREAK:-} ]] || WGXDP_STRICT=1 # otherwise slow machines would get longer time limits

rounds=21
scrape() { inside firewall curl -sf --max-time 20 -o "$work/metrics" -w '%{time_total}\n' http://127.0.0.1:9851/metrics; }
lines() { grep -c "^$1" "$work/metrics"; } # BEGINNING

firewall_network
inside firewall ip tuntap add site mode tun
inside firewall ip link set site up
addresses firewall site fd12:3456:7fff::1/128
{
	"$root/selftests/lib/peers.py" 10000 10000 site | sed -E '/site-[0-9]{3}, /s/device: site/device: lan/; /site-9[0-9]{3}, /s/device: site/device: lan/'
	echo 'exporter: { listen: [ "127.0.0.1:9851" ] }'
	echo 'services:'
	for n in {1..100}; do
		echo "  - { name: s$n, listen: { interface: wan, ports: [ $((1000 + n)) ] }, backend: { ipv4: 192.168.1.10, port: $((2000 + n)) } }"
	done
} > "$work/wgxdp.yaml"
start_daemon -c "$work/wgxdp.yaml"
inside client "$udptool" send -n 100 -r 10000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:1001 > /dev/null

took=()
for ((round = 0; round < rounds; round++)); do
	if [[ ${BREAK:-} ]]; then
		kill -STOP "$(exporter)"
		(sleep 0.1 && kill -CONT "$(exporter)") &
	fi
	took+=("$(scrape)") || fail 'the exporter does not answer'
done
say "$rounds scrapes of $(wc -lc < "$work/metrics") lines and bytes took ${took[*]} s"
expect "metrics of services' packets" "$(lines wgxdp_service_packets_total)" == 1200
expect "metrics of services' bytes" "$(lines wgxdp_service_bytes_total)" == 400
expect "metrics of peers' packets" "$(lines wgxdp_peer_packets_total)" == 40000
expect "metrics of peers' bytes" "$(lines wgxdp_peer_bytes_total)" == 20000
expect 'forwarded' "$(awk '/^wgxdp_service_packets_total{service="s1",direction="original".*forwarded/ {n += $2} END {print n}' "$work/metrics")" == 100
promtool check metrics < "$work/metrics" > "$work/checked" 2>&1 || fail "promtool: $(head "$work/checked")"
expect "promtool's complaints" "$(< "$work/checked")" == ''
expect 'routes by show too' "$(wgxdp show routes | grep -c 'peer\|site-')" '>=' 10000
end_daemon
expect "ms for a scrape, median of $rounds" \
	"$(printf '%s\n' "${took[@]}" | sort -n | awk -v at=$((rounds / 2 + 1)) 'NR == at {print $1 * 1000}')" '<=' "$(at_most 50)"
