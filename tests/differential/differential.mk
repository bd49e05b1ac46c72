# Proctor's readings of Kubernetes' texts and objects beside Kubernetes' own: go fetches the latter.

$(OUT)/differential/ours: $(OUT)/obj/tests/differential/ours.o $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) -lm $(LDFLAGS)

N ?= 1000000
.PHONY: differential
differential: ## N=1000000 generated values of each kind, read by us and by Kubernetes' own code
	@tests/tools/need build
	$(SUBMAKE) MODE=release $(BUILD)/release/differential/ours
	@tests/differential/differ $(BUILD)/release/differential $(N)
