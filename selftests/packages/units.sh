#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# systemd
# timeout: 960
# The installed units work under a real systemd with three capabilities, lose no packet, and have an exposure level of
# at most 2.0 (`systemd-analyze security`). With only three capabilities, the daemon waits for a network, forwards
# when it comes, reloads, restarts, and returns after its watchdog has killed it, without losing a packet. When it is
# stopped, forwarding continues. wgxdp.service brings the instance up, reloads it and takes it down. The templates do
# the same. The exporter's socket refuses no connection while the daemon restarts. Sharing XDP needs a drop-in, and is
# refused with advice if that is missing. systemd-analyze accepts all units. wgxdp-ddns.service needs no capability,
# and its timer has the right times. wgxdp-endpoint@ sets an endpoint, by raw ICMP with its drop-in. A knock's file
# runs wgxdp-knock.service. wgxdp-etcd.service applies the configuration in etcd. BREAK=1 restarts wgxdp.service, not
# only the daemon.
#
#     client uplink ---- wan this VM lan ---- eth wg-end
WGXDP_APART=1 # the VM is isolated already, and systemd uses its /run
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/ovh.sh"

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
		fi
		"$build/selftests/plug" "$ns" lo
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
lost_of=0
without_loss() {
	local before sender
	before=$(arrived wg-end all_of_them)
	start client "$udptool" send -n "$1" -r 300 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > "$work/sent"
	sender=$!
	"${@:3}"
	wait $sender
	expect "lost of $1: $2" $(($1 - $(arrived wg-end all_of_them) + before)) == 0
	lost_of=$((lost_of + $1))
}
restarted() { (($(property NRestarts) > $1)); }
listens() { "$wgxdp" show services | holds "listen: .*:$1"; }

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
exposures=''
for unit in wgxdp wgxdp-daemon wgxdp@one wgxdp-daemon@one wgxdp-ddns wgxdp-endpoint@wgx wgxdp-knock wgxdp-etcd; do
	systemd-analyze security --no-pager $unit.service > "$work/security"
	exposure=$(sed -nE 's/.*exposure level[^:]*: ([0-9.]+).*/\1/p' "$work/security")
	expect "exposure of $unit" "$exposure" '<=' 2.0
	exposures+=" $exposure"
done
tracepoints() { find /sys/fs/bpf/wgxdp/"$1"/attach -name 'tp-*' | wc -l; } # INSTANCE
expect 'tracepoints for packets that are not sent' "$(tracepoints default)" == 2

# DynDNS without a capability: its program runs, and a missing address is no failure
mkdir -p /run/systemd/system/wgxdp-ddns.service.d
printf '[Service]\nExecStart=\nExecStart=%s ddns -c /etc/wgxdp/ddns.yaml\n' "$wgxdp" > /run/systemd/system/wgxdp-ddns.service.d/test.conf
cat > /etc/wgxdp/ddns.yaml <<- EOF
	ddns: { interface: wan, names: [ wg-end.example.net ], records: [ A ], provider: { exec: [ /bin/echo, ran ] } }
