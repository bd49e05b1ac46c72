# The fuzz targets: with libFuzzer by `make fuzz`, with the replayer of their corpus in `make test`.

FLAGS_fuzz := -O1 -g -fPIE -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
              -fno-sanitize-recover=all
LINK_fuzz  := -pie -fsanitize=fuzzer,address,undefined
FUZZERS    := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_DRIVER = $(if $(filter fuzz,$(MODE)),,$(OUT)/obj/tests/fuzz/replay.o)

.SECONDARY: $(call object,$(wildcard tests/fuzz/*.c))
$(OUT)/fuzz/%: $(OUT)/obj/tests/fuzz/fuzz_%.o $(OUT)/obj/tests/fuzz/property.o \
               $(OUT)/obj/tests/fuzz/replay.o $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $(filter-out %/replay.o,$^) $(FUZZ_DRIVER) $(PKG_LIBS) -lm \
	    $(LDFLAGS)

whole: $(addprefix $(OUT)/fuzz/,$(FUZZERS))

T    ?= review
SECS ?= 60
.PHONY: fuzz
fuzz: ## feed T=review|policy with hostile input for SECS=60 seconds (clang)
	$(SUBMAKE) CC=clang MODE=fuzz $(BUILD)/fuzz/fuzz/$(T)
	@tests/fuzz/feed $(T) $(BUILD)/fuzz/fuzz/$(T) $(SECS)
