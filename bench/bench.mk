# What Proctor costs: the programs that bench/part_* run.  A new one needs its link rule here.
# UPDATE=1 make bench keeps the figures for the README, bench/figures.json.

.SECONDARY: $(call object,$(wildcard bench/*.c))
$(OUT)/bench/engine: $(OUT)/obj/bench/engine.o $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ $(PKG_LIBS) \
	    -lm $(LDFLAGS)
$(OUT)/bench/floor: $(OUT)/obj/bench/floor.o $(OUT)/libnet.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) -lpthread -lm $(LDFLAGS)
$(OUT)/bench/load: $(OUT)/obj/bench/load.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(TOOL_LIBS) $(LDFLAGS)
$(OUT)/bench/start: $(OUT)/obj/bench/start.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(LDFLAGS)
# The recorder's: clients of its ports, and its store alone.
$(OUT)/bench/clients: $(OUT)/obj/bench/clients.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(TOOL_LIBS) -lpthread $(LDFLAGS)
$(OUT)/bench/history: $(OUT)/obj/bench/history.o $(OUT)/libhistory.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) $(TOOL_LIBS) $(STORE_LIBS) -lpthread -lm $(LDFLAGS)

BENCH := $(patsubst bench/%.c,$(OUT)/bench/%,$(wildcard bench/*.c))
whole covered: $(BENCH)

.PHONY: bench bench-programs
bench: ## what it costs, against DESIGN's targets; PART=b SECS=0.5 AGAINST=old.json
	@tests/tools/need build run bench image
	$(SUBMAKE) all bench-programs
	@manifests/images all $(BUILD) >/dev/null
	@OUT=$(OUT) bench/run $(BUILD)/bench.json "$(PART)" "$(AGAINST)" \
	    $(if $(filter file,$(origin SECS)),2,$(SECS))
	@[ -z "$(UPDATE)" ] || cp $(BUILD)/bench.json bench/figures.json
bench-programs: $(BENCH) $(OUT)/api/serve
