#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# No packet from the WAN that forges the address of wg-end, a LAN host, the firewall or the overlay is forwarded by
# wgxdp. All such packets go up to the kernel. The firewall's nftables count and drop them there, so that only wgxdp
# could deliver one. An honest client's packets arrive. BREAK=1 calls the WAN a LAN, which may send from any routed
# source.
#
#     client  .7 -- 198.51.100.0/24 -- .1 firewall .1 -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64         |            2001:db8:2::/64
#                                        overlay: 10.200.0.0/16, fd12:3456:789a::/48, behind a tunnel
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

each=1000 # packets with each forged source
role=wan
[[ ! ${BREAK:-} ]] || role=lan

# The forged sources, by family, and the stranger that they seem to answer
pretended4=(192.168.1.10 192.168.1.77 198.51.100.1 192.168.1.1 10.200.3.4)
pretended6=(2001:db8:2::10 2001:db8:2::77 2001:db8:1::1 2001:db8:2::1 fd12:3456:789a:3::4)
stranger4=198.51.100.99 stranger6=2001:db8:1::99

send() { inside client "$udptool" send -n $each -r 50000 uplink "$wan_mac" "$@" > /dev/null; } # FROM TO

# Sends to the service from a forged source, and as a reply of wg-end to an outside host
pretend() { # SERVICE4 SERVICE6: addresses
	local from
	for from in "${pretended4[@]}"; do send "$from:4000" "$1:$port"; done
	for from in "${pretended6[@]}"; do send "[$from]:4000" "[$2]:$port"; done
	send "${pretended4[0]}:$port" $stranger4:4000
	send "[${pretended6[0]}]:$port" "[$stranger6]:4000"
}

sent_pretending=$((each * (${#pretended4[@]} + ${#pretended6[@]} + 2)))

# CONFIGURATION MODE SERVICE4 SERVICE6
try() {
	local what="$1, $2" before_out original=$((sent_pretending - 2 * each))
	wgxdp up -c "$work/$1.yaml" --mode "$2"
	expect "$what: mode of wan" "$(shown get interfaces.wan.mode)" == "$2"
	inside firewall nft reset counters > /dev/null
	before_out=$(out)
	pretend "$3" "$4"
	expect "$what: seen by the kernel, of $sent_pretending" "$(arrived firewall from_wan)" == $sent_pretending
	expect "$what: carried out" $(($(out) - before_out)) == 0
	expect "$what: counted, and passed up" "$(shown all original received passed)" == "$original $original"
	expect "$what: replies on the wrong link" "$(shown reason reply wrong_link)" == $((2 * each))
	send 198.51.100.7:4000 "$3:$port"
	send "[2001:db8:1::7]:4000" "[$4]:$port"
	expect "$what: an honest client's packets carried" $(($(out) - before_out)) == $((2 * each))
	expect_sums
	wgxdp down
}
out() { echo $(($(arrived wg-end any) + $(arrived client any))); }

service() { # the text behind `nat`, in YAML
	cat <<- EOF
		interfaces:
		  - { name: wan, role: $role }
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    nat: $1
	EOF
}

firewall_network
need_tun
inside firewall ip tuntap add overlay mode tun
inside firewall ip link set overlay up
inside firewall ip route add 10.200.0.0/16 dev overlay
inside firewall ip route add fd12:3456:789a::/48 dev overlay
gateways firewall 198.51.100.7 2001:db8:1::7
wan_mac=$(mac firewall wan)
count_arrivals firewall from_wan 'iifname wan udp dport { 4000, 51820 }'
inside firewall nft add rule inet seen arrivals udp dport '{ 4000, 51820 }' drop
count_arrivals wg-end any 'meta l4proto udp'
count_arrivals client any 'meta l4proto udp'
service dnat > "$work/dnat.yaml"
{ service dnat && echo '    ipv6: dnat'; } > "$work/dnat-both.yaml"
service none | grep -v listen: > "$work/none.yaml"
for mode in native tc; do
	try dnat $mode 198.51.100.1 2001:db8:2::10
	try dnat-both $mode 198.51.100.1 2001:db8:1::1
	try none $mode 192.168.1.10 2001:db8:2::10
done
