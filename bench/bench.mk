# The engine in process; the server under load is another program's matter.

$(OUT)/bench/%: $(OUT)/obj/bench/%.o $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) -lm $(LDFLAGS)

BENCH_REVIEWS := tests/reviews/v1.36.3/04-apply-probes-prestop tests/reviews/v1.36.3/02-set-image \
                 tests/reviews/v1.36.3/01-create-plain tests/reviews/v1.36.3/03-scale
.PHONY: bench-engine
bench-engine: ## what one review costs in process, as multiples of one parse
	$(SUBMAKE) $(OUT)/bench/engine
	@$(OUT)/bench/engine policies $(wildcard $(BENCH_REVIEWS:=.mutating.json) \
	    $(BENCH_REVIEWS:=.validating.json))
