#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# timeout: 300
# An `up` that is killed at one of 13 moments leaves nothing that `down` does not remove and the next `up` does not
# repair. A killed change leaves the old or the new configuration, and `save` prints which, even if only the rename of
# running.yaml was missing. BREAK=1 loses the text that the kernel keeps, so that only running.yaml tells. After a killed
# change that drops an interface, the next `up` attaches or detaches there what it should. After a killed change that
# enlarges the tables of flows, the next `up` keeps all flows.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

up=(up --wan wan --lan lan --to 192.168.1.10 --replace)

forwards() { ten_come all_of_them "$@"; } # WHEN [PORT]

as_before() { on_host firewall | cmp -s "$work/before" -; }

# CALL NUMBER ARGUMENT...: runs wgxdp with these arguments, and kills it at the NUMBERth such system call
killed_at() {
	inside firewall strace -f -o /dev/null -e "inject=$1:signal=KILL:when=$2" "$wgxdp" "${@:3}" > /dev/null 2>&1 || :
	[[ ! ${BREAK:-} ]] || rm -f /sys/fs/bpf/wgxdp/default/config
}
listens() { wgxdp save | sed -n 's/.*listen: .*ports: \[ \([0-9]*\) \].*/\1/p'; }

changes_killed() {
	local was=$port next=1000 step says
	wgxdp "${up[@]}" > /dev/null
	local steps=(openat:3 bpf:60 membarrier:1 rename:2)
	[[ ${WGXDP_TIER:-} == core ]] || steps+=(openat:60 bpf:2 bpf:120 bpf:180 membarrier:2 rename:1)
	for step in "${steps[@]}"; do
		next=$((next + 1))
		killed_at "${step%:*}" "${step#*:}" "${up[@]}" --port $next
		wgxdp save > "$work/saved"
		says=$(sed -n 's/.*listen: .*ports: \[ \([0-9]*\) \].*/\1/p' "$work/saved")
		[[ $says == "$was" || $says == "$next" ]] || fail "killed at $step: neither $was nor $next, but $says"
		wgxdp up -c "$work/saved" > "$work/out"
		[[ $step != rename:2 ]] || expect "killed at $step: runs, and is saved" "$says, $(tail -n 1 "$work/out")" == \
			"$next, the data path is up: nothing had to change"
		[[ ! -e /run/wgxdp/default/running.yaml.new ]] || fail "killed at $step: left running.yaml.new"
		forwards "a change killed at $step, and up" "$says"
		was=$says
	done
	killed_at rename 2 "${up[@]}" --port 2001
	killed_at fsync 1 "${up[@]}" --port 2002
	expect 'killed, and another before it changed anything: runs, and is saved' "$(listens)" == 2001
	wgxdp down
}

has_program() { [[ $(inside firewall ip -d link show "$1") == *prog/xdp* ]]; } # DEVICE

with_interfaces() { # NAME...: writes $work/N.yaml, with these N interfaces
	local roles=() name
	for name; do roles+=("{ name: $name, role: ${name%2} }"); done
	cat > "$work/$#.yaml" <<- EOF
		interfaces: [ $(IFS=, && echo "${roles[*]}") ]
		services:
		  - name: one
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
	EOF
}

# Changes that drop the interface lan2, and changes that take it back
interface_dropped() {
	local step all=(up -c "$work/3.yaml") fewer=(up -c "$work/2.yaml")
	cable firewall lan2 wg-end lan2
	addresses firewall lan2 192.168.2.1/24
	with_interfaces wan lan
	with_interfaces wan lan lan2
	wgxdp "${all[@]}" > /dev/null
	for step in bpf:60 rename:1 rename:2; do
		killed_at "${step%:*}" "${step#*:}" "${fewer[@]}"
		wgxdp "${fewer[@]}" > /dev/null || fail "without lan2, after one that was killed at $step"
		! has_program lan2 || fail "killed at $step: XDP still runs on lan2"
		wgxdp "${all[@]}" > /dev/null
		killed_at "${step%:*}" "${step#*:}" "${fewer[@]}"
		wgxdp "${all[@]}" > /dev/null || fail "with lan2, after a change without it that was killed at $step"
		has_program lan2 || fail "killed at $step: XDP does not run on lan2"
		forwards "killed at $step while it dropped lan2, and up"
	done
	for step in 1 2 3 4; do # between pinning what was attached to lan2 and its final name
		wgxdp "${fewer[@]}" > /dev/null
		killed_at rename $step "${all[@]}"
		wgxdp "${all[@]}" > "$work/out" 2>&1 || fail "with lan2, after this was killed at rename $step: $(< "$work/out")"
		has_program lan2 || fail "this was killed at rename $step: XDP does not run on lan2"
	done
	wgxdp down
	inside firewall ip link del lan2
}

ask() { # WHEN: five packets of one flow, and their answers
	inside client "$udptool" ask -n 5 198.51.100.7:4000 "198.51.100.1:$port" > "$work/asked"
	expect "$1: answered" "$(said asked answered)" == 5
}

flows_grow() {
	local n listener
	start_listener wg-end answers -e "192.168.1.10:$port"
	listener=$!
	masquerading 'max: 1000' > "$work/few.yaml"
	masquerading 'max: 20000' > "$work/many.yaml"
	for n in 2 3 4 5; do
		wgxdp up -c "$work/few.yaml" > /dev/null
		ask 'before'
		killed_at rename $n up -c "$work/many.yaml"
		wgxdp up -c "$work/many.yaml" > /dev/null
		ask "a change with more room, killed at rename $n, and up"
		wgxdp down
	done
	stop $listener
}

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
on_host firewall > "$work/before"
begin=$(date +%s%N)
wgxdp "${up[@]}" > /dev/null
whole=$(($(date +%s%N) - begin))
wgxdp down
every=1 # WGXDP_TIER=core takes 4 of these moments
[[ ${WGXDP_TIER:-} != core ]] || every=4
for ((n = 1; n < 14; n += every)); do
	after=$(awk -v whole=$whole -v n=$n 'BEGIN {print whole * n / 14 / 1e9}')
	(timeout -s KILL "$after" nsenter --net=/run/netns/firewall "$wgxdp" "${up[@]}" || :) > /dev/null 2>&1
	if ((n % 2)); then
		wgxdp "${up[@]}" > /dev/null
		forwards "up, killed after $after s, and up"
	fi
	wgxdp down
	wait_for 5 "up, killed after $after s, and down: all is gone" as_before # the kernel releases links with a delay
done
changes_killed
interface_dropped
flows_grow
wait_for 5 'changes killed, and down: all is gone' as_before
say "ok an up of $((whole / 1000000)) ms that is killed leaves nothing behind"