EOF
systemctl daemon-reload
ddns_says() { journalctl -u wgxdp-ddns -o cat --no-pager; }
systemctl start wgxdp-ddns || fail "wgxdp-ddns: $(ddns_says)"
ddns_says | holds 'A 198.51.100.1 written ttl=300 fqdn=wg-end.example.net' || fail "wgxdp-ddns: $(ddns_says)"
# OVH refuses a refresh once: the unit must remember that
mkdir "$work/api"
echo 'key0123456789abc secret consumer' > "$work/api/keys"
echo '[]' > "$work/api/records"
echo refresh > "$work/api/mode"
ovh_certificate 127.0.0.1
"$root/selftests/lib/ovh.py" 127.0.0.1 8080 "$work/api" > "$work/ovh" 2>&1 &
api=$!
wait_for 5 'the API listens' grep -q listening "$work/ovh"
(umask 077 && printf '%s\n' OVH_APP_KEY=key0123456789abc OVH_APP_SECRET=secret OVH_CONSUMER_KEY=consumer > /etc/wgxdp/ovh.conf)
sed -i.exec 's|{ exec.*|{ ovh: { zone: example.net, url: "https://127.0.0.1:8080/1.0", credentials: /etc/wgxdp/ovh.conf } } }|' /etc/wgxdp/ddns.yaml
! systemctl start wgxdp-ddns || fail "a refresh that was refused: $(ddns_says)"
! ddns_says | holds 'cannot write' || fail "wgxdp-ddns: $(ddns_says)"
echo ok > "$work/api/mode"
systemctl start wgxdp-ddns || fail "a refresh that was refused before: $(ddns_says)"
expect 'the record after the second run' "$(cat "$work/api/live")" == 'wg-end A 198.51.100.1 300'
kill $api
mv /etc/wgxdp/ddns.yaml.exec /etc/wgxdp/ddns.yaml
sed -i 's/interface: wan/interface: lan/' /etc/wgxdp/ddns.yaml
systemctl start wgxdp-ddns || fail "wgxdp-ddns without an address: $(ddns_says)"
ddns_says | holds 'interface lan has no address that can be published: 192.168.1.1 is private' || fail "wgxdp-ddns: $(ddns_says)"
timer_says() { systemctl show wgxdp-ddns.timer | grep -oE '(On(Boot|UnitActive)USec=[0-9a-z]+|AccuracyUSec=.*|Persistent=.*)' | sort | xargs; }
expect "the timer's times" "$(timer_says)" == 'AccuracyUSec=30s OnBootUSec=2min OnUnitActiveUSec=5min Persistent=yes'

# An endpoint by name; ping sockets are forbidden here, and raw sockets need a drop-in
key=$(wg genkey | wg pubkey)
ip link add wgx type wireguard
wg set wgx private-key <(wg genkey) peer "$key" endpoint 198.51.100.99:51820
ip link set wgx up
sysctl -qw net.ipv4.ping_group_range='1 0'
mkdir -p /etc/wgxdp/endpoint
printf 'PEER=%s\nHOST=198.51.100.7\nPORT=51820\n' "$key" > /etc/wgxdp/endpoint/wgx
! systemctl start wgxdp-endpoint@wgx 2> /dev/null || fail 'raw ICMP without its drop-in'
journalctl -u wgxdp-endpoint@wgx -o cat --no-pager | holds 'CAP_NET_RAW' || fail "$(journalctl -u wgxdp-endpoint@wgx --no-pager)"
expect 'its endpoint, as it was' "$(wg show wgx endpoints | cut -f2)" == 198.51.100.99:51820
install -D -m 644 -t /run/systemd/system/wgxdp-endpoint@.service.d /usr/share/doc/wgxdp/endpoint.conf
systemctl daemon-reload
systemctl start wgxdp-endpoint@wgx || fail "$(journalctl -u wgxdp-endpoint@wgx --no-pager)"
expect 'the endpoint that answers' "$(wg show wgx endpoints | cut -f2)" == 198.51.100.7:51820
expect 'its capabilities' "$(systemctl show -p CapabilityBoundingSet --value wgxdp-endpoint@wgx)" == 'cap_net_admin cap_net_raw'
systemctl start wgxdp-endpoint@wgx.timer
systemctl -q is-active wgxdp-endpoint@wgx.timer || fail 'its timer'
systemctl stop wgxdp-endpoint@wgx.timer
ip link del wgx

# The file that a knock updates
printf '#!/bin/sh\nid -u > /run/knocked/uid\n' > /usr/local/bin/knocked
chmod 755 /usr/local/bin/knocked
mkdir -p /run/systemd/system/wgxdp-knock.service.d
printf '[Service]\nRuntimeDirectory=knocked\nRuntimeDirectoryPreserve=yes\n' > /run/systemd/system/wgxdp-knock.service.d/test.conf
systemctl daemon-reload
systemctl start wgxdp-knock.path
date > /run/wgxdp/default/knocked
wait_for 10 'wgxdp-knock.service ran' test -s /run/knocked/uid
expect 'as no user that there is' "$(cat /run/knocked/uid)" '>=' 61184
systemctl stop wgxdp-knock.path
rm /run/wgxdp/default/knocked /usr/local/bin/knocked

configuration $port 1001 > /etc/wgxdp/wgxdp.yaml
without_loss 600 'a reload' systemctl reload wgxdp-daemon
listens 1001 || fail 'the reload was none'
without_loss 1500 'a restart' systemctl restart "$(if [[ ${BREAK:-} ]]; then echo wgxdp; else echo wgxdp-daemon; fi)"
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

