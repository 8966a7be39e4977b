#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 3600
# The container image, of at most 60 MB, runs the daemon as docs/guides/install.md says, and loses no packet when it
# is killed and replaced. `make container` makes it. The daemon forwards, follows the host's addresses, and writes to
# the container's log. The container is killed and replaced five times under traffic, and no packet is lost. It runs
# with three capabilities. Without one of them, with a seccomp filter, without bpffs or with a read-only bpffs, the
# log names the cause. docs/container has the same for compose and, if podman supports it, systemd (quadlet). All this
# runs with this machine's podman, with that of Debian 13, and in a VM under AppArmor. BREAK=1 takes the instance down
# between two containers. IMAGE=FILE takes an existing image, ONLY= runs one of own, trixie and vm.
#
#     client uplink ---- wan firewall lan ---- eth wg-end        the container is on the firewall
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=30000 # packets a round
rate=5000
kills=5
most=60000000 # bytes

# --- podman, in a root directory of its own

# Makes a mount namespace, held by the process $box, with the files of LOWER and a writable layer above. This machine's
# files stay
enter_root() { # LOWER
	local dir top=$work/root
	mkdir -p "$work/layer" "$top"
	mount -t tmpfs layer "$work/layer"
	mkdir "$work"/layer/{upper,work,store}
	mount -t overlay -o "lowerdir=$1,upperdir=$work/layer/upper,workdir=$work/layer/work" root "$top"
	for dir in proc sys dev run; do
		mount --rbind "/$dir" "$top/$dir"
		mount --make-rprivate "$top/$dir" # ip-netns shares /run/netns: an unmount here would also unmount there
	done
	mount -t tmpfs shm "$top/dev/shm" # podman's locks
	mkdir -p "$top"/{etc/wgxdp,var/lib/wgxdp,tmp} /run/{wgxdp,podman}
	cat > "$work/storage.conf" <<- EOF
		[storage]
		driver = "overlay"
		graphroot = "$work/layer/store"
		runroot = "/run/podman"
	EOF
	cat > "$work/containers.conf" <<- EOF
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "none"
		runtime = "crun"
		[containers]
		cgroups = "disabled"
		log_driver = "k8s-file"
	EOF
	# shellcheck disable=SC2016 # for that shell
	unshare --mount --propagation private bash -c 'cd "$1" && pivot_root . . && umount -l . && exec sleep infinity' bash "$top" &
	box=$!
	wait_for 10 'the new root directory' grep -qx sleep "/proc/$box/comm"
}
leave_root() {
	podman rm --all --force > /dev/null
	kill "$box"
	wait "$box" 2> /dev/null || :
	umount -R "$work/root"
	umount "$work/layer"
}
on_box() { # COMMAND...
	nsenter --mount="/proc/$box/ns/mnt" --net=/run/netns/firewall \
		env CONTAINERS_STORAGE_CONF="$work/storage.conf" CONTAINERS_CONF="$work/containers.conf" "$@"
}
podman() { on_box podman "$@"; }

# --- containers

# Reads the command of docs/guides/install.md, and adds what this podman needs
read_guide() {
	mapfile -t guide < <(awk '/^    sudo podman run / {inside = 1} inside {print} inside && !/\\$/ {exit}' docs/guides/install.md |
		sed 's/\\$//; s/^ *sudo//' | xargs -n 1)
	[[ ${guide[*]:0:2} == 'podman run' ]] || fail 'docs/guides/install.md has no podman run'
	guide=("${guide[@]:2}")
}
runs() { # OPTION...: options before those of the guide; whether it ends at once or not
	podman rm --force --time 0 wgxdp > /dev/null 2>&1 || :
	podman run "${more[@]}" "$@" > /dev/null
}
log() { podman logs wgxdp 2>&1; }
ready() { log | holds 'the daemon follows changes'; }
starts() {
	runs "${guide[@]}"
	wait_for 60 "the daemon's readiness" ready
}
ended() { [[ $(podman inspect --format '{{.State.Status}}' wgxdp) == exited ]]; }

