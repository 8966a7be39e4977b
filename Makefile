# SPDX-License-Identifier: GPL-2.0-or-later
# The only makefile: everything is built below $(O).
O        ?= build
V        ?= 0
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= gcc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
PYTHON   ?= /usr/bin/python3
VERSION  := $(shell cat VERSION)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2);)

.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

PKGS     := libbpf libmnl libfyaml
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Werror -D_GNU_SOURCE \
	-Iinclude -I$(O) -DVERSION='"$(VERSION)"' $(shell $(PKG_CONFIG) --cflags $(PKGS)) $(CFLAGS)
LIBS      = $(shell $(PKG_CONFIG) --libs $(PKGS)) -lelf -lz
MULTIARCH := $(shell $(CC) -print-multiarch)
BPF_CFLAGS ?= -O2 -g
ALL_BPF_CFLAGS = -target bpf -mcpu=v2 -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Werror \
	-Iinclude -I/usr/include/$(MULTIARCH) $(BPF_CFLAGS)

USER_SRC := $(wildcard user/*.c)
USER_OBJ := $(USER_SRC:user/%.c=$(O)/user/%.o)

.PHONY: all clean install
all: $(O)/wgxdp

$(O)/%.bpf.o: bpf/%.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(ALL_BPF_CFLAGS) -MMD -MP -c $< -o $@

$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $(*F) > $@

$(O)/user/%.o: user/%.c Makefile VERSION | $(O)/wgxdp.skel.h
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(O)/wgxdp: $(USER_OBJ)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS)

clean:
	$(Q)rm -rf $(O)

-include $(USER_OBJ:.o=.d) $(wildcard $(O)/*.bpf.d)

# ---- unit tests: user modules on the host, under ASan and UBSan ----
UNITS       := addr netlink
UNIT_CFLAGS ?= -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
unit_obj     = $(patsubst %.c,$(O)/unit/%.o,$(wildcard $(1)))

$(O)/tests/unit_addr: $(call unit_obj,user/addr.c)
$(O)/tests/unit_netlink: $(call unit_obj,user/netlink*.c user/addr.c)

$(O)/unit/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) $(UNIT_CFLAGS) -MMD -MP -c $< -o $@

$(O)/tests/unit_%: $(O)/unit/tests/unit_%.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(UNIT_CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS) -lcmocka

.PHONY: unit
unit: $(UNITS:%=$(O)/tests/unit_%)
	$(Q)bad=; for t in $^; do $$t >$$t.log 2>&1; rc=$$?; \
		printf '  %-7s %s: ' UNIT $${t##*/}; grep -ahE '(PASSED|FAILED) .*test\(s\)[.,]|^needs' $$t.log | tr '\n' ' '; echo; \
		case $$rc in 0|77) ;; *) bad=1; cat $$t.log ;; esac; done; test -z "$$bad"

-include $(wildcard $(O)/unit/*/*.d)

# --- tests and installation -------------------------------------------------
# A test program is one file: tests/unit_X.c and tests/packet_X.c (cmocka), tests/fuzz_X.c (libFuzzer);
# user/*.c but main.c are built for them with sanitizers, as a library, of which each takes what it needs.
# bpf/ is in the include path (after user/'s own) for the host plane.
TEST_CC      ?= clang
TEST_CFLAGS  ?= -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
ALL_TEST_CFLAGS = $(filter-out -O2 -Werror,$(ALL_CFLAGS)) -Wno-unknown-warning-option -Iuser -Ibpf $(TEST_CFLAGS)
TEST_SRC     := $(wildcard tests/unit_*.c tests/packet_*.c tests/fuzz_*.c)
TEST_BIN     := $(TEST_SRC:tests/%.c=$(O)/tests/%)
TEST_OBJ     := $(patsubst user/%.c,$(O)/tests/user/%.o,$(filter-out user/main.c,$(USER_SRC)))
LONG          = scripts/test --long
MAN_PAGES    := $(wildcard docs/*.8 docs/*.5)

.PHONY: tests check selftest longtest vmtest fuzz accept demo
tests: $(TEST_BIN)

$(O)/tests/user/%.o: user/%.c Makefile VERSION | $(O)/wgxdp.skel.h
	@mkdir -p $(@D)
	$(call say,CC,$@)$(TEST_CC) $(ALL_TEST_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(O)/tests/libuser.a: $(TEST_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(O)/tests/fuzz_%: tests/fuzz_%.c $(O)/tests/libuser.a
	$(call say,TEST,$@)$(TEST_CC) $(ALL_TEST_CFLAGS) -fsanitize=fuzzer -MMD -MP -MF $@.d $^ -o $@ $(LIBS)

$(O)/tests/%: tests/%.c $(O)/tests/libuser.a
	$(call say,TEST,$@)$(TEST_CC) $(ALL_TEST_CFLAGS) -MMD -MP -MF $@.d $^ -o $@ -lcmocka $(LIBS)

check:			# unit and packet tests, fuzzers for 10 s each
	$(Q)scripts/test lint unit packet fuzz
selftest:		# T=NAME: only this one, of whatever tier
	$(Q)scripts/test $(or $(T),selftest)
longtest:		# T='NAME...': only these
	$(Q)$(LONG) $(T)
vmtest:			# the selftests that say `vm`, on Debian's 6.1 and 6.12
	$(Q)$(LONG) vm vm-6.1-demo
fuzz:			# T=NAME, TIME=SECONDS for each
	$(Q)FUZZ_SECONDS=$(or $(TIME),60) scripts/test $(or $(T),fuzz)
accept:			# N=ISSUE
	$(Q)scripts/accept $(N)
demo:
	$(Q)scripts/demo

install: $(O)/wgxdp
	$(Q)install -D -m 755 $(O)/wgxdp $(DESTDIR)$(PREFIX)/sbin/wgxdp
	$(Q)$(foreach page,$(MAN_PAGES),install -D -m 644 $(page) \
		$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)) &&) :

-include $(TEST_OBJ:.o=.d) $(TEST_BIN:=.d)
