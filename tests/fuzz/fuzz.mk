# The fuzz targets: with libFuzzer by `make fuzz`, with the replayer of their corpora in `make test`.

# Without the tracing of comparisons: it takes two fifths of the time, and the dictionaries have
# the words.
FLAGS_fuzz := -O2 -g -fPIE -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
              -fno-sanitize-recover=all -fno-sanitize-coverage=trace-cmp
LINK_fuzz  := -pie -fsanitize=fuzzer,address,undefined
# Without the sanitizers: what the targets assert is tried several times as often.  libFuzzer is
# named by its file, as -fsanitize=fuzzer would put its own strcmp and memcmp beside it.
FLAGS_fast := -O2 -g -fPIE -fno-omit-frame-pointer -fsanitize=fuzzer-no-link \
              -fno-sanitize-coverage=trace-cmp
CLANG_LIBS  = $(shell clang -print-resource-dir)/lib/linux
LINK_fast   = -pie $(CLANG_LIBS)/libclang_rt.fuzzer-$(shell uname -m).a -lstdc++
FUZZERS    := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PARTS := $(filter-out tests/fuzz/fuzz_%.c tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c))
FUZZ_DRIVER = $(if $(filter fuzz fast,$(MODE)),,$(OUT)/obj/tests/fuzz/replay.o)

$(OUT)/libfuzz.a: $(call object,$(FUZZ_PARTS))

.SECONDARY: $(call object,$(wildcard tests/fuzz/*.c))
$(OUT)/fuzz/%: $(OUT)/obj/tests/fuzz/fuzz_%.o $(OUT)/obj/tests/fuzz/replay.o $(OUT)/libfuzz.a \
               $(OUT)/librecorder.a $(OUT)/libhistory.a $(OUT)/libnet.a $(OUT)/libclient.a \
               $(OUT)/libcerts.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $< $(FUZZ_DRIVER) $(filter %.a,$^) $(PKG_LIBS) $(TOOL_LIBS) \
	    $(STORE_LIBS) -lpthread -lm $(LDFLAGS)

whole covered: $(addprefix $(OUT)/fuzz/,$(FUZZERS))

.PHONY: fuzzers fuzz
fuzzers: $(addprefix $(OUT)/fuzz/,$(FUZZERS))

T        ?=
SECS     ?= 30
RUNS     ?= 0
SANITIZE ?= yes
FUZZ_MODE = $(if $(filter no,$(SANITIZE)),fast,fuzz)
fuzz: ## hostile input for each parser: T=name, SECS=30 each or RUNS=n in all; SANITIZE=no (clang)
	@tests/tools/need build fuzz
	$(SUBMAKE) CC=clang MODE=$(FUZZ_MODE) fuzzers
	@tests/fuzz/all $(BUILD) $(FUZZ_MODE) $(SECS) $(RUNS) $(T)
