#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `wgxdp trace` gives the same answer for a packet described in words and for the same packet in a file. scapy builds
# the latter: every message, size, TTL, fragment, tag and address, both families (trace_words.py). mac1 is that of the
# service's first key, or of the named one. An invalid packet is refused, with advice. BREAK=1 puts another index into
# the words.
#
#     client .7 -- 198.51.100.0/24, 2001:db8:1::/64 -- .1 wan firewall lan .1 -- 192.168.1.0/24, 2001:db8:2::/64 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/traced.sh"

firewall_network
traced_services > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
settled lan "$(mac wg-end eth)" 192.168.1.10 2001:db8:2::10
inside firewall /usr/bin/python3 selftests/lib/trace_words.py "$wgxdp" "$key" "$other_key" "$(mac firewall wan)" "$work" > "$work/said" 2>&1 ||
	fail "$(< "$work/said")"
say "ok $(tail -n 1 "$work/said")"

refused() { # WHAT OPTION...
	! wgxdp trace "${@:2}" > "$work/out" 2> "$work/why" || fail "trace ${*:2}: not refused"
	[[ ! -s $work/out ]] || fail "trace ${*:2}: $(< "$work/out")"
	grep -qF -- "$1" "$work/why" || fail "trace ${*:2} says $(< "$work/why")"
}
ends=(--in wan --from 198.51.100.7:4000 --to 198.51.100.1:51820)
refused 'the packet is missing' --in wan --from 198.51.100.7:4000
refused 'have different families' --in wan --from 198.51.100.7:4000 --to '[2001:db8:1::1]:51820'
refused 'not an address and a port: write both, 198.51.100.7:4711' --in wan --from 198.51.100.7 --to 198.51.100.1:51820
refused 'unknown: write none, initiation, response, cookie or data' "${ends[@]}" --message hello
refused 'all 44 characters' "${ends[@]}" --public-key abc
refused 'a number from 0 to 4294967295' "${ends[@]}" --index -1
refused 'a number from 28 to' "${ends[@]}" --size 27
refused 'too short for the packet' --in wan --from '[2001:db8:1::7]:4000' --to '[2001:db8:1::1]:51820' --size 40
refused 'a number from 0 to 255' "${ends[@]}" --ttl 256
refused 'a multiple of 8' "${ends[@]}" --fragment 7
refused 'a number from 0 to 65528' "${ends[@]}" --fragment +
refused 'for a fragment at this offset' "${ends[@]}" --fragment 4096
refused 'a number from 1 to 4094' "${ends[@]}" --vlan 4095
refused 'a packet has at most two VLAN tags: remove some' "${ends[@]}" --vlan 1 --vlan 2 --vlan 3
refused '02:00:00:00:00:01' "${ends[@]}" --mac 02:00:00:00:00
refused 'attached neither to this interface' --in lo "${ends[@]:2}"
refused 'leave out all except --in and --json' --ttl 3 "$work/packet.pcap"
refused 'only one file can be read' "$work/packet.pcap" "$work/packet.pcap"
