#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# Doctor reports a NIC whose UDP packets all arrive at one queue, and its fix spreads them. The NIC has four queues,
# and its hash can be set: QEMU's virtio-net with RSS, in a virtual machine of four CPUs with Linux 6.1 and 6.12. The
# faults:
# - a hash of the addresses alone, for one family or both
# - an indirection table with one queue
# - one queue in use, before `up` and while native XDP is attached, when virtio_net cannot change their number
# - a NIC with only one queue
# After each fix the packets of 32 tunnels arrive at several queues. Those of one tunnel always arrive at one queue. The
# instance stays up during the fix for virtio_net, even if ethtool fails, and so does its daemon.
# BREAK=1 leaves out the fault: then doctor must not warn. Arguments: the kernels, instead of both.
#
#     sender 198.51.100.7 ---- tap, 4 queues ---- .1 wan firewall lan ---- eth wg-end .10
#     (this machine)                                   (the virtual machine)

# Sends UDP from 32 ports, from one, or from none, as the last word at port 9000 says
send() {
	/usr/bin/python3 -IS - << 'EOF'
import socket, time
flows = []
for port in range(4000, 4032):
    flows.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    flows[-1].bind(("198.51.100.7", port))
words = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
words.bind(("198.51.100.7", 9000))
words.setblocking(False)
count = 0
while True:
    try:
        count = {b"many": 32, b"one": 1}.get(words.recv(16).strip(), 0)
    except BlockingIOError:
        pass
    for flow in flows[:count]:
        flow.sendto(b"\4\0\0\0" + bytes(28), ("198.51.100.1", 51820))
    time.sleep(0.01 if count > 1 else 0.001)
EOF
}

# Runs in a network namespace of its own, with the sender beside it
machine() { # KERNEL
	ip link set lo up
	ip tuntap add tap mode tap multi_queue
	ip link set tap up
	ip address add 198.51.100.7/24 dev tap
	ip neighbour add 198.51.100.1 lladdr 02:00:00:00:00:01 dev tap
	send &
	trap 'kill %1' EXIT
	export VMRUN_QEMU='-netdev tap,id=wan,ifname=tap,queues=4,script=no,downscript=no
		-device virtio-net-pci,netdev=wan,mac=02:00:00:00:00:01,mq=on,rss=on,vectors=10,romfile=
		-netdev hubport,id=spare,hubid=1 -device virtio-net-pci,netdev=spare,mac=02:00:00:00:00:02,romfile='
	QUEUES_GUEST=1 scripts/vmrun -k "$1" -c 4 -t 400 -- selftests/doctor/doctor-queues.sh
}

