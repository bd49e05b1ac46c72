# Proctor's one Makefile.  `make help` lists what it can do.
#
# Sources are found by wildcard: a new file in webhook/ or tests/unit/ needs no line here.
# BUILD names the output folder; MODE=debug|asan|release chooses the flags.

MODE   ?= release
BUILD  ?= build
OUT    := $(BUILD)/$(MODE)
CC     ?= cc
Q      := $(if $(V),,@)

PACKAGES := libmicrohttpd gnutls libcjson yaml-0.1 libpcre2-8 openssl libcurl sqlite3 libpq zlib
# Asked for only when something is compiled, so that `make help` works on a bare machine.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $$(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs libmicrohttpd gnutls libcjson yaml-0.1 libpcre2-8))$(PKG_LIBS)
TOOL_LIBS  = $(eval TOOL_LIBS := $$(shell pkg-config --libs openssl libcurl))$(TOOL_LIBS)
# The databases: a program that takes nothing of libhistory.a is not to need them.
STORE_LIBS = $(eval STORE_LIBS := -Wl,--as-needed $$(shell pkg-config --libs sqlite3 libpq zlib))$(STORE_LIBS)

WARNINGS := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wformat=2 -Wundef \
            -Wvla -Wmissing-prototypes -Wstrict-prototypes $(if $(CI),-Werror)
FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
                 -fcf-protection -fPIE -ffile-prefix-map=$(CURDIR)=.
FLAGS_debug   := -O0 -g3 -fPIE
FLAGS_asan    := -O1 -g -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined \
                 -fno-sanitize-recover=all
LINK_release  := -pie -Wl,-z,relro,-z,now
LINK_debug    := -pie
LINK_asan     := -pie -fsanitize=address,undefined

CFLAGS_ALL = -std=c11 -D_GNU_SOURCE -Iwebhook -I. $(WARNINGS) $(FLAGS_$(MODE)) $(PKG_CFLAGS) \
             -MMD -MP $(CFLAGS)

ENGINE := $(wildcard webhook/base/*.c webhook/kube/*.c webhook/policy/*.c webhook/admit/*.c)
NET    := $(wildcard webhook/net/*.c)
CLI    := $(wildcard webhook/cli/*.c webhook/cli/*/*.c)
CERTS  := $(wildcard certs/*.c)
CLIENT := $(wildcard webhook/client/*.c)
HISTORY := $(wildcard webhook/history/*.c)
RECORDER := $(wildcard webhook/recorder/*.c)
MAINS  := $(wildcard webhook/proctor*.c)
UNITS  := $(wildcard tests/unit/*/test_*.c)

object  = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
BINS   := $(patsubst webhook/%.c,$(OUT)/bin/%,$(subst _,-,$(MAINS)))
TESTS  := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(UNITS))

.PHONY: all programs
all: programs ## build the programs into build/bin
	$(Q)ln -sfn $(MODE)/bin $(BUILD)/bin
programs: $(BINS)

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC   $<")
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

$(OUT)/libproctor.a: $(call object,$(ENGINE))
$(OUT)/libnet.a: $(call object,$(NET))
$(OUT)/libcli.a: $(call object,$(CLI))
$(OUT)/libcerts.a: $(call object,$(CERTS))
$(OUT)/libclient.a: $(call object,$(CLIENT))
$(OUT)/libhistory.a: $(call object,$(HISTORY))
$(OUT)/librecorder.a: $(call object,$(RECORDER))
$(OUT)/%.a:
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

$(OUT)/bin/proctor-webhook: $(OUT)/obj/webhook/proctor_webhook.o $(OUT)/libnet.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD   $@")
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) -lpthread -lm $(LDFLAGS)

$(OUT)/bin/proctor-recorder: $(OUT)/obj/webhook/proctor_recorder.o $(OUT)/librecorder.a $(OUT)/libhistory.a $(OUT)/libnet.a $(OUT)/libclient.a $(OUT)/libcerts.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD   $@")
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) $(TOOL_LIBS) $(STORE_LIBS) -lpthread -lm $(LDFLAGS)

