#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# If `up` changes the modes of two interfaces and one is refused, both run as before. Another XDP program is attached
# to the refused one. The other one then runs the same program in its former mode again, also if `up` had loaded new
# programs. In both orders, from native and from generic. BREAK=1 refuses nothing.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

modes() { # WAN'S LAN'S [LINE]
	service_file dnat
	sed -i "1s/.*/interfaces: [ { name: wan, role: wan, mode: $1 }, { name: lan, role: lan, mode: $2 } ]/" "$work/wgxdp.yaml"
	[[ ! ${3:-} ]] || echo "$3" >> "$work/wgxdp.yaml"
}
attached() { # DEVICE: prints the mode and the program of XDP
	inside firewall ip -d link show "$1" | grep -oE 'xdp(generic|offload)?/id:[0-9]+|prog/xdp(generic)? id [0-9]+|xdp(generic)? mode.*'
	shown get "interfaces.$1.mode"
}

# CHANGES THEIRS MODE OTHER-MODE WHAT [LINE]: THEIRS has no XDP of ours, and refuses it; CHANGES goes from MODE to OTHER-MODE
refused() {
	local of=("$3" tc) to=("$4" generic)
	[[ $1 == wan ]] || of=(tc "$3") to=(generic "$4")
	modes "${of[@]}"
	wgxdp up -c "$work/wgxdp.yaml" > /dev/null
	attached "$1" > "$work/attached"
	bpf_objects default | grep -v ^link > "$work/objects"
	[[ ${BREAK:-} ]] || inside firewall ip link set dev "$2" xdpgeneric obj "$build/selftests/peer.bpf.o" program pass
	modes "${to[@]}" "${6:-}"
	! wgxdp up -c "$work/wgxdp.yaml" > "$work/out" 2>&1 || fail "$5: not refused"
	grep -q "interface $2: another XDP program, .*, is attached to it" "$work/out" || fail "$5: $(< "$work/out")"
	attached "$1" | diff "$work/attached" - || fail "$5: $1 is not as it was: $(< "$work/out")"
	bpf_objects default | grep -v ^link | diff "$work/objects" - || fail "$5: other programs or maps run"
	expect "$5: pinned links of $1" "$(find /sys/fs/bpf/wgxdp/default/attach -name "xdp-$(index firewall "$1")" | wc -l)" == 1
	inside firewall ip link set dev "$2" xdpgeneric off
	ten_come all_of_them "$5"
	wgxdp down
}

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
quiet wg-end
for mode in native generic; do
	other=generic
	[[ $mode == native ]] || other=native
	refused wan lan $mode $other "$mode on wan, lan refuses"
	refused lan wan $mode $other "$mode on lan, wan refuses"
	refused wan lan $mode $other "$mode on wan, lan refuses, new programs" 'express: off'
done
say ok
