#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# If the kernel's verifier refuses a program, `up` names program, limit, compiler and advice, and changes nothing.
# refuse.so gives the verifier another program. `up` names the program, the limit, the compiler, and what to do. It
# never asks for 6.1 on a newer kernel. A refused first `up` leaves nothing, and a running instance stays as it is.
# BREAK=1 refuses nothing.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
service_file masquerade
sed -i '/ipv6: dnat/d' "$work/wgxdp.yaml"
kernel=$(uname -r)
compiler=$("$wgxdp" --version | sed -n 's/^BPF programs built by //p')
expect 'the compiler of the programs, by --version' "$compiler" == "$(cut -d '"' -f 2 "$build/bpf_compiler.h")"

# PROGRAM FOR SAID [VARIABLE=VALUE]...: `up` is refused, and says that (a fixed text) first
refused() {
	local status=0
	[[ ! ${BREAK:-} ]] || set -- "$1" nothing "${@:3}"
	inside firewall env LD_PRELOAD="$build/selftests/refuse.so" REFUSE_PROGRAM="$1" REFUSE_FOR="$2" "${@:4}" \
		"$wgxdp" up -c "$work/wgxdp.yaml" > "$work/out" 2> "$work/error" || status=$?
	expect "$1 refused for $2: status" "$status" == 1
	[[ $(head -n 1 "$work/error") == "wgxdp: error: instance default: $3"* ]] || fail "$1 refused for $2: $(< "$work/error")"
	say "ok $(head -n 1 "$work/error")"
}
report="unless memory is short, report this with the output of \`WGXDP_LIBBPF=1 wgxdp up\`"
too_deep() { # PROGRAM
	refused "$1" stack "kernel $kernel refused the BPF program $1, built by $compiler: combined stack size of 2 calls is 544. Too large: $report"
}

wgxdp up -c "$work/wgxdp.yaml" > /dev/null
wgxdp down
traces firewall > "$work/nothing"
too_deep wgxdp_xdp
too_deep wgxdp_tc
refused wgxdp_tc instructions "kernel $kernel refused the BPF program wgxdp_tc, built by $compiler: BPF program is too large. Processed 1000001 insn: $report"
refused wgxdp_flow_end access "kernel $kernel refused the BPF program wgxdp_flow_end, built by $compiler: R1 invalid mem access 'scalar': $report"
refused wgxdp_tc permission 'this process may not load BPF programs: run it as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON'
refused wgxdp_tc memory 'there is no memory for the BPF programs and their maps: free some'
refused wgxdp_tc access 'kernel 5.15.0-91-generic is too old for the BPF programs: 6.1 or later is needed' REFUSE_KERNEL=5.15.0-91-generic
no_traces firewall "$work/nothing" 'refused'
inside firewall env LD_PRELOAD="$build/selftests/refuse.so" REFUSE_PROGRAM=wgxdp_tc REFUSE_FOR=stack WGXDP_LIBBPF=1 \
	"$wgxdp" up -c "$work/wgxdp.yaml" > "$work/out" 2> "$work/error" && fail 'not refused'
expect 'lines of the verifier, with WGXDP_LIBBPF' "$(grep -c '^combined stack size of 2 calls is 544' "$work/error")" == 1

wgxdp up --wan wan --to 192.168.1.10 > /dev/null
ten_come all_of_them 'before'
bpf_objects default > "$work/before"
too_deep wgxdp_tc
bpf_objects default | diff "$work/before" - || fail 'the running objects have changed'
ten_come all_of_them 'what ran goes on'
wgxdp down
say ok
