# The long checks, run now and then and not with every change: each prints "N passed, N failed".

.PHONY: soak
soak: ## 30 minutes (SECS=1800) of real and hostile reviews, reloads, rotations; memory is flat
	@tests/tools/need build test
	$(SUBMAKE) MODE=release $(BUILD)/release/bin/proctor $(BUILD)/release/bin/proctor-webhook
	@OUT=$(BUILD)/release SECS=$(if $(filter command% environment%,$(origin SECS)),$(SECS)) tests/http/soak
