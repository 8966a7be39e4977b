#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# tier: long
# A client is answered on the links of a real firewall when XDP is shared through libxdp's dispatcher. The links:
# plain ports, VLANs, a bridge as LAN, and a dispatcher that another program attached in generic mode. A client is
# answered, both families: by XDP if the number of VLAN tags stays the same, else by tc. A mode that the dispatcher
# lacks is refused, with advice. BREAK=1 gives VLANs other numbers of tags.
#
#     client uplink ------- wan firewall lan ------- eth wg-end        wan shared with a program of others, lan alone
source "${BASH_SOURCE[0]%/*}/../lib/ways.sh"

file=$work/wgxdp.yaml
configuration() { # MODE: of wan
	cat > "$file" <<- EOF
		interfaces:
		  - { name: $wan, role: wan, shared: true, mode: $1 }
		  - { name: $lan, role: lan, shared: true }
		services:
		  - name: wg-end
		    listen: { interface: $wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
	EOF
}

plug() { # MODE: of the dispatcher on wan
	firewall_cables
	for end in 'client uplink' 'firewall wan' 'firewall lan' 'wg-end eth'; do
		# shellcheck disable=SC2086
		tags_in_frames $end
	done
	uplink=uplink wan=wan lan=lan eth=eth
	inside firewall xdp-loader load -m "$1" -P 10 -n before wan "$build/selftests/beside.bpf.o"
}

plain() { :; }

vlan_on_wan() {
	tagged client uplink up7 7 && uplink=up7
	tagged firewall wan wan7 7 && wan=wan7
}

vlans() {
	vlan_on_wan
	[[ ! ${BREAK:-} ]] || return 0
	tagged firewall lan lan9 9 && lan=lan9
	tagged wg-end eth eth9 9 && eth=eth9
}

bridge() {
	inside firewall ip link add br-lan type bridge
	inside firewall ip link set lan master br-lan
	inside firewall ip link set br-lan up
	lan=br-lan
}

components() { inside firewall xdp-loader status "$1" | awk '$1 == "=>" {print $3}' | xargs; } # DEVICE

try() { # LINK DISPATCHER'S-MODE NAME-OF-THAT XDP-DIRECTIONS
	plug "$2"
	"$1"
	number
	configuration auto
	wgxdp up -c "$file" > "$work/up"
	grep -qE "^$wan: wan, $3 XDP.*, shared" "$work/up" || fail "$1, $3: $(< "$work/up")"
	expect "$1, $3: components" "$(components wan), $(components lan)" == 'before wgxdp_xdp, wgxdp_xdp'
	carries "$1 in a dispatcher, $3" auto "$4" -c "$file"
	expect "$1, $3: after down" "$(components wan), $(components lan)" == 'before, '
	unplug
}

other_mode() { # MODE DISPATCHER'S-MODE NAME-OF-THAT
	plug "$2"
	number
	configuration "$1"
	! wgxdp up -c "$file" 2> "$work/err" || fail "up in mode $1 in a dispatcher in mode $3"
	grep -q "interface wan: .*dispatcher.* in $3 mode.*mode: auto" "$work/err" || fail "$(< "$work/err")"
	say "ok $(< "$work/err")"
	expect "refused mode $1: components" "$(components wan), $(components lan)" == 'before, '
	unplug
}

try plain native native 'original reply'
try plain skb generic 'original reply'
try vlans native native 'original reply'
few_xdp=40 try vlan_on_wan native native ''
try vlan_on_wan skb generic ''
try bridge native native reply
other_mode native skb generic
other_mode generic native native
say 'plain, VLAN, bridge and generic mode in the dispatcher'
