#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 5400
# vm: 6.1/full 6.12/full newest/full
# nics: virtio-net*4 virtio-net*4 virtio-net virtio-net vmxnet3 vmxnet3 e1000e e1000e e1000 e1000 rtl8139 rtl8139
# When emulated NICs change under traffic, the daemon follows them, and a stream through the kernel's WireGuard
# continues in the same mode. A link goes down and up, QEMU pulls the cable, the ring and the number of queues change,
# and QEMU removes the NIC itself and plugs it in again. Each time a stream through the kernel's WireGuard continues,
# in the same mode. The kernel forwards nothing, with two exceptions: a NIC that came back waits for the daemon, and a
# reply may arrive when lan is up again, but before the kernel has the route to lan. wgxdp passes this reply up,
# because no route leads to its backend. Afterwards the kernel sees none of the stream. A line says how many packets
# it saw during the change.
#
# BREAK=1 has no daemon: nothing attaches to a NIC that came back. drivers-nics.sh draws the network. DRIVERS='vmxnet3
# e1000e' tries only these two.
source "${BASH_SOURCE[0]%/*}/../lib/drivers-nics.sh"

step=$((64 << 10)) # minimum of bytes of the stream before the next step
read -ra tried <<< "${DRIVERS:-${kinds[*]}}"