if [[ ! ${QUEUES_GUEST:-} ]]; then
	set -euo pipefail
	cd "${BASH_SOURCE[0]%/*}/../.."
	(($#)) || set -- 6.1 6.12
	export -f machine send
	for kernel; do
		scripts/vmrun -f -k "$kernel"
		echo "Linux $kernel:"
		# shellcheck disable=SC2016 # the inner bash expands it
		unshare --net bash -euc 'machine "$1"' bash "$kernel"
	done
	exit
fi

modprobe virtio_net
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

has_nic() { ip -br link | holds "$1"; } # MAC
nic() { # MAC NAME: moves it into the firewall
	local device
	wait_for 5 "the nic $1" has_nic "$1"
	device=$(ip -br link | awk -v mac="$1" '$3 == mac {print $1}')
	ip link set "$device" down
	ip link set "$device" netns firewall name "$2"
	inside firewall ip link set "$2" up
}
warns() { # [ARGUMENT...]: reports queues and nothing else
	doctor "$@"
	[[ $status == 0 && $(found warning | grep -vx clock) == queues ]] || fail "no warning: $(wgxdp doctor "$@")"
	cure=$(found warning fix | grep ethtool)
	say "ok warning: $(found warning found | grep queue)"
}
says() { inside firewall bash -c "echo $1 > /dev/udp/198.51.100.7/9000"; }
# Prints the packets of each receive queue so far. virtio_net 6.12 reports only those that XDP saw to ethtool; without
# XDP it reports those of each CPU, because each queue interrupts its own CPU.
received() {
	if inside firewall ip link show wan | holds 'prog/xdp '; then
		inside firewall ethtool -S wan | awk '$1 ~ /^rx(_queue_)?[0-9]+_xdp_packets:$/ {printf "%s ", $2}'
	else
		for cpu in 0 1 2 3; do echo -n "$(arrived firewall cpu$cpu) "; done
	fi
}
# Prints how many queues get more than a few packets within two seconds
busy_queues() {
	local before after i n=0
	read -ra before <<< "$(received)"
	sleep 2
	read -ra after <<< "$(received)"
	for i in "${!before[@]}"; do
		((after[i] - before[i] < 20)) || n=$((n + 1))
	done
	echo "$n"
}
come_to() { # WHAT TUNNELS OPERATOR QUEUES
	wait_for 20 "$1: packets come" flow "$2"
	expect "queues to which $2 came, $1" "$(busy_queues)" "$3" "$4"
	says none
}
flow() { # WORD: repeats the word to the sender, because a datagram may be lost
	says "$1"
	local sum=$(($(received | tr ' ' +)0))
	sleep 0.2
	(($(received | tr ' ' +)0 > sum + 20))
}
queues() { inside firewall ethtool -l wan | awk '/^Combined:/ {n = $2} END {print n}'; }

namespaces firewall wg-end
routers firewall
nic 02:00:00:00:00:01 wan
inside firewall ethtool -K wan rxhash on # without this, virtio_net refuses `ethtool -N`
nic 02:00:00:00:00:02 spare
cable firewall lan wg-end eth
takes_xdp wg-end eth
addresses firewall wan 198.51.100.1/24 2001:db8:1::1/64
addresses firewall lan 192.168.1.1/24 2001:db8:2::1/64
addresses wg-end eth 192.168.1.10/24 2001:db8:2::10/64
gateways wg-end 192.168.1.1 2001:db8:2::1
start_listener wg-end listener -e 192.168.1.10:$port
count_arrivals wg-end all_of_them udp dport $port
for cpu in 0 1 2 3; do count_arrivals firewall cpu$cpu udp dport $port meta cpu $cpu; done

asked=(--wan wan --lan lan --to 192.168.1.10)
healthy 'as it is' "${asked[@]}"
come_to 'with ports' many '>' 1
come_to 'with ports' one == 1

for family in udp4 udp6; do
	wrong ethtool -N wan rx-flow-hash $family sd
	warns "${asked[@]}"
	[[ $cure == "ethtool -N wan rx-flow-hash $family sdfn" ]] || fail "the cure: $cure"
	[[ $family == udp6 ]] || come_to 'by addresses' many == 1
	heals
	healthy "$family by ports" "${asked[@]}"
done
wrong ethtool -N wan rx-flow-hash udp4 sd
wrong ethtool -N wan rx-flow-hash udp6 sd
warns "${asked[@]}"
heals
healthy 'both by ports' "${asked[@]}"
come_to 'with ports again' many '>' 1
come_to 'with ports again' one == 1

wrong ethtool -X wan equal 1
warns "${asked[@]}"
come_to 'with one queue in the table' many == 1
heals
healthy 'four queues in the table' "${asked[@]}"
come_to 'with four in the table' many '>' 1

wrong ethtool -L wan combined 1
warns "${asked[@]}"
come_to 'with one queue' many == 1
heals
expect 'queues' "$(queues)" == 4
healthy 'four queues' "${asked[@]}"

wrong ethtool -L wan combined 1
wgxdp up "${asked[@]}" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
wgxdp save > "$work/wgxdp.yaml"
start_daemon -c "$work/wgxdp.yaml"
inside firewall ip link show wan | holds 'prog/xdp ' || fail "no native XDP: $(< "$work/up")"
! inside firewall ethtool -L wan combined 4 2> /dev/null || fail 'this driver changes the number of queues below XDP: is the cure too long?'
warns
printf '#!/bin/bash\nwgxdp show --json > "%s/during"\nexit 1\n' "$work" > "$work/bin/ethtool"
chmod 755 "$work/bin/ethtool"
say "   $cure"
! PATH=$work/bin:$PATH inside firewall bash -ec "$cure" > "$work/cured" 2>&1 || fail "the cure hides that ethtool failed: $(< "$work/cured")"
expect 'mode during the cure' "$("$build/selftests/shown" get interfaces.wan.mode < "$work/during")" == tc
rm "$work/bin/ethtool"
inside firewall ip link show wan | holds 'prog/xdp ' || fail "no native XDP after a cure that failed: $(< "$work/cured")"
warns
heals
expect 'queues, while it runs' "$(queues)" == 4
inside firewall ip link show wan | holds 'prog/xdp ' || fail 'no native XDP after the cure'
kill -0 "$daemon" || fail 'the cure ended the daemon'
expect 'the file' "$(shown get configuration.file)" == "$work/wgxdp.yaml"
healthy 'four queues, while it runs'
arrivals=$(arrived wg-end all_of_them)
come_to 'through native XDP' many '>' 1
come_to 'through native XDP' one == 1
expect 'packets at wg-end' "$(arrived wg-end all_of_them)" '>' "$arrivals"
end_daemon
wgxdp down > /dev/null

doctor --wan spare --to 192.168.1.10
found ok found | grep 'one receive queue' || fail "doctor on a NIC with one queue: $(wgxdp doctor --wan spare --to 192.168.1.10)"
! found warning | holds -x queues || fail 'a warning for which there is no cure'