systemctl stop wgxdp
nothing_left() { # WHEN
	expect "pins, $1" "$(find /sys/fs/bpf -type f -o -path '*/wgxdp/*')" == ''
	expect "XDP programs, $1" "$(ip -br link show | grep -c xdp || :)" == 0
}
nothing_left 'after wgxdp.service was stopped'

systemctl start wgxdp
forwards 'by wgxdp.service'
expect 'its tracepoints' "$(tracepoints default)" == 2
configuration $port 1002 > /etc/wgxdp/wgxdp.yaml
systemctl reload wgxdp
listens 1002 || fail 'the reload of wgxdp.service was none'
systemctl start wgxdp-daemon
first=$(property MainPID)
systemctl restart wgxdp
wait_for 20 'the daemon is restarted with wgxdp.service' systemctl -q is-active wgxdp-daemon
expect 'the daemon after that: another process' "$(property MainPID)" != "$first"
forwards 'after wgxdp.service was restarted'
systemctl stop wgxdp
expect 'the daemon ends with wgxdp.service' "$(property ActiveState), $(property Result)" == 'inactive, success'
nothing_left 'after both were stopped'
systemctl -q enable wgxdp-daemon 2> "$work/enable" || fail "$(< "$work/enable")"
systemctl start wgxdp
wait_for 20 'an enabled daemon starts with wgxdp.service' systemctl -q is-active wgxdp-daemon
systemctl stop wgxdp
systemctl -q disable wgxdp-daemon 2> "$work/enable" || fail "$(< "$work/enable")"
nothing_left 'after both were started and stopped'

# The exporter's socket, with a port below 1024
mkdir -p /run/systemd/system/wgxdp-exporter.socket.d
printf '[Socket]\nListenStream=\nListenStream=127.0.0.1:443\nListenStream=/run/exporter.sock\n' > /run/systemd/system/wgxdp-exporter.socket.d/test.conf
configuration $port | sed 's/"127.0.0.1:9851"/systemd/' > /etc/wgxdp/wgxdp.yaml
systemctl -q enable wgxdp-exporter.socket 2> "$work/enable" || fail "$(< "$work/enable")"
systemctl start wgxdp-daemon
curl -sf http://127.0.0.1:443/metrics > "$work/metrics" || fail "the exporter's socket: $(journalctl -u wgxdp-daemon -n 20 --no-pager)"
curl -sf --unix-socket /run/exporter.sock http://localhost/api/v1/status > "$work/status" || fail "the exporter's Unix socket"
"$root/selftests/lib/sockets.py" ask "$work/stop" 127.0.0.1:443 > "$work/asked" &
asker=$!
systemctl restart wgxdp-daemon
systemctl reload wgxdp-daemon
times=$(property NRestarts)
kill -KILL "$(property MainPID)"
wait_for 20 'a restart after kill -9' restarted "$times"
wait_for 20 'the daemon is back' systemctl -q is-active wgxdp-daemon
touch "$work/stop"
wait $asker || fail 'the client'
say "$(< "$work/asked")"
expect 'connections that the socket refused' "$(said asked refused)" == 0
systemctl stop wgxdp
expect 'the socket and the daemon end with wgxdp.service' "$(property ActiveState wgxdp-exporter.socket), $(property ActiveState)" == 'inactive, inactive'
systemctl start wgxdp-exporter.socket
expect 'the daemon, with the socket alone' "$(property ActiveState)" == inactive
curl -sf http://127.0.0.1:443/metrics > "$work/metrics" || fail 'a connection did not start the daemon'
systemctl -q disable wgxdp-exporter.socket 2> "$work/enable" || fail "$(< "$work/enable")"
systemctl stop wgxdp
nothing_left 'after the socket was stopped'

mv /etc/wgxdp/wgxdp.yaml /etc/wgxdp/one.yaml
systemctl start wgxdp-daemon@one
listens_as_one() { "$wgxdp" --instance one show services | holds "listen: .*:$1"; }
wait_for 10 'an instance by the template' listens_as_one $port
expect 'wgxdp@one' "$(property ActiveState wgxdp@one)" == active
forwards 'by an instance of the template'
configuration $port 1003 > /etc/wgxdp/one.yaml
systemctl reload wgxdp-daemon@one
wait_for 10 'a reload by the template of the daemon' listens_as_one 1003
configuration $port 1004 > /etc/wgxdp/one.yaml
systemctl reload wgxdp@one
listens_as_one 1004 || fail 'the reload of wgxdp@one was none'
systemctl stop wgxdp@one
expect 'wgxdp-daemon@one ends with it' "$(property ActiveState wgxdp-daemon@one)" == inactive
nothing_left 'after the template was stopped'

