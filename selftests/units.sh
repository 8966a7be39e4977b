#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# systemd
# timeout: 900
# The installed units under a real systemd: with three capabilities and all else taken away the daemon waits for a network that
# is not there yet, forwards when it comes, reloads, restarts, is killed by its watchdog and returns, and loses nothing under
# traffic; stopped, what runs goes on; wgxdp.service brings it up, reloads and takes all of it down. systemd-analyze is content.
#
#     client uplink ---- wan this VM lan ---- eth wg-end
WGXDP_APART=1 # the VM is apart enough, and its /run is systemd's
source "${BASH_SOURCE[0]%/*}/lib.sh"

[[ -d /run/systemd/system ]] || fail 'no systemd runs here: scripts/vmrun -S'
mkdir -p /run/netns

# This VM's own network is the firewall's
namespaces() {
	local ns
	for ns; do
		if [[ $ns == firewall ]]; then
			touch /run/netns/firewall
			mount --bind /proc/1/ns/net /run/netns/firewall
		else
			ip netns add "$ns"
			inside "$ns" ip link set lo up
		fi
		inside "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	done
}

property() { systemctl show -p "$1" --value "${2:-wgxdp-daemon}"; }
forwards() { # WHEN
	local before
	before=$(arrived wg-end all_of_them)
	inside client "$udptool" send -n 10 -r 1000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
	expect "forwarded, $1" $(($(arrived wg-end all_of_them) - before)) == 10
}
# PACKETS WHAT COMMAND...: under traffic
without_loss() {
	local before sender
	before=$(arrived wg-end all_of_them)
	start client "$udptool" send -n "$1" -r 300 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > "$work/sent"
	sender=$!
	"${@:3}"
	wait $sender
	expect "lost of $1: $2" $(($1 - $(arrived wg-end all_of_them) + before)) == 0
}
restarted() { (($(property NRestarts) > $1)); }
listens() { "$wgxdp" show services | grep -q "listen: .*:$1"; }

make -s install PREFIX=/usr > "$work/install" 2>&1 || fail "make install: $(< "$work/install")"
wgxdp=/usr/sbin/wgxdp
mkdir -p /etc/wgxdp /run/systemd/system/wgxdp-daemon.service.d
configuration() { # PORT...
	cat <<- EOF
		services:
		  - { name: wg-end, listen: { interface: wan, ports: [ $(tr ' ' , <<< "$*") ] }, backend: { ipv4: 192.168.1.10, port: $port } }
		exporter: { listen: [ "127.0.0.1:9851" ] }
	EOF
}
configuration $port > /etc/wgxdp/wgxdp.yaml
printf '[Service]\nWatchdogSec=6\n' > /run/systemd/system/wgxdp-daemon.service.d/test.conf
systemctl daemon-reload

systemctl start wgxdp-daemon || fail "start: $(journalctl -u wgxdp-daemon --no-pager 2>&1 | tail -n 20) $(systemctl status wgxdp-daemon 2>&1)"
expect 'state, with no network' "$(property ActiveState)" == active
firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
for _ in {1..50}; do
	listens $port && break
	sleep 0.1
done
forwards 'when the network came'
curl -sf http://127.0.0.1:9851/metrics > "$work/metrics" || fail 'the exporter does not answer'
expect 'capabilities' "$(awk '$1 == "CapPrm:" || $1 == "CapBnd:" {print $2}' "/proc/$(property MainPID)/status" | sort -u)" \
	== "$(printf '%016x' $((1 << 12 | 1 << 38 | 1 << 39)))"
systemd-analyze security --no-pager wgxdp-daemon > "$work/security"
exposure=$(sed -nE 's/.*exposure level[^:]*: ([0-9.]+).*/\1/p' "$work/security")
expect 'exposure' "$exposure" '<=' 2.0
[[ -e /sys/fs/bpf/wgxdp/default/attach/tp-devmap_xmit ]] ||
	fail "no tracepoint tells of packets that are not sent: $(journalctl -u wgxdp --no-pager)"

configuration $port 1001 > /etc/wgxdp/wgxdp.yaml
without_loss 600 'a reload' systemctl reload wgxdp-daemon
listens 1001 || fail 'the reload was none'
without_loss 1500 'a restart' systemctl restart wgxdp-daemon
killed() {
	kill -KILL "$(property MainPID)"
	wait_for 20 'a restart after kill -9' restarted 0
}
without_loss 2400 'kill -9' killed
hanging() {
	kill -STOP "$(property MainPID)"
	wait_for 60 'a restart by the watchdog' restarted 1
}
without_loss 4500 'a daemon that hangs' hanging
wait_for 20 'the daemon is back' systemctl -q is-active wgxdp-daemon
systemctl stop wgxdp-daemon
forwards 'with the daemon stopped'

systemctl start wgxdp
forwards 'by wgxdp.service'
configuration $port 1002 > /etc/wgxdp/wgxdp.yaml
systemctl reload wgxdp
listens 1002 || fail 'the reload of wgxdp.service was none'
systemctl start wgxdp-daemon
systemctl stop wgxdp
expect 'pins, after wgxdp.service was stopped' "$(find /sys/fs/bpf -path '*wgxdp/*' | wc -l)" == 0
wait_for 20 'the daemon ends with it' test "$(property ActiveState)" != activating
for _ in {1..50}; do
	[[ $(property ActiveState) != inactive ]] || break
	sleep 0.1
done
expect 'the daemon, after that' "$(property ActiveState), $(property Result)" == 'inactive, success'

mv /etc/wgxdp/wgxdp.yaml /etc/wgxdp/one.yaml
systemctl start wgxdp-daemon@one
listens_as_one() { "$wgxdp" --instance one show services | grep -q "listen: .*:$port"; }
wait_for 10 'an instance by the template' listens_as_one
forwards 'by an instance of the template'
systemctl stop wgxdp-daemon@one
"$wgxdp" --instance one down
say "ok units, exposure $exposure"
