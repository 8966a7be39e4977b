# SPDX-License-Identifier: GPL-2.0-or-later
# The only makefile: everything is built below $(O).
O        ?= build
V        ?= 0
PREFIX   ?= /usr/local
DESTDIR  ?=
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
PYTHON   ?= /usr/bin/python3
VERSION  := $(shell cat VERSION)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2);)
comma := ,
# The target's directory, made once by make itself: a process for each object would take 3 % of a build
make_directory = $(if $(filter $(@D),$(directories)),,$(eval directories += $(@D))$(shell mkdir -p $(@D)))

.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

# Optional parts: =0 leaves one out. The program opens their libraries when it needs them and links none of them
# (user/lib/library.h)
WITH_MHD ?= 1
WITH_SODIUM ?= 1
# the command `gen`, and topologies
WITH_GEN ?= 1
with := $(foreach name,MHD SODIUM GEN,$(if $(filter 1,$(WITH_$(name))),$(name)))
# for each: its names for pkg-config, and NAME=LIBRARY for scripts/sonames
MHD_PKGS := libmicrohttpd
SODIUM_PKGS := libsodium
# musl has crypt_r() in its libc
MHD_LIBRARIES := MHD=microhttpd $(if $(filter /%,$(shell $(CC) -print-file-name=libcrypt.so)),CRYPT=crypt)
SODIUM_LIBRARIES := SODIUM=sodium
ALL_DEFINES = $(with:%=-DWITH_%)
PKGS     := libbpf libxdp libmnl libfyaml libuv libcares
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) $(foreach name,$(with),$($(name)_PKGS)))
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS))
CFLAGS   ?= -O2 -g
# empty in a package's build: a newer compiler's warning must not stop it
WERROR   ?= -Werror
# the build directory must not show in the results (selftests/packages/reproducible.sh)
PREFIX_MAP ?= -ffile-prefix-map=$(CURDIR)/= -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(O)/=build/
ALL_CFLAGS = $(PREFIX_MAP) -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers $(WERROR) -D_GNU_SOURCE \
	-Iinclude -Iuser -I$(O) -DVERSION='"$(VERSION)"' $(ALL_DEFINES) $(PKG_CFLAGS) $(CFLAGS)
LIBS      = -Wl,--as-needed $(PKG_LIBS) -lelf -lz
MULTIARCH := $(shell $(CC) -print-multiarch)
SYSROOT  := $(shell $(CC) -print-sysroot 2> /dev/null)
BPF_CFLAGS ?= -O2 -g
ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(firstword $(subst -, ,$(MULTIARCH)) $(shell uname -m))))
ALL_BPF_CFLAGS = $(PREFIX_MAP) -target bpf -D__TARGET_ARCH_$(ARCH) -mcpu=v3 -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare $(WERROR) \
	-Iinclude -Ibpf $(MULTIARCH:%=-I$(SYSROOT)/usr/include/%) $(BPF_CFLAGS)

