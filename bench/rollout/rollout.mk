# UPDATE=1 make rollout-bench keeps the figures and the picture for the README, bench/rollouts.*.
# Programs of their own: the app's image holds it alone, so it takes none of Proctor's libraries.
ROLLOUT_PROGRAMS := $(OUT)/bench/rollout/app $(OUT)/bench/rollout/load
$(ROLLOUT_PROGRAMS): $(OUT)/bench/rollout/%: $(OUT)/obj/bench/rollout/%.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ -lpthread $(LDFLAGS)

# What tests/rollouts tries.
whole covered: $(ROLLOUT_PROGRAMS)

ROLLOUT_FIGURES := $(BUILD)/rollout-bench
.PHONY: rollout-bench
rollout-bench: ## what visitors notice of N=10 rollouts, without Proctor and with it (as root)
	@tests/tools/need build run image
	@[ "$$(id -u)" -ne 0 ] || tests/tools/need node
	$(SUBMAKE) MODE=release all $(patsubst $(OUT)/%,$(BUILD)/release/%,$(ROLLOUT_PROGRAMS))
	@ln -sfn release/bench $(BUILD)/bench
	@manifests/images all $(BUILD) >/dev/null
	@rm -f $(ROLLOUT_FIGURES).json
	@OUT=$(BUILD) bench/rollout/run $(ROLLOUT_FIGURES).json || [ $$? -eq 77 ]
	@[ ! -e $(ROLLOUT_FIGURES).json ] || \
	    bench/rollout/report plot $(ROLLOUT_FIGURES).json $(ROLLOUT_FIGURES).svg
	@[ ! -e $(ROLLOUT_FIGURES).json ] || [ -z "$(UPDATE)" ] || \
	    { cp $(ROLLOUT_FIGURES).json bench/rollouts.json && \
	      cp $(ROLLOUT_FIGURES).svg bench/rollouts.svg && tests/tools/readme --update; }
