# The fuzz targets: with libFuzzer by `make fuzz`, with the replayer of their corpora in `make test`.

# Without the tracing of comparisons: it takes two fifths of the time, and the dictionaries have
# the words.
FLAGS_fuzz := -O2 -g -fPIE -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
              -fno-sanitize-recover=all -fno-sanitize-coverage=trace-cmp
LINK_fuzz  := -pie -fsanitize=fuzzer,address,undefined
FUZZERS    := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PARTS := $(filter-out tests/fuzz/fuzz_%.c tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c))
FUZZ_DRIVER = $(if $(filter fuzz,$(MODE)),,$(OUT)/obj/tests/fuzz/replay.o)

$(OUT)/libfuzz.a: $(call object,$(FUZZ_PARTS))

.SECONDARY: $(call object,$(wildcard tests/fuzz/*.c))
$(OUT)/fuzz/%: $(OUT)/obj/tests/fuzz/fuzz_%.o $(OUT)/obj/tests/fuzz/replay.o $(OUT)/libfuzz.a \
               $(OUT)/librecorder.a $(OUT)/libhistory.a $(OUT)/libnet.a $(OUT)/libclient.a \
               $(OUT)/libcerts.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $< $(FUZZ_DRIVER) $(filter %.a,$^) $(PKG_LIBS) $(TOOL_LIBS) \
	    $(STORE_LIBS) -lpthread -lm $(LDFLAGS)

whole: $(addprefix $(OUT)/fuzz/,$(FUZZERS))

.PHONY: fuzzers fuzz
fuzzers: $(addprefix $(OUT)/fuzz/,$(FUZZERS))

T    ?=
SECS ?= 30
RUNS ?= 0
fuzz: ## hostile input for each parser: T=name one of them, SECS=30 each, or RUNS=n in all (clang)
	@tests/tools/need build fuzz
	$(SUBMAKE) CC=clang MODE=fuzz fuzzers
	@tests/fuzz/all $(BUILD)/fuzz/fuzz $(SECS) $(RUNS) $(T)
