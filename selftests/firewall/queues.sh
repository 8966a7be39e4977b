#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# With `transmit: tc`, a qdisc on the WAN also limits the answers that wgxdp forwards, and with cake pings take at
# most 1.2 times as long as beside the kernel's forwarding. A qdisc on the WAN limits what leaves by it to 8 Mbit/s.
# With `transmit: tc` it also limits the answers that wgxdp forwards, in native and generic XDP, and `up` and `show`
# say so; without it, XDP sends them past the qdisc. Packets to the LAN still leave by XDP. In a VM, the qdisc is also
# cake with 20 Mbit/s, and 34 Mbit/s of answers come. Then the 95th percentile of a ping is at most 1.2 times as long
# as beside the same packets forwarded by the kernel. BREAK=1 leaves `transmit: tc` out.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rate=3000 size=1400 # packets a second, bytes: 34 Mbit/s

configuration() { # TRANSMIT MODE
	cat > "$work/wgxdp.yaml" <<- EOF
		interfaces:
		  - { name: wan, role: wan, mode: $2, transmit: $1 }
		  - { name: lan, role: lan, mode: $2 }
		services:
		  - { name: wg, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
	EOF
}
answers() { # SECONDS: from the backend's port to the client
	inside wg-end "$udptool" send -s $size -n $(($1 * rate)) -r $rate eth "$(mac firewall lan)" "192.168.1.10:$port" 198.51.100.7:4000 > /dev/null
}
originals() { # NUMBER
	inside client "$udptool" send -n "$1" -r 2000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
}
mbit() { # SECONDS: Mbit/s of answers that reach the client
	local before began
	before=$(arrived client answers) began=${EPOCHREALTIME/./}
	answers "$1"
	echo $((($(arrived client answers) - before) * (size + 42) * 8 / (${EPOCHREALTIME/./} - began)))
}

# ms below which 95 % of the pings stay, beside the answers
ping_beside() {
	answers 7 &
	local sender=$!
	sleep 1
	inside client ping -n -c 250 -i 0.02 -W 2 192.168.1.10 | sed -n 's/.*time=\([0-9.]*\) ms/\1/p' | sort -n > "$work/times"
	wait $sender
	[[ $(wc -l < "$work/times") -ge 240 ]] || fail "only $(wc -l < "$work/times") of 250 pings came back"
	sed -n "$(($(wc -l < "$work/times") * 95 / 100))p" "$work/times"
}

firewall_network
quiet client wg-end
count_arrivals client answers "udp sport $port udp dport 4000"
inside firewall tc qdisc add dev wan root tbf rate 8mbit burst 20kb latency 50ms
for mode in native generic; do
	configuration auto $mode
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	originals 10
	expect "$mode: Mbit/s that pass the qdisc by, which lets 8 pass" "$(mbit 1)" '>=' 12
	configuration tc $mode
	[[ ! ${BREAK:-} ]] || configuration auto $mode
	wgxdp reload -c "$work/wgxdp.yaml" > "$work/reload" || fail "reload: $(< "$work/reload")"
	originals 10
	expect "$mode, transmit: tc: Mbit/s" "$(mbit 2)" '<=' 9
	wgxdp show interfaces | holds 'transmit: tc' || fail "show does not say it: $(wgxdp show interfaces)"
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
	holds 'transmit: tc' < "$work/up" || fail "up does not say it: $(< "$work/up")"
	expect "$mode: XDP may send to the LAN, and not to the WAN" \
		"$(shown get interfaces.lan.xdp_transmit) $(shown get interfaces.wan.xdp_transmit)" == 'yes no'
	expect_sums
	wgxdp down > /dev/null
done

inside firewall tc qdisc del dev wan root
if inside firewall tc qdisc add dev wan root cake bandwidth 20mbit 2> /dev/null; then
	kernel=$(ping_beside)
	configuration tc auto
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
	originals 10
	ours=$(ping_beside)
	say "95 % of pings beside the answers: below $kernel ms with kernel forwarding, below $ours ms with wgxdp"
	expect '1.2 times the latency of kernel forwarding, and 1 ms' "$ours" '<=' "$(awk "BEGIN {print 1.2 * $kernel + 1}")"
	expect_sums
	wgxdp down > /dev/null
fi