configuration() { # MODE
	cat <<- YAML
		interfaces: [ { name: wan, role: wan, mode: $1 }, { name: lan, role: lan, mode: $1 } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
	YAML
}

# --- a stream through the tunnel: repeats $work/file at 200 kB/s or less while $work/streams exists

pour_on() {
	/usr/bin/python3 -IS -c 'import os, sys, time
file, streams = sys.argv[1:]
data = open(file, "rb").read()
while os.path.exists(streams):
    for at in range(0, len(data), 8192):
        sys.stdout.buffer.write(data[at:at + 8192])
        sys.stdout.flush()
        time.sleep(0.04)' "$work/file" "$work/streams"
}
stream_begins() {
	touch "$work/streams"
	start wg-end socat -u TCP4-LISTEN:7000,reuseaddr "CREATE:$work/got"
	receiver=$!
	wait_for 10 'socat listens' tcp_listens wg-end 7000
	inside client socat -u - TCP4:10.77.0.1:7000 < <(pour_on) &
	sender=$!
}
stream_ends() { # WHAT
	local bytes
	rm "$work/streams"
	wait "$sender" || fail "$1: the stream broke"
	wait "$receiver" || fail "$1: the stream broke"
	bytes=$(stat -c %s "$work/got")
	((bytes % $(stat -c %s "$work/file") == 0)) || fail "$1: $bytes bytes came, which is no whole number of files"
	while cat "$work/file"; do :; done 2> /dev/null | cmp -n "$bytes" - "$work/got" || fail "$1: other bytes came"
	say "ok $1: the same $bytes bytes came"
	rm "$work/got"
}
came_to() { stat -c %s "$work/got" 2> /dev/null || echo 0; }
streams_on() { # WHAT
	local bytes
	bytes=$(came_to)
	wait_for 60 "$1: the stream goes on" arrived_bytes $((bytes + step))
}

# --- changes

monitor() { printf '%s\n' "$*" >&"$qemu"; } # COMMAND...: of QEMU's
state_is() { inside firewall ip -br link show "$1" | awk -v state="$2" '{exit $2 != state}'; } # DEVICE UP|DOWN
has_left() { ! inside firewall ip link show "$1"; } # DEVICE
is_back() { name_nics && ip link show "$1"; } # NIC
ring() { inside firewall ethtool -g "$1" | awk '/^Current/ {now = 1} now && $1 == "RX:" {print $2}'; } # DEVICE
queues() { inside firewall ethtool -l "$1" | awk '/^Current/ {now = 1} now && $1 == "Combined:" {print $2}'; } # DEVICE

link_down_up() { # DEVICE
	inside firewall ip link set "$1" down
	wait_for 5 "$1 is down" state_is "$1" DOWN
	inside firewall ip link set "$1" up
	wait_for 20 "$1 is up" state_is "$1" UP
}

# QEMU's e1000e reports no pulled cable to its driver in some starts, and never after the link went down and up. Without
# wgxdp it is the same, so this looks before `wgxdp up`.
declare -A deaf=()
find_deaf() { # CABLE-OF-WAN CABLE-OF-LAN
	local device
	for device in wan lan; do
		monitor set_link "nic$1-1" off
		(wait_for 10 "$device has no carrier" state_is $device DOWN) || deaf[$device]=1
		monitor set_link "nic$1-1" on
		shift
	done
	wait_for 20 'both ends reach the firewall' reach_firewall
}

cable_out_in() { # DEVICE CABLE
	if [[ ${deaf[$1]:-} ]]; then
		say "$1: no cable is pulled, because the NIC would not report it without wgxdp either"
		return
	fi
	monitor set_link "nic$2-1" off
	wait_for 20 "$1 has no carrier" state_is "$1" DOWN
	monitor set_link "nic$2-1" on
	wait_for 20 "$1 has a carrier" state_is "$1" UP
}

# The guest's device disappears before the guest releases the slot. Until then QEMU refuses the same id.
comes_back() { # CABLE MODEL
	monitor device_add "$2,id=nic$1-1,netdev=net$1-1,mac=$(printf '02:00:00:00:%02x:01' "$1"),romfile="
	sleep 1
	is_back "nic$1-1"
}

# QEMU removes the NIC from the bus and plugs it in again. virtio-net with several queues can be removed only without
# XDP: below any native program, the kernel (6.1 to 7.3) keeps two references to the removed device for ever.
nic_out_in() { # DEVICE CABLE MODEL
	[[ $3 != *mq=on ]] || to_tc
	monitor device_del "nic$2-1"
	wait_for 20 "$1 has left" has_left "$1"
	(wait_for 60 "nic$2-1 is back" comes_back "$2" "$3") || fail "QEMU says: $(tail -n 4 "$work/monitor")"
	"plug_$1" "$2"
	[[ $3 != *mq=on ]] || wgxdp up -c "$work/wgxdp.yaml"
}

to_tc() {
	configuration tc > "$work/tc.yaml"
	wgxdp up -c "$work/tc.yaml"
}

ring_smaller_larger() { # DEVICE CABLE MODEL
	local before
	before=$(ring "$1")
	if [[ $3 == rtl8139 ]]; then
		! inside firewall ethtool -G "$1" rx 128 2> /dev/null || fail "$1: 8139cp has a ring that changes: test it"
		return
	fi
	inside firewall ethtool -G "$1" rx 128
	expect "$1: entries of the ring, of $before" "$(ring "$1")" == 128
	streams_on "$1: with a smaller ring"
	inside firewall ethtool -G "$1" rx "$before"
	expect "$1: entries of the ring" "$(ring "$1")" == "$before"
}

replies_passed() { shown get services.wg-end.reply.passed; }
modes_are() { [[ $(modes) == "$1" ]]; }
change() { # KIND HOW DEVICE CABLE MODEL
	local what="$1, $3: ${2//_/ }" before early from=$SECONDS
	before=$(around)
	early=$(replies_passed)
	"${@:2}"
	streams_on "$what"
	wait_for 5 "$what: modes" modes_are "$(mode_of "$1") $(mode_of "$1")"
	say "$what: meanwhile $(($(around) - before)) came to the kernel, $(refused) of them to be forwarded"
	early=$(($(replies_passed) - early))
	[[ $2,$3 == link_down_up,lan ]] || early=0
	((early <= 3)) || fail "$what: wgxdp passed up $early replies"
	[[ $2 == nic_out_in ]] || expect "$what: to be forwarded by the kernel" "$(refused)" '<=' $early
	inside firewall nft reset counter inet seen refused > /dev/null
	before=$(around)
	streams_on "$what, afterwards"
	expect "$what: around wgxdp afterwards" "$(($(around) - before)) $(refused)" == '0 0'
	say "ok $what, $release: $((SECONDS - from)) s"
}

# virtio-net with several queues: the driver does not allow a change of their number while it has XDP. Native XDP takes
# as many queues again, one for each CPU. If there are more queues than CPUs, and no room for more queues, virtio_net
# (6.12) uses a queue that does not exist: any XDP program that transmits crashes the kernel.
change_queues() { # DEVICE
	local device=$1 n
	n=$(queues "$device")
	! inside firewall ethtool -L "$device" combined 1 2> "$work/refused" || fail "$device: queues changed below XDP: test it"
	say "ok $device, $n queues, native: $(< "$work/refused")"
	streams_on "$device: native, queues as they were"
	to_tc
	for n in 1 "$(nproc)"; do
		inside firewall ethtool -L "$device" combined "$n"
		expect "$device, tc: queues" "$(queues "$device")" == "$n"
		streams_on "$device, tc: with $n queues"
	done
	wgxdp up -c "$work/wgxdp.yaml"
	streams_on "$device: native again"
}

changes() { # KIND
	local device how
	count_all
	plug_pair "$(cable_of "$1" wan)" "$(cable_of "$1" lan)"
	deaf=()
	[[ $1 != e1000e ]] || find_deaf "$(cable_of "$1" wan)" "$(cable_of "$1" lan)"
	configuration auto > "$work/wgxdp.yaml"
	if [[ ${BREAK:-} ]]; then wgxdp up -c "$work/wgxdp.yaml"; else start_daemon -c "$work/wgxdp.yaml"; fi
	expect "$1: modes" "$(modes)" == "$(mode_of "$1") $(mode_of "$1")"
	leave_by IPv4
	stream_begins
	streams_on "$1: at first"
	for device in wan lan; do
		[[ $device == wan ]] || leave_by IPv6
		# The cable comes first, because of e1000e (find_deaf)
		for how in cable_out_in link_down_up nic_out_in ring_smaller_larger; do
			change "$1" $how $device "$(cable_of "$1" $device)" "${model_of[$1]}"
		done
		[[ $1 != virtio-mq ]] || change_queues $device
	done
	stream_ends "$1"
	expect_sums
	end_daemon
	wgxdp down
	unplug_pair "$(cable_of "$1" wan)" "$(cable_of "$1" lan)"
}

declare -A model_of=([virtio-mq]='virtio-net,mq=on' [virtio]=virtio-net [vmxnet3]=vmxnet3 [e1000e]=e1000e [e1000]=e1000 [rtl8139]=rtl8139)
network_of_nics
inside firewall sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.default.keep_addr_on_down=1
exec {qemu}<> "/dev/$(grep -lx monitor /sys/class/virtio-ports/*/name | cut -d / -f 5)"
cat <&"$qemu" > "$work/monitor" & # otherwise QEMU would wait for a reader
head -c $((512 << 10)) /dev/urandom > "$work/file"
for kind in "${tried[@]}"; do changes "$kind"; done