$(OUT)/bin/proctor: $(OUT)/obj/webhook/proctor.o $(OUT)/libcli.a $(OUT)/libhistory.a $(OUT)/libclient.a $(OUT)/libcerts.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD   $@")
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) $(TOOL_LIBS) $(STORE_LIBS) -lpthread -lm $(LDFLAGS)

$(OUT)/unit/%: $(OUT)/obj/tests/unit/%.o $(OUT)/libcli.a $(OUT)/librecorder.a $(OUT)/libhistory.a $(OUT)/libnet.a $(OUT)/libclient.a $(OUT)/libcerts.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) $(TOOL_LIBS) $(STORE_LIBS) -lpthread -lm $(LDFLAGS)

# Its shapes are part of the program.
$(OUT)/obj/webhook/recorder/openapi.o: webhook/recorder/openapi.json

.PHONY: unit
unit: $(TESTS) ## run the unit tests
	$(Q)tests/run-units $(TESTS)

include tests/fuzz/fuzz.mk tests/torture/torture.mk tests/client/client.mk tests/api/api.mk
include tests/checks.mk tests/differential/differential.mk bench/bench.mk bench/rollout/rollout.mk

SUBMAKE := +@$(MAKE) --no-print-directory -j$(shell nproc)

.PHONY: run demo test whole e2e image node fresh lint strict flags fix
run: ## install what is missing, build, serve, and send a Deployment through; ONCE=1 ends there
	@tests/tools/need build run
	$(SUBMAKE) all
	@tests/tools/demo $(BUILD)

demo: ## a Kubernetes (built once, with go), a broken version of a project, and the way back
	@tests/tools/need build run image
	$(SUBMAKE) all
	@ALOUD=1 OUT=$(BUILD) tests/e2e/apart tests/e2e/run history-story

test: ## install what is missing, run every test under the sanitizers
	@tests/tools/need build test
	$(SUBMAKE) MODE=asan whole
whole covered: $(BINS) $(TESTS)
whole:
	@tests/run-all $(OUT) $(TESTS)

e2e: ## from end to end: on real Kubernetes (built once, with go), the newest and the oldest
	@tests/tools/need build test run image
	@[ "$$(id -u)" -ne 0 ] || tests/tools/need node
	$(SUBMAKE) all $(OUT)/client/call $(OUT)/client/rollback
	@manifests/images all $(BUILD)
	@OUT=$(BUILD) tests/e2e/all

image: ## the container images, in build/image, without a container engine; and run from them
	@tests/tools/need build run image
	$(SUBMAKE) MODE=release all
	@manifests/images all $(BUILD)
	@tests/e2e/image $(BUILD)/image || [ $$? -eq 77 ]

node: image ## the images on a real node: installed, used, restarted, removed (as root)
	@[ "$$(id -u)" -ne 0 ] || tests/tools/need node run
	@OUT=$(BUILD) tests/e2e/installed || [ $$? -eq 77 ]

fresh: ## run the README's commands in a clean Debian root (as root)
	@tests/tools/need fresh
	@tests/tools/fresh

lint: ## formatting, clang-tidy, both compilers with -Werror, layers, rule ids, stale docs
	@tests/tools/need build run lint
	$(SUBMAKE) all
	@tests/lint/all $(BUILD)
strict: $(call object,$(ENGINE) $(NET) $(CLI) $(CERTS) $(CLIENT) $(HISTORY) $(RECORDER) $(MAINS) $(UNITS))
flags:
	@echo $(CFLAGS_ALL)

fix: ## format the sources, renew matchConditions, the GitOps patches, the native policies, the README's output
	clang-format -i $$(git ls-files '*.[ch]')
	$(SUBMAKE) all
	OUT=$(BUILD) manifests/match-conditions
	OUT=$(BUILD) manifests/gitops/renew
	OUT=$(BUILD) manifests/native/renew
	tests/tools/readme --update

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | \
	    while IFS='|' read -r name text; do printf '  %-14s %s\n' "$$name" "$$text"; done

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
