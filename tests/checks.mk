# The long checks, run now and then and not with every change: each prints "N passed, N failed".

FLAGS_tsan  := -O1 -g -fPIE -fno-omit-frame-pointer -fsanitize=thread
LINK_tsan   := -pie -fsanitize=thread
# Whole functions, as they are written: what the optimizer leaves out was never not covered.
FLAGS_cover := -O0 -g -fPIE --coverage -fprofile-abs-path -fprofile-update=atomic
LINK_cover  := -pie --coverage

.PHONY: tsan threads cover covered valgrind analyze soak
# The engine and the history's machine have no threads, and their tests take hours there.
THREADED := $(filter $(addprefix $(OUT)/unit/,base/% client/% history/test_store% net/% recorder/%),$(TESTS))
tsan: ## ThreadSanitizer over the unit tests and servers of all that has threads
	@tests/tools/need build test
	$(SUBMAKE) MODE=tsan threads
threads: $(BINS) $(THREADED) $(OUT)/api/serve
	@TSAN_OPTIONS="halt_on_error=0 exitcode=66" \
	    ONLY="tests/http/run tests/recorder/run tests/api/run" tests/run-all $(OUT) $(THREADED)

cover: ## how much of the code its tests run, by module; base kube policy admit: 90 % of lines
	@tests/tools/need build test
	$(SUBMAKE) MODE=cover covered
covered: # its prerequisites are whole's
	@find $(OUT) -name '*.gcda' -delete
	@tests/tools/cover $(OUT) $(TESTS)

valgrind: ## the server's test under valgrind
	@tests/tools/need build test valgrind
	$(SUBMAKE) MODE=debug $(BUILD)/debug/bin/proctor $(BUILD)/debug/bin/proctor-webhook
	@OUT=$(BUILD)/debug tests/tools/valgrind tests/http/run

analyze: ## gcc -fanalyzer and cppcheck over all sources, as advice
	@tests/tools/need build analyze
	@tests/tools/analyze $(BUILD) "$(CFLAGS_ALL)" $(ENGINE) $(NET) $(CLI) $(CERTS) $(CLIENT) $(HISTORY) $(RECORDER) $(MAINS)

soak: ## 30 minutes (SECS=1800) of real and hostile reviews, reloads, rotations; memory is flat
	@tests/tools/need build test
	$(SUBMAKE) MODE=release $(BUILD)/release/bin/proctor $(BUILD)/release/bin/proctor-webhook
	@OUT=$(BUILD)/release SECS=$(if $(filter command% environment%,$(origin SECS)),$(SECS)) tests/http/soak
