# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the tests of drivers: a firewall with emulated NICs (scripts/vmrun -n), and a tunnel of the kernel's
# WireGuard through it.
#
#                 198.51.100.0/24          192.168.1.0/24
#                 2001:db8:1::/64          2001:db8:2::/64
#     client  .7 ----------------- .1 firewall .1 ----------------- .10 wg-end
#       wgc   uplink              wan          lan                  eth   wge
#      10.77.0.2                                                       10.77.0.1
#
# Each cable has an emulated NIC at the firewall's end and a virtio-net at the other end. Each of $kinds has one cable
# for wan and one for lan, in this order.
source "${BASH_SOURCE[0]%/*}/lib.sh"

kinds=(virtio-mq virtio vmxnet3 e1000e e1000 rtl8139)
declare -A driver=([virtio-mq]=virtio_net [virtio]=virtio_net [vmxnet3]=vmxnet3 [e1000e]=e1000e [e1000]=e1000 [rtl8139]=8139cp)
release=$(uname -r)
declare -A endpoint=([IPv4]=198.51.100.1:$port [IPv6]="[2001:db8:2::10]:$port") seen_as=([IPv4]=198.51.100.7 [IPv6]='[2001:db8:1::7]')

# --- NICs: unused ones stay in this namespace under QEMU's names, nicCABLE-END

name_nics() {
	local device mac
	while read -r device _ mac _; do
		[[ $mac =~ ^02:00:00:00:(..):0(.)$ ]] || continue
		mac=nic$((16#${BASH_REMATCH[1]}))-${BASH_REMATCH[2]}
		[[ $device == "$mac" ]] || ip link set "$device" name "$mac"
	done < <(ip -br link)
}

cable_of() { # KIND wan|lan
	local i
	for i in "${!kinds[@]}"; do
		[[ ${kinds[i]} != "$1" ]] || break
	done
	[[ $2 == wan ]] && echo $((2 * i + 1)) || echo $((2 * i + 2))
}

plug() { # NAMESPACE DEVICE NIC ADDRESS...
	ip link set "$3" netns "$1" name "$2"
	addresses "$1" "$2" "${@:4}"
	inside "$1" ip link set "$2" up
}
unplug() { # NAMESPACE DEVICE NIC
	inside "$1" ip link set "$2" down
	inside "$1" ip link set "$2" netns 1 name "$3"
}
# CABLE
plug_wan() { plug firewall wan "nic$1-1" 198.51.100.1/24 2001:db8:1::1/64; }
plug_lan() { plug firewall lan "nic$1-1" 192.168.1.1/24 2001:db8:2::1/64; }
reach_firewall() {
	inside client ping -q -c 1 -W 1 198.51.100.1 && inside client ping -q -c 1 -W 1 2001:db8:1::1 &&
		inside wg-end ping -q -c 1 -W 1 192.168.1.1 && inside wg-end ping -q -c 1 -W 1 2001:db8:2::1
}
plug_pair() { # CABLE-OF-WAN CABLE-OF-LAN
	plug_wan "$1"
	plug_lan "$2"
	plug client uplink "nic$1-2" 198.51.100.7/24 2001:db8:1::7/64
	plug wg-end eth "nic$2-2" 192.168.1.10/24 2001:db8:2::10/64
	gateways client 198.51.100.1 2001:db8:1::1
	gateways wg-end 192.168.1.1 2001:db8:2::1
	wait_for 20 'both ends reach the firewall' reach_firewall
}
# A tunnel without peers is silent. So the next pair's packets begin after `wgxdp up`.
unplug_pair() { # CABLE-OF-WAN CABLE-OF-LAN
	inside client wg set wgc peer "$(key wge)" remove
	inside wg-end wg set wge peer "$(key wgc)" remove
	unplug firewall wan "nic$1-1"
	unplug firewall lan "nic$2-1"
	unplug client uplink "nic$1-2"
	unplug wg-end eth "nic$2-2"
}

mode_of() { # KIND: vmxnet3 has native XDP since 6.6
	case $1 in
	virtio*) echo native ;;
	vmxnet3) if [[ $(printf '%s\n' 6.6 "$release" | sort -V | head -n 1) == 6.6 ]]; then echo native; else echo generic; fi ;;
	*) echo generic ;;
	esac
}
modes() { shown get interfaces.wan.mode interfaces.lan.mode; }

# --- counters

# The firewall's kernel forwards nothing. `refused` counts packets that it would have forwarded, `around` packets of the
# tunnel that it received.
count_all() {
	local ns verdict=drop
	[[ ! ${BREAK:-} ]] || verdict=accept
	for ns in client firewall wg-end; do inside "$ns" nft flush ruleset; done
	count_arrivals wg-end originals "udp dport $port"
	count_arrivals client replies "udp sport $port"
	count_arrivals firewall around "udp dport $port"
	inside firewall nft -f - <<- EOF
		add rule inet seen arrivals udp sport $port counter name around
		add chain inet seen forward { type filter hook forward priority 0; }
		add counter inet seen refused
		add rule inet seen forward counter name refused $verdict
	EOF
}
around() { arrived firewall around; }
refused() { arrived firewall refused; }

# Sets $originals and $replies (forwarded), $xdp and $tc (by that plane), $unsent (not sent by a driver) and $lost (not
# received).
# shellcheck disable=SC2034 # the tests' own
count() {
	local service=services.wg-end
	read -r originals replies xdp tc unsent < <(shown get $service.{original,reply}.{forwarded,forwarded_xdp,forwarded_tc} \
		interfaces.{wan,lan}.xmit_failed | awk '{print $1, $4, $2 + $5, $3 + $6, $7 + $8}')
	lost=$((originals + replies - unsent - $(arrived wg-end originals) - $(arrived client replies)))
}
none_lost() { count && ((lost == 0)); }

# --- the tunnel

ping_through() { inside client ping -q -c 1 -W 2 10.77.0.1; }
# A packet of wg-end that comes back by the former way makes the client return to it. So this sets the endpoint again
# until wg-end sees the client at the other address.
leave_by() { # FAMILY
	inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.2/32
	wait_for 20 "$1: wg-end sees the client as ${seen_as[$1]}" leaves_by "$1"
}
leaves_by() { # FAMILY
	inside client wg set wgc peer "$(key wge)" allowed-ips 10.77.0.0/24 endpoint "${endpoint[$1]}"
	ping_through && [[ $(address_seen wg-end wge wgc) == "${seen_as[$1]}" ]]
}

network_of_nics() {
	local kind device nic
	modprobe -a e1000 e1000e vmxnet3 8139cp virtio_net virtio_console
	name_nics
	for kind in "${kinds[@]}"; do
		for device in wan lan; do
			nic=nic$(cable_of "$kind" $device)-1
			expect "$kind, $nic: driver" "$(ethtool -i "$nic" | awk '$1 == "driver:" {print $2}')" == "${driver[$kind]}"
		done
	done
	namespaces client firewall wg-end
	routers firewall
	WGXDP_WG=kernel
	tunnel wg-end wge 10.77.0.1/24 $port
	tunnel client wgc 10.77.0.2/24
}