# Every room of user/ (docs/design.md, *Rooms*)
USER_SRC := $(sort $(filter-out $(if $(filter 1,$(WITH_GEN)),,user/gen/%),$(wildcard user/*/*.c)))
USER_OBJ := $(USER_SRC:user/%.c=$(O)/user/%.o)

.PHONY: all clean install
# The program finds them beside itself, or installed in ../lib/wgxdp
HELPERS := wgxdp-ddns-ovh wgxdp-ddns-rfc2136
all: $(O)/wgxdp

$(HELPERS:%=$(O)/%): $(O)/%: scripts/ddns/%
	$(make_directory)
	$(call say,COPY,$@)cp $< $@

$(O)/%.bpf.o: bpf/%.bpf.c Makefile
	$(make_directory)
	$(call say,BPF,$@)$(CLANG) $(ALL_BPF_CFLAGS) -MMD -MP -c $< -o $@

# The compiler of that object, for --version and for refusals by the verifier
$(O)/bpf_compiler.h: $(O)/wgxdp.bpf.o
	$(Q)printf '#define BPF_COMPILER "%s"\n' "$$($(CLANG) --version | head -n 1)" > $@

$(O)/libraries.h: scripts/sonames Makefile
	$(make_directory)
	$(call say,NAMES,$@)scripts/sonames "$(CC)" $(foreach name,$(with),$($(name)_LIBRARIES)) > $@

# Linking the object again removes its DWARF, which is more than half of it
$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen object $(O)/$*.linked.o $< && $(BPFTOOL) gen skeleton $(O)/$*.linked.o name $(*F) > $@

$(O)/user/%.o: user/%.c Makefile VERSION | $(O)/wgxdp.skel.h $(O)/tracing.skel.h $(O)/bpf_compiler.h $(O)/libraries.h
	$(make_directory)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(O)/page.h: user/exporter/page.html scripts/page
	$(make_directory)
	$(call say,PAGE,$@)scripts/page $< > $@

$(O)/user/exporter/web.o $(O)/unit/user/exporter/web.o: $(O)/page.h

$(O)/keys.h: scripts/keys docs/wgxdp.yaml.5 docs/wgxdp-topology.5
	$(make_directory)
	$(call say,KEYS,$@)$^ > $@

$(O)/user/cmd/cmd_schema.o $(O)/unit/user/cmd/cmd_schema.o: $(O)/keys.h

# a shell script as a string, without its first two lines
$(O)/keepalived.h $(O)/rollout.h $(O)/wgxdp-reload.h: $(O)/%.h: user/gen/%.sh
	$(make_directory)
	$(call say,GEN,$@)sed '1,2d; s/[\\"]/\\&/g; s/.*/"&\\n"/' $< > $@

$(O)/user/gen/gen_routing.o $(O)/unit/user/gen/gen_routing.o: $(O)/keepalived.h
$(O)/user/gen/gen_shared.o $(O)/unit/user/gen/gen_shared.o: $(O)/rollout.h
$(O)/user/gen/gen_system.o $(O)/unit/user/gen/gen_system.o: $(O)/wgxdp-reload.h

$(O)/wgxdp: $(USER_OBJ) | $(HELPERS:%=$(O)/%)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS)

clean:
	$(Q)rm -rf $(O)

-include $(USER_OBJ:.o=.d) $(wildcard $(O)/*.bpf.d)

# ---- unit tests: user modules on the host, under ASan and UBSan ----
UNITS       := addr blake2s blind_line blind_link blind_saver blind_sites config cookie daemon_state ddns endpoints flows followed follower gen grammar headroom import json kernel_btf library links lists load_error log mtu netlink nft notify plan_relay relay relay_size resolved_backends resolver sandbox spread table topology topology_bad topology_page transmit udp_socket uniform web_config wg_dump wireguard
# a coverage report needs only lines; -O2 and variables would take half of the time to build the tests
SANITIZED   := -Og -g1
# with sanitizers, gcc 14 wrongly warns of truncated texts
UNIT_CFLAGS ?= $(SANITIZED) -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -Wno-format-truncation
# cmocka 2 names the type, and deprecates the name of cmocka 1
CMOCKA_NAMES := $(if $(shell $(PKG_CONFIG) --atleast-version=2 cmocka || echo 1),-Dassert_uint_in_range=assert_in_range)

define make_archive
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^
endef

# The modules for unit tests. A test links those that it needs. Its own definitions replace the room's
TESTED := $(wildcard $(patsubst %,user/%.c,lib/* net/* config/* plan/* rehearsal/* ddns/* gen/* import/* findings/* dataplane/dataplane_flow* dataplane/dataplane_guard* \
	dataplane/dataplane_read dataplane/dataplane_relay dataplane/kernel_btf dataplane/learned_table dataplane/load_error dataplane/pins dataplane/table instance/follower instance/resolver show/show_flows show/words \
	daemon/blind_ask daemon/blind_hear daemon/blind_line daemon/blind_link daemon/blind_place daemon/blind_save daemon/blind_sites daemon/child daemon/cookie_reply daemon/daemon_state daemon/endpoint_next daemon/endpoints daemon/knock daemon/standby_next exporter/sandbox exporter/web exporter/web_config doctor/mtu* instance/run_counters))
$(O)/unit/user.a: $(TESTED:%.c=$(O)/unit/%.o) $(O)/unit/tests/host/host_path.o
	$(make_archive)

$(O)/tests/unit_blind_sites: LIBS += $(addprefix -Wl$(comma)--wrap=,wg_set_endpoint wg_nudge site_names_read wg_names_time)
$(O)/tests/unit_blind_saver: LIBS += -Wl,--wrap=fork,--wrap=fsync
$(O)/tests/unit_blind_ask: LIBS += $(addprefix -Wl$(comma)--wrap=,wg_read wg_free sites_number sites_has_session sites_ask \
	uv_timer_start uv_timer_stop)
$(O)/tests/unit_findings: LIBS += $(addprefix -Wl$(comma)--wrap=,pins_owner geteuid host_forwards pppoe_device nl_way library_open ddns_check list_read)
$(O)/tests/unit_log: LIBS += -Wl,--wrap=clock_gettime
$(O)/tests/unit_flows: LIBS += -Wl,--wrap=pin_get,--wrap=bpf_prog_test_run_opts
$(O)/tests/unit_resolver: LIBS += $(patsubst %,-Wl$(comma)--wrap=ares_%,library_init init_options strerror timeout getaddrinfo freeaddrinfo process_fd destroy)
$(O)/unit/tests/unit/unit_load_error.o: | $(O)/bpf_compiler.h
$(O)/unit/tests/unit/unit_blake2s.o: $(O)/tests/blake2s.skel.h
$(addprefix $(O)/tests/unit_,attack_rates blake2s cookie express_guard admission replay shares backends blind blind_packets blind_shares): LIBS += -lcrypto

$(O)/tests/blake2s.bpf.o: tests/unit/blake2s.bpf.c include/blake2s.h Makefile
	$(make_directory)
	$(call say,BPF,$@)$(CLANG) $(ALL_BPF_CFLAGS) -c $< -o $@

# it measures the program's own objects
$(O)/user.a: $(filter-out %/main.o,$(USER_OBJ))
	$(make_archive)

$(O)/unit/tests/unit/unit_relay_size.o $(O)/tests/unit_relay_size: UNIT_CFLAGS :=
$(O)/tests/unit_relay_size: $(O)/unit/tests/unit/unit_relay_size.o $(O)/user.a
	$(link_unit)

$(USER_SRC:%.c=$(O)/unit/%.o): | $(O)/wgxdp.skel.h $(O)/tracing.skel.h $(O)/bpf_compiler.h $(O)/libraries.h
$(O)/unit/%.o: %.c Makefile
	$(make_directory)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -iquote bpf -Itests $(CMOCKA_NAMES) $(UNIT_CFLAGS) -MMD -MP -c $< -o $@

define link_unit
	$(make_directory)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(UNIT_CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS) -lcmocka
endef
$(O)/tests/unit_%: $(O)/unit/tests/unit/unit_%.o $(O)/unit/user.a
	$(link_unit)

.PHONY: unit
unit: $(UNITS:%=$(O)/tests/unit_%)
	$(Q)bad=; for t in $^; do $$t >$$t.log 2>&1; rc=$$?; \
		printf '  %-7s %s: ' UNIT $${t##*/}; grep -ahE '(PASSED|FAILED) .*test\(s\)[.,]|^needs' $$t.log | tr '\n' ' '; echo; \
		case $$rc in 0|77) ;; *) bad=1; cat $$t.log ;; esac; done; test -z "$$bad"

