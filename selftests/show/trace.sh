#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1800
# `wgxdp trace` agrees with the fate of a real packet. Generated packets of all kinds go through it from a pcapng file,
# and then over the wire. trace.py compares verdict, reason, service or peer, egress interface and every byte. It also
# compares the counters and all maps before and after the question. BREAK=1 sends a packet during the question; BREAK=2
# expects another byte.
#
#     client .7 -- 198.51.100.0/24, 2001:db8:1::/64 -- .1 wan firewall lan .1 -- 192.168.1.0/24, 2001:db8:2::/64 -- .10 wg-end
#                                             site-a behind tun, a TUN        lb -- fd12:3456:789a:b::/64 -- eth site-b
source "${BASH_SOURCE[0]%/*}/../lib/traced.sh"

need_tun
firewall_network
namespaces site-b
cable firewall lb site-b eth
takes_xdp site-b eth
# packets of the hosts' own kernels would be learned too, and change maps
for end in client wg-end site-b; do
	inside $end nft 'add table inet quiet; add chain inet quiet output { type filter hook output priority 0; policy drop; }'
done
# the firewall announces its multicast groups on the TUN, some seconds after it is up
inside firewall nft 'add table inet quiet; add chain inet quiet output { type filter hook output priority 0; }
	add rule inet quiet output icmpv6 type mld2-listener-report drop'
overlay=fd12:3456:789a
addresses firewall lb $overlay:b::1/64
addresses site-b eth $overlay:b::10/64
gateways site-b $overlay:b::1
for address in 192.168.1.10 2001:db8:2::10; do inside firewall ip route add $address dev lan mtu lock 1400; done

{
	traced_services
	cat <<- EOF
		peers:
		  - { name: site-a, public-key: "$key", device: tun, prefixes: [ "$overlay:a::/64" ] }
		  - { name: site-b, device: lb, prefixes: [ "$overlay:b::/64" ] }
		policy: { overlay: "$overlay::/48", udp-ports: [ 58000-60000 ] }
	EOF
} > "$work/wgxdp.yaml"
mkfifo "$work/go"
exec 3<> "$work/go"
export work
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
start firewall /usr/bin/python3 selftests/lib/trace.py "$wgxdp" "$build/selftests/mapsum" "$key" "$other_key" "$seed" "${ROUNDS:-8}" \
	> "$work/said" 2>&1
pid=$!
wait_for 10 'the TUN' grep -q ready "$work/said"
inside firewall ip link set tun up
inside firewall ip -6 route add $overlay:a::/64 dev tun
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up") $(< "$work/said")"
settled wan "$(mac client uplink)" 198.51.100.7 2001:db8:1::7
settled lan "$(mac wg-end eth)" 192.168.1.10 2001:db8:2::10
settled lb "$(mac site-b eth)" $overlay:b::10
echo >&3
wait $pid || fail "seed $seed: $(< "$work/said")"
say "ok seed $seed: $(tail -n 1 "$work/said")"
expect 'packets' "$(tail -n 1 "$work/said" | cut -d ' ' -f 1)" '>=' "$((${ROUNDS:-8} * 20))"
