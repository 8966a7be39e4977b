# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hosts on which start_page.py follows a page of the book as it is. Source lib.sh first. The script provides programs
# that a host in a namespace lacks. systemctl starts what the units of scripts/systemd and wg-quick start, without
# systemd. journalctl prints its log. ssh runs a command on another of these hosts. apt does nothing.
source "${root:?}/selftests/lib/hosts.sh"
export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go # used if the kernel has no WireGuard

mkdir -p "${work:?}"/{home,log,keepers}
ln -s "${wgxdp:?}" "$work/bin/wgxdp"

# Runs `at HOST COMMAND...` for other programs
cat > "$work/bin/at" << EOF_AT
#!/usr/bin/env bash
its=/proc/\$(< "$work/keepers/\$1")
export PATH=$work/bin:\$PATH HOME="$work/home/\$1" HOST_NAME=\$1
exec nsenter --net="/run/netns/\$1" --mount="\$its/ns/mnt" --root="\$its/root" --wd="\$its/root" \\
	sh -c 'cd "\$HOME" && exec "\$@"' sh "\${@:2}"
EOF_AT

cat > "$work/bin/ssh" << EOF_SSH
#!/usr/bin/env bash
exec nsenter --mount=/proc/$$/ns/mnt "$work/bin/at" "\${1#root@}" bash -c "\${*:2}"
EOF_SSH

cat > "$work/bin/sysctl" << EOF_SYSCTL
#!/usr/bin/env bash
# --system reads the page's files, and none of this machine
[[ \$1 == --system ]] || exec $(command -v sysctl) "\$@"
for file in "$work/etc/\$HOST_NAME/upper/sysctl.d"/*.conf; do $(command -v sysctl) -q -p "\$file" || exit; done
EOF_SYSCTL

cat > "$work/bin/journalctl" << EOF_JOURNAL
#!/usr/bin/env bash
[[ \$# == 2 && \$1 == -u ]] || { echo "journalctl \$*: not here" >&2; exit 1; }
cat "$work/log/\$HOST_NAME.\${2%.service}"
EOF_JOURNAL

cat > "$work/bin/systemctl" << EOF_SYSTEMCTL
#!/usr/bin/env bash
set -euo pipefail
units=$root/scripts/systemd work=$work
EOF_SYSTEMCTL
cat >> "$work/bin/systemctl" << 'EOF_SYSTEMCTL'
verb=$1 now=''
shift
[[ ${1:-} != --now ]] || { now=1; shift; }
log() { echo "$work/log/$HOST_NAME.$1"; }
line() { sed -n "s,^$2=/usr/local/sbin/,,p" "$units/$1.service"; } # UNIT KEY: prints the command of the unit's file

daemon() {
	[[ ! -e $work/log/$HOST_NAME.daemon ]] || kill "$(< "$work/log/$HOST_NAME.daemon")" 2> /dev/null || :
	: > "$(log wgxdp-daemon)"
	setsid $(line wgxdp-daemon ExecStart) >> "$(log wgxdp-daemon)" 2>&1 < /dev/null &
	echo $! > "$work/log/$HOST_NAME.daemon"
	for ((i = 0; i < 2000; i++)); do ! grep -q 'the daemon follows changes' "$(log wgxdp-daemon)" || return 0; sleep 0.02; done
	cat "$(log wgxdp-daemon)" >&2
	return 1
}

tunnel() { # DEVICE
	[[ $verb != restart ]] || ! ip link show "$1" > /dev/null 2>&1 || wg-quick down "$1"
	ip link show "$1" > /dev/null 2>&1 || wg-quick up "$1"
}

once() { # UNIT INSTANCE: runs what the timer starts
	[[ ! $2 ]] || . "/etc/wgxdp/endpoint/$2"
	eval "$(line "$1" ExecStart | sed "s/%i/$2/g")" >> "$(log "${1%@}@$2")" 2>&1
}

starts() { # UNIT
	case $1 in
	wgxdp) wgxdp up > "$(log wgxdp)" 2>&1 || { cat "$(log wgxdp)"; return 1; } ;;
	wgxdp-daemon) daemon ;;
	wg-quick@*) tunnel "${1#*@}" ;;
	wgxdp-rules) nft -f /etc/nftables.d/wgxdp.nft ;;
	wgxdp-ddns.timer) once wgxdp-ddns '' ;;
	wgxdp-endpoint@*.timer) once wgxdp-endpoint@ "$(sed 's/.*@\(.*\)\.timer/\1/' <<< "$1")" ;;
	systemd-networkd) "$work/bin/networkd" ;;
	keepalived)
		setsid keepalived -nlD -p /run/keepalived/pid -r /run/keepalived/vrrp > "$(log keepalived)" 2>&1 < /dev/null &
		;;
	radvd) setsid radvd -n -m stderr -p /run/keepalived/radvd > "$(log radvd)" 2>&1 < /dev/null & ;;
	*) echo "systemctl: no unit $1 here" >&2; return 1 ;;
	esac
}

if [[ $verb == daemon-reload && ${OVER:-} ]]; then # gen-over.sh
	for tree in "$work"/home/*/files/"$HOST_NAME"; do
		[[ ! -e $tree/README.md ]] || ! grep -q '^    forward ' "$tree/README.md" || own-rules "$tree"
	done
