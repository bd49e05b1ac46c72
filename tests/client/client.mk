# One call of the API client: what tests/client/run and tests/e2e/cases/client.sh drive it with.

$(OUT)/client/call: $(OUT)/obj/tests/client/call.o $(OUT)/libclient.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) $(TOOL_LIBS) -lpthread -lm $(LDFLAGS)

# One rollback's write, for tests/e2e/cases/rollback.sh.
$(OUT)/client/rollback: $(OUT)/obj/tests/client/rollback.o $(OUT)/libhistory.a $(OUT)/libclient.a $(OUT)/libproctor.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK_$(MODE)) -o $@ $^ $(PKG_LIBS) $(TOOL_LIBS) -lpthread -lm $(LDFLAGS)

whole covered: $(OUT)/client/call $(OUT)/client/rollback