-include $(wildcard $(O)/unit/*/*/*.d)

# ---- loads: every configuration of the data path, as each clang builds it, on several kernels ----
.PHONY: loads
loads:			# K='KERNEL...' C='CLANG...': only into these kernels, built by these compilers
	$(Q)O=$(O) scripts/loads $(addprefix -k ,$(or $(K),here 6.1 6.12 newest)) $(addprefix -c ,$(C))

loads_clang = $(or $(shell command -v clang-$*),$(CLANG))

$(O)/loads/clang-%.bpf.o: bpf/wgxdp.bpf.c Makefile
	$(make_directory)
	$(call say,BPF,$@)$(loads_clang) $(ALL_BPF_CFLAGS) -MMD -MP -c $< -o $@

$(O)/loads/broken/clang-%.bpf.o: tests/loads/loads_break.bpf.c Makefile
	$(make_directory)
	$(call say,BPF,$@)$(loads_clang) $(ALL_BPF_CFLAGS) -MMD -MP -c $< -o $@

$(O)/tests/loads: tests/loads/loads.c $(wildcard tests/loads/*.h) Makefile
	$(make_directory)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -o $@ -lbpf

tests: $(O)/tests/loads

-include $(wildcard $(O)/loads/*.d $(O)/loads/broken/*.d)

# ---- running tests, installing ----
# Every tests/unit/unit_X.c and tests/fuzz/fuzz_X.c becomes the program build/tests/NAME, which scripts/test runs; the
# latter also build/tests/corpus_fuzz_X.
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/unit_*.c))
FUZZERS       := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
MAN_PAGES     := $(wildcard docs/*.8 docs/*.5)
run_tests      = $(Q)O=$(O) scripts/test

.PHONY: tests corpora check selftest longtest vmtest fuzz mutants coverage demo
tests: corpora $(UNIT_PROGRAMS) $(FUZZERS:%=$(O)/tests/%)
corpora: $(FUZZERS:%=$(O)/tests/corpus_%)

check:			# the core tier
	$(run_tests)

selftest:		# T=NAME: only this one, of whatever tier
	$(run_tests) --full $(or $(T),selftest)

longtest:		# T='NAME...': only these
	$(run_tests) --long $(T)

vmtest:			# the selftests that say `vm`, and the demo, on Debian's 6.1 and 6.12
	$(run_tests) --long vm vm-6.1-demo

fuzz:			# T=NAME, TIME=SECONDS (or FUZZ_SECONDS=) of each
	$(Q)O=$(O) FUZZ_SECONDS=$(or $(TIME),$(FUZZ_SECONDS),60) scripts/test --full $(or $(T),fuzz)

mutants:		# T='NAME...': only these of tests/mutants
	$(Q)O=$(O) scripts/mutants $(T)

coverage:		# T='JOB...': what only these tests reach
	$(Q)O=$(O) scripts/coverage $(T)

demo:
	$(Q)scripts/demo

# ---- installing: the list of files that every package has (debian/, scripts/packaging/) ----
# UNITDIR is for systemd, INITDIR for OpenRC; an empty one installs nothing
SBINDIR     ?= $(PREFIX)/sbin
DOCDIR      ?= $(PREFIX)/share/doc/wgxdp
UNITDIR     ?= $(PREFIX)/lib/systemd/system
INITDIR     ?=
ZSHDIR      ?= $(PREFIX)/share/zsh/site-functions
SYSCONFDIR  ?= /etc
DOCS        := README.md CHANGELOG.md $(filter-out docs/README.md,$(wildcard docs/*.md))
at_place     = -e 's,/usr/local/sbin,$(SBINDIR),'

# Units for the one instance, and templates for several: wgxdp@NAME reads /etc/wgxdp/NAME.yaml
as_template := -e 's,(sbin/wgxdp) (up|daemon|reload|down),\1 --instance %i \2,' -e 's,(sbin/wgxdp-etcd) ,\1 --instance %i ,;s,/etcd[.]conf,/%i.etcd.conf,' \
	-e 's,%i (up|daemon|reload)$$,& -c /etc/wgxdp/%i.yaml,' -e 's,/wgxdp[.]yaml,/%i.yaml,' \
	-e 's,wgxdp[.]service$$,wgxdp@%i.service,' -e 's/^After=.*wgxdp-daemon[.]service/After=network-online.target wgxdp@%i.service wgxdp-daemon@%i.service/' -e 's/^Description=.*/& (%i)/'

# The schemas are in the sources, so that a build for another architecture can install them
.PHONY: schema
schema: $(O)/wgxdp
	$(Q)$< schema > docs/schema/wgxdp.schema.json && $< schema topology > docs/schema/wgxdp-topology.schema.json

.PHONY: install-program install-docs install-units install-openrc
install: install-program install-docs $(if $(UNITDIR),install-units) $(if $(INITDIR),install-openrc)

# Installs into an empty directory, and removes the same files from the system. Directories that are not wgxdp's stay.
.PHONY: uninstall
uninstall:
	$(Q)all=$$(mktemp -d) && trap 'rm -rf "$$all"' EXIT && $(MAKE) -s install DESTDIR="$$all" && \
		(cd "$$all" && find . ! -type d) | (cd "$(DESTDIR)/" && xargs -d '\n' rm -f) && \
		(cd "$$all" && find . -depth -type d -path '*wgxdp*') | (cd "$(DESTDIR)/" && xargs -d '\n' rmdir 2> /dev/null || :)

install-program: $(O)/wgxdp
	$(Q)install -D -m 755 -t $(DESTDIR)$(SBINDIR) $< scripts/wgxdp-etcd
	$(Q)install -d $(DESTDIR)$(SYSCONFDIR)/wgxdp $(DESTDIR)$(PREFIX)/lib/wgxdp
	$(Q)install -m 755 -t $(DESTDIR)$(PREFIX)/lib/wgxdp $(HELPERS:%=scripts/ddns/%)
	$(Q)sed $(at_place) scripts/packaging/hook | install -m 755 /dev/stdin $(DESTDIR)$(PREFIX)/lib/wgxdp/hook
	$(Q)install -D -m 644 scripts/completion/wgxdp.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/wgxdp
	$(Q)install -D -m 644 -t $(DESTDIR)$(ZSHDIR) scripts/completion/_wgxdp
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d scripts/completion/wgxdp.fish
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/wgxdp docs/schema/*.json

install-docs:
	$(Q)install -D -m 644 -t $(DESTDIR)$(DOCDIR) $(DOCS)
	$(Q)for part in guides reference inside; do install -D -m 644 -t $(DESTDIR)$(DOCDIR)/$$part docs/$$part/*.md || exit 1; done
	$(Q)for part in config topology; do install -D -m 644 -t $(DESTDIR)$(DOCDIR)/examples/$$part docs/examples/$$part/* || exit 1; \
		sed -i 's,=/usr/share/wgxdp/,=$(PREFIX)/share/wgxdp/,' $(DESTDIR)$(DOCDIR)/examples/$$part/*.yaml || exit 1; done
	$(Q)for part in container grafana prometheus; do install -D -m 644 -t $(DESTDIR)$(DOCDIR)/examples/$$part docs/$$part/* || exit 1; done
	$(Q)for page in $(MAN_PAGES); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; done

install-units:
	$(Q)for unit in wgxdp wgxdp-daemon wgxdp-etcd; do for at in '' @; do \
		install -D -m 644 -t $(DESTDIR)$(UNITDIR)/$$unit$$at.service.d scripts/systemd/hardening.conf && \
		sed -E $${at:+$(as_template)} $(at_place) scripts/systemd/$$unit.service | \
			install -m 644 /dev/stdin $(DESTDIR)$(UNITDIR)/$$unit$$at.service || exit 1; done; done
	$(Q)for unit in wgxdp-ddns wgxdp-endpoint@ wgxdp-knock; do \
		install -D -m 644 -t $(DESTDIR)$(UNITDIR)/$$unit.service.d scripts/systemd/once.conf || exit 1; done
	$(Q)for unit in wgxdp-ddns.service wgxdp-ddns.timer wgxdp-endpoint@.service wgxdp-endpoint@.timer wgxdp-knock.service wgxdp-knock.path wgxdp-exporter.socket; do \
		sed $(at_place) scripts/systemd/$$unit | install -m 644 /dev/stdin $(DESTDIR)$(UNITDIR)/$$unit || exit 1; done
	$(Q)install -D -m 644 -t $(DESTDIR)$(DOCDIR) scripts/systemd/shared.conf scripts/systemd/endpoint.conf

install-openrc:
	$(Q)install -d $(DESTDIR)$(INITDIR)
	$(Q)for script in wgxdp wgxdp-daemon; do \
		sed $(at_place) scripts/openrc/$$script | install -m 755 /dev/stdin $(DESTDIR)$(INITDIR)/$$script || exit 1; done

# Packages of the committed state; nothing of the working tree is touched (docs/guides/install.md)
.PHONY: deb rpm release
deb:			# S=SUITE A=ARCH: in a bare Debian SUITE, for another architecture
	$(Q)scripts/deb $(if $(S),-s $(S)) $(if $(A),-a $(A)) $(O)/deb

rpm:			# S=SUITE: in a bare Debian SUITE
	$(Q)scripts/rpm $(if $(S),-s $(S)) $(O)/rpm

release:		# MAINTAINER='NAME <ADDRESS>' HOMEPAGE=URL KEY=KEY: else of scripts/packaging/settings
	$(Q)scripts/release $(O)/release

# The book as a site, build/book/site (scripts/deps docs)
.PHONY: docs
docs:
	$(Q)scripts/book $(O)/book

# The container image, as an OCI archive
.PHONY: container
container:
	$(Q)scripts/container $(O)/wgxdp-$(VERSION).oci.tar

# bench
BENCH_DIR  = $(O)/tests/bench
BENCH_OBJ := $(patsubst tests/bench/%.c,$(O)/tests/bench/%.o,$(filter-out %.bpf.c %/relay.c,$(wildcard tests/bench/*.c)))

.PHONY: bench bench-programs
bench-programs: $(BENCH_DIR)/bench $(BENCH_DIR)/relay

bench: all bench-programs
	$(Q)O=$(O) scripts/bench $(BENCH_ARGS)

$(BENCH_DIR)/bench.bpf.o: tests/bench/bench.bpf.c tests/bench/job.h $(wildcard include/*.h) Makefile
	$(make_directory)
	$(call say,BPF,$@)$(CLANG) $(ALL_BPF_CFLAGS) -c $< -o $@

$(BENCH_DIR)/%.o: tests/bench/%.c Makefile | $(BENCH_DIR)/bench.skel.h
	$(make_directory)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -I$(BENCH_DIR) -Itests -MMD -MP -c $< -o $@

$(BENCH_DIR)/bench: $(BENCH_OBJ) $(patsubst %,$(O)/user/%.o,dataplane/learned_table dataplane/control \
		dataplane/pins lib/log lib/memory lib/text)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS)

$(BENCH_DIR)/relay: $(BENCH_DIR)/relay.o
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@

-include $(wildcard $(BENCH_DIR)/*.d)

# ---- what the selftests (and the demo) need besides wgxdp ----
SELFTEST_PROGRAMS := $(O)/selftests/udptool $(O)/selftests/flowrace $(O)/selftests/flowhammer $(O)/selftests/entryhammer $(O)/selftests/flowcrowd $(O)/selftests/flowtable $(O)/selftests/flood $(O)/selftests/mapsum $(O)/selftests/objects $(O)/selftests/inside $(O)/selftests/plug $(O)/selftests/seen $(O)/selftests/shown $(O)/selftests/faultrun $(O)/selftests/refuse.so \
	$(O)/selftests/peer.bpf.o $(O)/selftests/beside.bpf.o

.PHONY: selftest-programs
selftest-programs: $(SELFTEST_PROGRAMS)
tests: selftest-programs

$(O)/selftests/%: selftests/lib/%.c Makefile
	$(make_directory)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -o $@ $(SELFTEST_LIBS)

# for LD_PRELOAD
$(O)/selftests/%.so: selftests/lib/%.c Makefile
	$(make_directory)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -shared -fPIC $< -o $@

$(O)/selftests/flowrace $(O)/selftests/flowhammer $(O)/selftests/entryhammer $(O)/selftests/flowcrowd: SELFTEST_LIBS = -pthread -lbpf
$(O)/selftests/flowrace $(O)/selftests/flowhammer $(O)/selftests/entryhammer $(O)/selftests/flowcrowd: selftests/lib/flow_packets.h selftests/lib/head_sum.h
$(O)/selftests/flowhammer $(O)/selftests/entryhammer $(O)/selftests/flowtable: selftests/lib/pinned_array.h
$(O)/selftests/flood $(O)/selftests/flowtable $(O)/selftests/mapsum $(O)/selftests/objects: SELFTEST_LIBS = -lbpf
$(O)/selftests/inside $(O)/selftests/plug: SELFTEST_LIBS = -static
$(O)/selftests/seen: SELFTEST_LIBS = -lmnl
$(O)/selftests/shown: SELFTEST_LIBS = -lfyaml
$(O)/selftests/flood: $(O)/selftests/flood.skel.h selftests/lib/flood.h selftests/lib/head_sum.h
$(O)/selftests/flood.bpf.o: selftests/lib/flood.h

$(O)/selftests/%.bpf.o: selftests/lib/%.bpf.c Makefile
	$(make_directory)
	$(call say,BPF,$@)$(CLANG) $(ALL_BPF_CFLAGS) -c $< -o $@

# ---- the host plane: unit tests, fuzzers; the data path by test-run ----
HOST_UNITS := attack_rates express express_flows express_guard express_sites bpf pipeline resolve memory icmp fragmentation sites policy masquerade flow_races learned admission replay shares backends blind blind_packets blind_shares
FUZZ_CFLAGS ?= $(SANITIZED) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

# gcc does not know clang's pragmas for unrolling. The data path is large, so -O2 and variable tracking take twice the time
$(HOST_UNITS:%=$(O)/unit/tests/unit/unit_%.o) $(O)/unit/tests/host/%.o: ALL_CFLAGS += -Wno-unknown-pragmas -O1 -fno-var-tracking
unit: $(HOST_UNITS:%=$(O)/tests/unit_%)

# Loops are unrolled only for the verifier; with sanitizers clang 19 cannot, and warns
$(O)/fuzz/%.o: %.c Makefile
	$(make_directory)
	$(call say,FUZZ,$@)$(CLANG) $(ALL_CFLAGS) -iquote bpf -Itests -Wno-gnu-variable-sized-type-not-at-end -Wno-pass-failed $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

# The modules for fuzzers
FUZZED := $(wildcard $(patsubst %,user/%.c,lib/* net/* config/* rehearsal/* import/* plan/resolved_backends dataplane/table instance/run_counters doctor/mtu* gen/topology* daemon/blind_line exporter/web exporter/web_config))
$(O)/fuzz/user.a: $(FUZZED:%.c=$(O)/fuzz/%.o) $(O)/fuzz/tests/host/host_path.o
	$(make_archive)

$(FUZZED:%.c=$(O)/fuzz/%.o): | $(O)/libraries.h
$(O)/fuzz/user/exporter/web.o $(O)/fuzz/tests/fuzz/fuzz_web.o: | $(O)/page.h

$(O)/tests/fuzz_%: $(O)/fuzz/tests/fuzz/fuzz_%.o $(O)/fuzz/user.a
	$(make_directory)
	$(call say,LINK,$@)$(CLANG) $(CFLAGS) $(FUZZ_CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS) $(WRAPPED:%=-Wl$(comma)--wrap=%)

-include $(wildcard $(O)/fuzz/*/*/*.d)

# The same targets without libFuzzer, linked with the unit tests' objects: tests/fuzz/fuzz_corpus.sh
$(O)/tests/corpus_%: $(O)/unit/tests/fuzz/%.o $(O)/unit/tests/fuzz/corpus.o $(O)/unit/user.a
	$(link_unit)

$(O)/unit/tests/fuzz/%.o: ALL_CFLAGS += -Wno-attributes -Wno-unknown-pragmas
$(O)/unit/tests/fuzz/fuzz_web.o: | $(O)/page.h

# Calls that a fuzzer answers itself
$(O)/tests/corpus_%: LIBS += $(WRAPPED:%=-Wl$(comma)--wrap=%)
$(O)/tests/fuzz_netlink $(O)/tests/corpus_fuzz_netlink: WRAPPED := recv
$(O)/tests/fuzz_texts $(O)/tests/corpus_fuzz_texts: WRAPPED := fopen
$(O)/tests/fuzz_probes $(O)/tests/corpus_fuzz_probes: WRAPPED := uv_hrtime socket setsockopt connect close poll sendto recvfrom recvmsg

$(O)/unit/tests/packet/run_packets.o: | $(O)/wgxdp.skel.h
$(O)/tests/run_packets: $(O)/unit/tests/packet/run_packets.o $(O)/unit/tests/host/host_plane.o $(O)/unit/user.a
	$(link_unit)

tests: $(O)/tests/run_packets

$(O)/unit/tests/packet/run_planes.o: $(O)/wgxdp.skel.h $(O)/tests/fib.skel.h
$(O)/tests/run_planes: $(O)/unit/tests/packet/run_planes.o $(O)/unit/tests/host/host_plane.o $(O)/unit/user.a
	$(link_unit)

$(O)/tests/fib.bpf.o: tests/packet/fib.bpf.c Makefile
	$(make_directory)
	$(call say,BPF,$@)$(CLANG) $(ALL_BPF_CFLAGS) -c $< -o $@

# For BREAK=1 of tests/fuzz/fuzz_planes.py: a copy of the data path with a checksum that is off by one
$(O)/broken/tests/host/host_path.o: $(wildcard tests/host/host_path.[ch] bpf/*.h bpf/*/*.h include/*) Makefile
	$(make_directory)
	$(Q)rm -rf $(@D)/../../bpf && cp -r bpf $(@D)/../.. && cp tests/host/host_path.[ch] $(@D)
	$(Q)sed -i 's/return ~csum_fold((__u16)~check + delta);/return ~csum_fold((__u16)~check + delta + 1);/' $(@D)/../../bpf/csum.h
	$(Q)! cmp -s bpf/csum.h $(@D)/../../bpf/csum.h
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -I$(@D)/../../bpf -Itests -Wno-unknown-pragmas $(UNIT_CFLAGS) -c $(@D)/host_path.c -o $@

$(O)/tests/run_planes_broken: $(O)/unit/tests/packet/run_planes.o $(O)/unit/tests/host/host_plane.o $(O)/broken/tests/host/host_path.o $(O)/unit/user.a
	$(link_unit)

tests: $(O)/tests/run_planes