fi
for unit; do
	case $verb in
	enable) [[ ! $now ]] || starts "$unit" ;;
	start | restart | reload-or-restart) starts "$unit" ;;
	disable) [[ $unit != wgxdp ]] || wgxdp down ;;
	reload) # a reader also needs time before the next step
		kill -HUP "$(< "$work/log/$HOST_NAME.daemon")"
		sleep 1
		;;
	*) echo "systemctl $verb $unit: not here" >&2; exit 1 ;;
	esac
done
EOF_SYSTEMCTL

cat > "$work/bin/networkd" << EOF_NETWORKD
#!/usr/bin/env bash
set -e
set -- "\$HOST_NAME"
$networkd_room
setsid /lib/systemd/systemd-networkd > "$work/log/\$HOST_NAME.networkd" 2>&1 < /dev/null &
EOF_NETWORKD
printf '#!/bin/sh\n' | tee "$work/bin/apt" > "$work/bin/networkctl" # all packages are installed, and networkd has its files
chmod 755 "$work"/bin/*

start_hosts() { # NAME...
	local name
	hosts "$@"
	for name; do
		mkdir -p "$work/home/$name"
		echo "${keeper[$name]}" > "$work/keepers/$name"
	done
}

# The reader's existing WireGuard: /etc/wireguard/wg0.conf, without peers
has_tunnel() { # HOST ADDRESS PORT
	(umask 077 && wg genkey > "$work/$1.key")
	wg pubkey < "$work/$1.key" > "$work/$1.pub"
	at "$1" sh -c 'mkdir -p /etc/wireguard; cat > /etc/wireguard/wg0.conf' <<- EOF_CONF
		[Interface]
		Address = $2
		PrivateKey = $(< "$work/$1.key")
		ListenPort = $3
	EOF_CONF
}
has_peer() { # HOST PEER LINE...
	printf '%s\n' '[Peer]' "PublicKey = $(key "$2")" "${@:3}" | at "$1" sh -c 'cat >> /etc/wireguard/wg0.conf'
}

follow_page() { # PAGE HOST...: docs/PAGE.md; its first block is for the first host
	local status=0
	AT=$work/bin/at "$root/selftests/lib/start_page.py" "docs/$1.md" "${@:2}" > "$work/page" 2>&1 || status=$?
	if [[ ${BREAK:-} ]]; then
		((status)) || { echo "without wgxdp at work docs/$1.md does not fail"; exit 0; }
	fi
	((!status)) || fail "docs/$1.md: $(< "$work/page")"
	say "ok docs/$1.md: $(< "$work/page")"
}

# The page's network.yaml and docs/examples/topology/NAME.yaml must make the same files
same_files() { # NAME
	"$work/bin/at" admin wgxdp gen hosts "$root/docs/examples/topology/$1.yaml" -o files --check > "$work/same" ||
		fail "network.yaml of the page: $(< "$work/same")"
	say "ok the page's network.yaml means the same as docs/examples/topology/$1.yaml"
}
