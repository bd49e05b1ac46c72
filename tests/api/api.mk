# The recorder's API over a real store, without a cluster: what tests/api/run drives it with.  It has
# rights and operations of its own, so of the recorder it gets the API's files alone.

API_OBJECTS := $(call object,$(wildcard webhook/recorder/api*.c) webhook/recorder/openapi.c webhook/recorder/deploy_read.c webhook/recorder/metrics.c)

$(OUT)/api/serve: $(OUT)/obj/tests/api/serve.o $(API_OBJECTS) $(OUT)/libhistory.a $(OUT)/libnet.a $(OUT)/libclient.a $(OUT)/libcerts.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) $(TOOL_LIBS) $(STORE_LIBS) -lpthread -lm $(LDFLAGS)

whole covered: $(OUT)/api/serve