# A container with these options ends with status 1, and its log has TEXT
refused() { # TEXT OPTION...
	local status
	runs "${@:2}"
	wait_for 60 "the end of a container: $1" ended
	status=$(podman inspect --format '{{.State.ExitCode}}' wgxdp)
	log > "$work/log"
	{ ((status == 1)) && grep -qF "$1" "$work/log"; } ||
		fail "status $status, expected 1 and '$1': $(< "$work/log")"
	say "ok $(grep -F "$1" "$work/log")"
}
but() { # WORD...: sets $options to the guide's without `--OPTION WORD`
	local i word
	options=()
	for ((i = 0; i < ${#guide[@]}; i++)); do
		for word; do
			[[ ${guide[i + 1]:-} != "$word" ]] || { i=$((i + 1)) && continue 2; }
		done
		options+=("${guide[i]}")
	done
	((${#options[@]} == ${#guide[@]} - 2 * $#)) || fail "the guide's command has not each of: $*"
}

# --- the tests

seccomp_needs() { # podman before 5 has a filter that does not know CAP_BPF
	more=()
	((version < 5)) || return 0
	refused_by_filter
	more=(--security-opt seccomp=unconfined)
}

refused_by_filter() { # OPTION...
	local more=()
	refused 'a seccomp filter forbids this process the call bpf(2)' "$@" "${guide[@]}"
}
names_what_lacks() {
	local capability
	for capability in BPF NET_ADMIN PERFMON; do
		but "$capability"
		refused "this process lacks CAP_$capability: run it as root with" "${options[@]}"
	done
	but BPF NET_ADMIN PERFMON
	refused 'this process lacks CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON' "${options[@]}"
	but /sys/fs/bpf:/sys/fs/bpf
	refused '/sys/fs/bpf: no BPF file system' "${options[@]}"
	refused 'mount /sys/fs/bpf writable' --volume /sys/fs/bpf:/sys/fs/bpf:ro "${options[@]}"
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["bpf"],"action":"SCMP_ACT_ERRNO"}]}' > "$work/seccomp.json"
	refused_by_filter --security-opt "seccomp=$work/seccomp.json"
	if [[ $(cat /sys/module/apparmor/parameters/enabled 2> /dev/null) == Y ]]; then
		but apparmor=unconfined
		refused 'a security module forbids it' "${options[@]}"
	else
		say '(no AppArmor in this kernel)'
	fi
}

killed_again_and_again() {
	local killed=0 before
	before=$(arrived wg-end all_of_them) sent=0
	sends $n -r $rate -c 200 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port
	while ((killed < kills)); do
		still_sends $killed $kills # one more round if the sender has ended
		podman kill --signal KILL wgxdp > /dev/null
		[[ ! ${BREAK:-} ]] || wgxdp down
		starts
		killed=$((killed + 1))
	done
	while still_sends $kills $kills; do sleep 0.1; done
	expect_sums
	expect "lost of $sent while the container was killed $killed times" $((sent + before - $(arrived wg-end all_of_them))) == 0
}

follows() {
	shows() { podman exec wgxdp wgxdp show services | holds "listen: .*$1:"; }
	inside firewall ip address add 198.51.100.250/24 dev wan
	wait_for 10 'the address that came' shows 198.51.100.250
	inside firewall ip address del 198.51.100.250/24 dev wan
	say 'ok the daemon follows an address of the host, and podman exec wgxdp wgxdp show shows it'
	sed "s/$port/1003/" "$work/wgxdp.yaml" > "/proc/$box/root/etc/wgxdp/wgxdp.yaml"
	podman kill --signal HUP wgxdp > /dev/null
	shows_port() { wgxdp show services | holds "listen: .*:1003"; }
	wait_for 10 'the changed file' shows_port
	cp "$work/wgxdp.yaml" "/proc/$box/root/etc/wgxdp/wgxdp.yaml"
	podman kill --signal HUP wgxdp > /dev/null
	back() { ! shows_port; }
	wait_for 10 'the former file' back
	say 'ok SIGHUP reads the file again'
}

traces_packets() {
	local words=(trace --in wan --from 198.51.100.7:4000 --to "198.51.100.1:$port")
	! podman exec wgxdp wgxdp "${words[@]}" > "$work/trace" 2>&1 || fail "trace works without CAP_SYS_ADMIN: $(< "$work/trace")"
	grep -q 'this process lacks CAP_SYS_ADMIN' "$work/trace" || fail "trace: $(< "$work/trace")"
	podman exec --privileged wgxdp wgxdp "${words[@]}" > "$work/trace" 2>&1 || fail "trace: $(< "$work/trace")"
	grep -q forwarded "$work/trace" || fail "trace: $(< "$work/trace")"
	say 'ok trace, by podman exec --privileged'
}

# XDP beside other programs, by libxdp: the image has its dispatcher
shares() {
	sed 's/role: wan/&, shared: true/' "$work/wgxdp.yaml" > "/proc/$box/root/etc/wgxdp/wgxdp.yaml"
	refused 'this process lacks CAP_SYS_ADMIN, which' "${guide[@]}"
	runs --cap-add SYS_ADMIN "${guide[@]}"
	started_or_ended() { ready || ended; }
	wait_for 60 'a container that shares XDP' started_or_ended
	if ready; then
		ten_come all_of_them 'by a container that shares XDP'
		podman exec wgxdp wgxdp down
		say 'ok shared: true'
	else
		log | holds 'has no freplace programs' || fail "shared: true: $(log)"
		say '(this kernel has no freplace, which shared: true takes)'
	fi
	cp "$work/wgxdp.yaml" "/proc/$box/root/etc/wgxdp/wgxdp.yaml"
	rm -f /run/wgxdp/default/daemon
}

stops_and_downs() {
	podman stop wgxdp > /dev/null 2>&1
	expect "status of a container that was stopped" "$(podman inspect --format '{{.State.ExitCode}}' wgxdp)" == 0
	ten_come all_of_them 'without the container'
	starts
	podman exec wgxdp wgxdp down
	wait_for 10 "the container's end, by down" ended
	expect 'status of a container that down ended' "$(podman inspect --format '{{.State.ExitCode}}' wgxdp)" == 0
	no_traces firewall "$work/nothing" 'down in the container'
}

composed() {
	local file=/run/compose/compose.yaml
	((version >= 5)) || { say '(podman-compose of Debian 12 cannot give a container the host network)'; return 0; }
	podman rm --force wgxdp > /dev/null
	mkdir -p /run/compose
	cp docs/container/compose.yaml "$file"
	on_box podman-compose -f "$file" up -d > "$work/compose" 2>&1 || fail "podman-compose up: $(< "$work/compose")"
	wait_for 60 "the daemon's readiness, by compose" ready
	ten_come all_of_them 'by compose'
	podman exec wgxdp wgxdp down
	on_box podman-compose -f "$file" down > "$work/compose" 2>&1 || fail "podman-compose down: $(< "$work/compose")"
	! podman container exists wgxdp || fail 'podman-compose down left the container'
	say 'ok compose.yaml'
}

# The command that quadlet makes from the unit; without systemd no cgroup is passed on
as_unit() {
	local quadlet=/usr/libexec/podman/quadlet notified socket=/run/unit/notify unit
	on_box test -x $quadlet || { say '(this podman has no quadlet)'; return 0; }
	mkdir -p /run/unit/of
	cp docs/container/wgxdp-daemon.container /run/unit/of
	on_box env QUADLET_UNIT_DIRS=/run/unit/of $quadlet -dryrun > "$work/unit" 2> "$work/unit.said" ||
		fail "quadlet: $(< "$work/unit.said")"
	mapfile -t unit < <(sed -n 's/^ExecStart=//p' "$work/unit" | xargs -n 1 | sed 's/^--cgroups=.*/--cgroups=disabled/; s|%t|/run/unit|; s|%N|wgxdp-daemon|')
	socat -u "UNIX-RECV:$socket" "CREATE:$work/notified" &
	notified=$!
	wait_for 5 'a listener' test -S "$socket"
	on_box env NOTIFY_SOCKET="$socket" "${unit[@]}" > /dev/null
	wait_for 60 "the daemon's readiness, by quadlet" ready
	wait_for 10 'READY=1 to systemd' grep -q 'READY=1' "$work/notified"
	kill $notified
	ten_come all_of_them 'by quadlet'
	podman exec wgxdp wgxdp down
	wait_for 10 'the end of what --rm removes' removed
	say 'ok wgxdp-daemon.container'
}
removed() { ! podman container exists wgxdp; }

all_with() { # LOWER
	enter_root "$1"
	version=$(podman --version)
	say "--- $version, kernel $(uname -r)"
	version=${version//[!0-9.]/} version=${version%%.*}
	podman load --quiet < "$image" > "$work/load" 2>&1 || fail "podman load: $(< "$work/load")"
	cp "$work/wgxdp.yaml" "/proc/$box/root/etc/wgxdp"
	seccomp_needs
	names_what_lacks
	rm -f /run/wgxdp/default/daemon # a daemon leaves the name of its file, even if it fails
	no_traces firewall "$work/nothing" 'containers that were refused'
	starts
	ten_come all_of_them 'from a container'
	follows
	traces_packets
	killed_again_and_again
	stops_and_downs
	shares
	composed
	as_unit
	no_traces firewall "$work/nothing" 'all of it'
	leave_root
}

# --- the image and the machine

make_image() {
	image=$(realpath "${IMAGE:-$build/container.oci.tar}")
	[[ ${IMAGE:-} ]] || scripts/container "$image" > "$work/made" 2>&1 || fail "scripts/container: $(< "$work/made")"
	tar -C "$work" -xf "$image" index.json blobs
	/usr/bin/python3 - "$work" > "$work/size" <<- 'EOF'
		import gzip, json, os, sys
		def blob(descriptor): return os.path.join(sys.argv[1], "blobs", *descriptor["digest"].split(":"))
		index = json.load(open(os.path.join(sys.argv[1], "index.json")))
		manifest = json.load(open(blob(index["manifests"][0])))
		print(sum(len(gzip.open(blob(layer)).read()) for layer in manifest["layers"]))
	EOF
	rm -r "$work"/blobs "$work/index.json"
	expect "bytes of the image ($(stat -c %s "$image") as an archive)" "$(< "$work/size")" '<=' $most
}

# A Debian 13 with podman, which is renewed after a month
make_debian() {
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/wgxdp-container
	debian=$cache/podman
	mkdir -p "$cache"
	(
		flock 9
		[[ -e $debian && $(find "$debian.made" -mtime -30 2> /dev/null) ]] || {
			scripts/debian trixie "$debian" --variant=minbase --include=podman,crun,podman-compose,apparmor
			touch "$debian.made"
		}
	) 9> "$cache/podman.lock" > "$work/debian" 2>&1 || fail "scripts/debian: $(< "$work/debian")"
}

in_vm() {
	scripts/vmrun -k 6.12 -m 2G -t 1800 -- env -u WGXDP_APART UDPTOOL_MOST=1000 WGXDP_STRICT= IMAGE="$image" ONLY=inner \
		XDG_CACHE_HOME="${XDG_CACHE_HOME:-$HOME/.cache}" "$root/selftests/packages/container.sh"
}

unified_cgroups() { # crun supports no others
	[[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]] || {
		umount -R /sys/fs/cgroup 2> /dev/null || :
		mount -t cgroup2 cgroup /sys/fs/cgroup
	}
}

make_image
make_debian
read_guide
unified_cgroups
[[ -e /sys/kernel/security/apparmor ]] || mount -t securityfs security /sys/kernel/security 2> /dev/null || :
firewall_network
for ns in client wg-end; do inside $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done # IPv6 sends packets by itself
service_file dnat
count_arrivals wg-end all_of_them "udp dport $port"
quiet wg-end
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
wgxdp down
traces firewall > "$work/nothing"
case ${ONLY:-} in
'') all_with / && all_with "$debian" && in_vm ;;
own) all_with / ;;
trixie | inner) all_with "$debian" ;;
vm) in_vm ;;
*) fail "ONLY is '$ONLY': own, trixie or vm" ;;
esac
say ok