# --- the configuration in etcd
export ETCDCTL_API=3
start firewall etcd --data-dir "$work/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
	--listen-peer-urls http://127.0.0.1:2380 --log-level error > "$work/etcd.log" 2>&1
etcd=$!
wait_for 60 'etcd' etcdctl endpoint health
put() { etcdctl put /wgxdp/relays/10-all > /dev/null; }
etcd_says() { journalctl -u wgxdp-etcd -o cat --no-pager; }
echo 'PREFIXES=/wgxdp/relays/' > /etc/wgxdp/etcd.conf
configuration $port | put
systemctl start wgxdp-etcd
wait_for 30 "etcd's configuration runs: $(etcd_says)" listens $port
forwards 'by what etcd has'
configuration $port 1005 | put
wait_for 30 'the next revision' listens 1005
echo 'services: [ { frob: 1 } ]' | put
is_refused() { etcd_says | holds 'is refused: the running configuration stays'; }
wait_for 30 'a bad one is refused' is_refused
listens 1005 || fail 'a bad revision changed what runs'
systemctl stop wgxdp-etcd
expect 'wgxdp-etcd, stopped' "$(property ActiveState wgxdp-etcd), $(property Result wgxdp-etcd)" == 'inactive, success'
forwards 'without wgxdp-etcd'
diff -B <(sed 1d /etc/wgxdp/wgxdp.yaml) <(configuration $port 1005) > /dev/null || fail "for the next boot: $(< /etc/wgxdp/wgxdp.yaml)"
kill $etcd
wait $etcd || :
"$wgxdp" down
nothing_left 'after etcd'

refused() { # UNIT
	journalctl -u "$1" -o cat --no-pager | holds 'interface wan: this process lacks CAP_SYS_ADMIN,.* shared.conf' ||
		fail "$1: $(journalctl -u "$1" -n 20 --no-pager)"
	say "ok $1: refused, with what to do"
}
components() { xdp-loader status "$1" | awk '$1 == "=>" {print $3}' | xargs; } # DEVICE
{
	echo 'interfaces: [ { name: wan, role: wan, shared: true }, { name: lan, role: lan, shared: true } ]'
	configuration $port
} > /etc/wgxdp/wgxdp.yaml
! systemctl start wgxdp 2> /dev/null || fail 'XDP was shared without CAP_SYS_ADMIN'
refused wgxdp
nothing_left 'after that'
for unit in wgxdp wgxdp-daemon; do
	install -D -m 644 -t /run/systemd/system/$unit.service.d /usr/share/doc/wgxdp/shared.conf
done
systemctl daemon-reload
systemctl start wgxdp-daemon
forwards 'with shared XDP'
expect 'components' "$(components wan), $(components lan)" == 'wgxdp_xdp, wgxdp_xdp'
without_loss 1500 'a restart with shared XDP' systemctl restart wgxdp-daemon
rm /run/systemd/system/wgxdp{,-daemon}.service.d/shared.conf
systemctl daemon-reload
systemctl restart wgxdp-daemon 2> /dev/null || :
wait_for 30 'the daemon says what it lacks' refused wgxdp-daemon
systemctl stop wgxdp-daemon
"$wgxdp" reload > /dev/null
wgxdp_down_without() { setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$wgxdp" down 2> "$work/err"; }
! wgxdp_down_without || fail 'down left components of the dispatcher where they are'
grep -q 'interface wan: this process lacks CAP_SYS_ADMIN, which' "$work/err" || fail "$(< "$work/err")"
forwards 'after a down that might not'
"$wgxdp" down
systemctl stop wgxdp
nothing_left 'after shared XDP was stopped'
say "exposure of wgxdp, wgxdp-daemon, their templates, wgxdp-ddns, wgxdp-endpoint@, wgxdp-knock and wgxdp-etcd:$exposures; 0 lost of $lost_of"
