# make torture: each allocation fails once, over the engine, the recorder's intake and the life of
# the server.  A program of its own, under AddressSanitizer.

TORTURE := $(call object,$(wildcard tests/torture/*.c))

$(OUT)/obj/tests/torture/webhook_main.o: webhook/proctor_webhook.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Dmain=proctor_webhook_main -Wno-missing-prototypes -c $< -o $@

$(OUT)/torture: $(TORTURE) $(OUT)/obj/tests/torture/webhook_main.o $(OUT)/librecorder.a \
                $(OUT)/libhistory.a $(OUT)/libnet.a $(OUT)/libclient.a $(OUT)/libcerts.a \
                $(OUT)/libproctor.a
	$(Q)$(CC) $(LINK_$(MODE)) -rdynamic -o $@ $^ $(PKG_LIBS) $(TOOL_LIBS) $(STORE_LIBS) -lpthread \
	    -ldl -lm $(LDFLAGS)

POINTS ?= 0
.PHONY: torture
torture: ## each allocation fails once: no crash, no leak, nothing allowed by an error; POINTS=n a scene
	@tests/tools/need build test
	$(SUBMAKE) MODE=asan $(BUILD)/asan/torture
	@POINTS=$(POINTS) tests/torture/all $(BUILD)/asan/torture $(S)
