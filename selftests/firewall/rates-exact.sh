#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# alone
# timeout: 400
# The rates of a service are exact within 3 % over ten seconds: 1, 10 and 900 Mbit/s, received by one CPU or by two.
# nftables counts at wg-end. Each sender sends more than the rate. With BREAK=1 the file says a rate that is 5 %
# higher.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

firewall_network
inside client ip link del uplink
ip link add uplink netns client numtxqueues 2 numrxqueues 2 type veth \
	peer name wan netns firewall numtxqueues 2 numrxqueues 2
"$build/selftests/plug" client uplink firewall wan
addresses client uplink 198.51.100.7/24
addresses firewall wan 198.51.100.1/24
gateways client 198.51.100.1
inside wg-end nft -f - << EOF
table inet seen {
	counter came { }
	chain arrivals {
		type filter hook prerouting priority -310; policy accept;
		udp dport $port counter name came drop
	}
}
EOF
bytes() { inside wg-end nft list counter inet seen came | awk '$3 == "bytes" {print $4}'; }
cpus_that_counted() { # prints how many CPUs have received packets of the service
	bpftool -j map dump pinned /sys/fs/bpf/wgxdp/default/totals |
		jq '[.[0].formatted.values[] | select(.value.received > 0)] | length'
}

# rate BITS CPUS PAYLOAD PACKETS-OF-EACH-SENDER
rate() {
	local mac from to cpu began ended says=$1
	[[ ! ${BREAK:-} ]] || says=$(($1 * 105 / 100))
	cat > "$work/wgxdp.yaml" <<- YAML
		interfaces: [ { name: wan, role: wan } ]
		services:
		  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
		rates: [ { service: wg-end, from: $((says / 1000)) kbit/s } ]
	YAML
	wgxdp down > /dev/null 2>&1 || :
	wgxdp up -c "$work/wgxdp.yaml" > /dev/null
	mac=$(mac firewall wan)
	senders=()
	for ((cpu = 0; cpu < $2; cpu++)); do
		start client taskset -c "$cpu" "$udptool" send -s "$3" -r "$4" -n $((13 * $4)) uplink "$mac" \
			198.51.100.$((7 + cpu)):5000 198.51.100.1:"$port" > /dev/null
		senders+=($!)
	done
	sleep 1
	began=$(ms) from=$(bytes)
	sleep 10
	ended=$(ms) to=$(bytes)
	kill "${senders[@]}" 2> /dev/null || :
	wait "${senders[@]}" || :
	got=$(awk -v b=$((to - from)) -v ms=$((ended - began)) -v rate="$1" 'BEGIN { printf "%.0f", 10000 * b * 8000 / ms / rate }')
	expect "$1 bit/s, $2 CPUs, in 1/10000" "$got" '>=' 9700
	expect "$1 bit/s, $2 CPUs, in 1/10000" "$got" '<=' 10300
	wgxdp show | holds rate_limited || fail "no packet was dropped at $1 bit/s: $(wgxdp show)"
	expect 'CPUs that received packets' "$(cpus_that_counted)" '>=' "$2"
}

for cpus in 1 2; do
	rate 1000000 $cpus 200 2000
	rate 10000000 $cpus 1300 2000
	rate 900000000 $cpus 1400 $((110000 / cpus))
done
