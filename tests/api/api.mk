# The recorder's API over a real store, without a cluster: what tests/api/run drives it with.

$(OUT)/api/serve: $(OUT)/obj/tests/api/serve.o $(OUT)/librecorder.a $(OUT)/libhistory.a $(OUT)/libnet.a $(OUT)/libclient.a $(OUT)/libcerts.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) $(TOOL_LIBS) $(STORE_LIBS) -lpthread -lm $(LDFLAGS)

whole: $(OUT)/api/serve
