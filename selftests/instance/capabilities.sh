#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# The command `up` and the daemon need three capabilities and no more, and name a missing one. If one is missing, the
# message names it, and nothing changes, on an empty host or beside a running instance. It also names a user namespace
# and a seccomp filter, which may refuse a process that has all three. BREAK=1 takes nothing away.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

needed=(bpf net_admin perfmon)
all='CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON'

# Sets $limit to a command that leaves a process only these capabilities
limit_to() { # CAPABILITY...
	local set=-all capability
	for capability; do set+=,+$capability; done
	[[ ! ${BREAK:-} ]] || set=+all
	limit=(setpriv --bounding-set="$set" --inh-caps=-all)
}
limited() { inside firewall "${limit[@]}" "$@"; } # COMMAND...
without() { # CAPABILITY COMMAND...: runs the command with the others of the three
	local capability others=()
	for capability in "${needed[@]}"; do [[ $capability == "$1" ]] || others+=("$capability"); done
	limit_to "${others[@]}"
	limited "${@:2}"
}

refused() { # TEXT COMMAND...: the command fails, with only this message
	local status=0
	"${@:2}" > "$work/out" 2>&1 || status=$?
	[[ $status == 1 && $(< "$work/out") == "wgxdp: error: instance default: $1" ]] ||
		fail "${*:2}: status $status, expected 1 and '$1': $(< "$work/out")"
	say "ok $(< "$work/out")"
}
lacks() { # NAMES COMMAND...
	refused "this process lacks $1: run it as root with $all (in a container: --cap-add)" "${@:2}"
}

# Without each of the three, and without all
names_each() { # COMMAND...
	local capability
	for capability in "${needed[@]}"; do
		lacks "CAP_${capability^^}" without "$capability" timeout 30 "$wgxdp" "$@"
	done
	limit_to
	lacks "$all" limited timeout 30 "$wgxdp" "$@"
	rm -f /run/wgxdp/default/daemon # a daemon leaves the name of its file, even if it fails
}

# A filter that returns EPERM for bpf(2), like the profiles of container engines
filtered() { # COMMAND...
	inside firewall /usr/bin/python3 -ISc '
import ctypes, os, struct, sys
def insn(code, jt, jf, k):
    return struct.pack("=HBBI", code, jt, jf, k)
LOAD, IF_EQUAL, RETURN, NR_BPF = 0x20, 0x15, 0x06, {"x86_64": 321, "aarch64": 280}[os.uname().machine]
text = insn(LOAD, 0, 0, 0) + insn(IF_EQUAL, 0, 1, NR_BPF) + insn(RETURN, 0, 0, 0x00050001) + insn(RETURN, 0, 0, 0x7fff0000)
program = ctypes.create_string_buffer(text)
filter = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", 4, ctypes.addressof(program)))
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
if ctypes.CDLL(None).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_void_p(ctypes.addressof(filter)), 0, 0):
    sys.exit("no filter")
os.execv(sys.argv[1], sys.argv[1:])' "$@"
}

firewall_network
service_file dnat
count_arrivals wg-end all_of_them "udp dport $port"
quiet wg-end
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
wgxdp down
traces firewall > "$work/nothing"

names_each up -c "$work/wgxdp.yaml"
names_each daemon -c "$work/wgxdp.yaml"
refused "the kernel loads no BPF programs for a process in a user namespace: run it as the host's root (not in a rootless container)" \
	inside firewall unshare --user --map-root-user "$wgxdp" up -c "$work/wgxdp.yaml"
refused 'a seccomp filter forbids this process the call bpf(2): allow it (in a container: --security-opt seccomp=unconfined)' \
	filtered "$wgxdp" up -c "$work/wgxdp.yaml"
no_traces firewall "$work/nothing" 'refused'
sed 's/role: wan/&, shared: true/' "$work/wgxdp.yaml" > "$work/shared.yaml"
limit_to "${needed[@]}"
limited "$wgxdp" up -c "$work/shared.yaml" > "$work/out" 2>&1 && fail 'up shares XDP with three capabilities'
grep -q 'this process lacks CAP_SYS_ADMIN, which .shared: true. needs' "$work/out" || fail "shared: $(< "$work/out")"
say "ok $(< "$work/out")"
no_traces firewall "$work/nothing" 'refused to share'

# The three are enough
limit_to "${needed[@]}"
limited "$wgxdp" up -c "$work/wgxdp.yaml" > /dev/null
ten_come all_of_them 'up with three capabilities'
traces firewall > "$work/runs"
lacks CAP_NET_ADMIN without net_admin "$wgxdp" up --wan wan --to 192.168.1.11 --replace
names_each daemon -c "$work/wgxdp.yaml"
no_traces firewall "$work/runs" 'refused where an instance runs'
ten_come all_of_them 'what ran goes on'
limit_to "${needed[@]}"
start firewall "${limit[@]}" "$wgxdp" daemon -c "$work/wgxdp.yaml" > "$work/daemon" 2>&1
daemon=$!
wait_for 30 "the daemon's readiness" grep -q 'the daemon follows changes' "$work/daemon"
followed() { wgxdp show services | holds 'listen: .*198.51.100.250:'; }
inside firewall ip address add 198.51.100.250/24 dev wan
wait_for 10 'a daemon with three capabilities follows an address' followed
end_daemon
limited "$wgxdp" down
no_traces firewall "$work/nothing" 'down with three capabilities'
say ok
