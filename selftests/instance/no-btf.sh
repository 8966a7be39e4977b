#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# On a kernel without BTF, wgxdp loads and carries a WireGuard client. OpenWrt's kernels are built so
# (CONFIG_DEBUG_INFO_BTF=n). It is selftests/firewall/firewall-dnat.sh, with the kernel's BTF hidden.
#
# Simulated: programs find no BTF of the kernel, because an empty directory lies over /sys/kernel/btf, and no vmlinux lies where libbpf
# looks next. Not simulated: the kernel still has its BTF inside, so what only such a kernel would refuse does not show here; and its
# version and configuration are Debian's, not OpenWrt's. BREAK=1 does not hide it.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

[[ -e /sys/kernel/btf/vmlinux ]] || fail 'this kernel has no BTF: run selftests/firewall/firewall-dnat.sh on it'
[[ ${BREAK:-} ]] || mount -t tmpfs -o ro none /sys/kernel/btf
release=$(uname -r)
for file in /sys/kernel/btf/vmlinux "/boot/vmlinux-$release" /{usr/,}lib/modules/"$release"/{vmlinux-"$release",build/vmlinux,kernel/vmlinux} \
	/usr/lib/debug/{,boot/,lib/modules/"$release"/}vmlinux{,-"$release"}{,.debug}; do
	[[ ! -e $file ]] || fail "programs find the kernel's BTF in $file"
done

firewall_network
count_arrivals wg-end clients udp dport $port
wgxdp up --wan wan --to 192.168.1.10
ten_come clients 'without BTF'
wgxdp down
