/* What is done about an installation's certificates, in which order, and that a run that is killed
 * or overtaken anywhere never leaves a served certificate that the API server does not trust. */
#include "cli/certs/certs_plan.h"

#include "tests/unit/test.h"

#define LATER (30 * 86400)

static const struct certs_found fine = {.ca_there = true,
                                        .tls_there = true,
                                        .leaf_by_ca = true,
                                        .copy_right = true,
                                        .entries = 3,
                                        .leaf_age_seconds = 3600,
                                        .retire_seconds = 600};

/* The steps of one run, as text; ends when there is nothing to do or something to wait for. */
static const char *run(struct certs_found *found, enum certs_pods pods)
{
    static const char *const names[] = {
        [CERTS_DONE] = "done",         [CERTS_MAKE_CA] = "make-ca",
        [CERTS_ROTATE_CA] = "rotate",  [CERTS_MAKE_LEAF] = "make-leaf",
        [CERTS_SET_BUNDLE] = "bundle", [CERTS_SETTLE] = "settle",
        [CERTS_RENEW_LEAF] = "leaf",   [CERTS_COPY_BUNDLE] = "copy",
        [CERTS_ASK_PODS] = "ask",      [CERTS_AWAIT_CONFIGURATIONS] = "await",
        [CERTS_RETIRE_CA] = "retire",  [CERTS_MAKE_PATH] = "path",
    };
    static char text[400];
    text[0] = '\0';
    for (int i = 0; i < 20; i++) {
        enum certs_step step = certs_plan_next(found);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? " " : "",
                 names[step]);
        if (step == CERTS_DONE || step == CERTS_AWAIT_CONFIGURATIONS)
            return text;
        certs_plan_pretend(found, step);
        if (step == CERTS_ASK_PODS)
            found->pods = pods;
    }
    return "it does not end";
}

TEST(what_is_fine_is_left_alone)
{
    struct certs_found found = fine;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "done");
}

TEST(an_installation_begins_with_the_ca_and_does_not_wait)
{
    struct certs_found found = {.entries = 3, .retire_seconds = 600};
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "make-ca make-leaf bundle done");
}

TEST(a_recorder_gets_its_path_before_the_api_server_is_told_of_it)
{
    struct certs_found found = {.entries = 1, .retire_seconds = 600, .path_missing = true};
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "make-ca path make-leaf bundle done");
    found = fine;
    found.path_missing = true;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "path bundle done");
}

TEST(pods_get_their_certificate_before_the_configurations_are_there)
{
    struct certs_found found = {.configurations_missing = 2, .retire_seconds = 600};
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "make-ca make-leaf await");
    found.configurations_missing = 0;
    found.entries_wrong = 3;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "bundle done");
}

TEST(a_leaf_that_is_due_needs_no_new_bundle)
{
    struct certs_found found = fine;
    found.leaf_due = true;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "leaf done");
    found = fine;
    found.leaf_due = true;
    found.configurations_missing = 1;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "leaf await");
}

TEST(a_bundle_that_somebody_changed_is_put_right)
{
    struct certs_found found = fine;
    found.entries_wrong = 2;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "bundle done");
    found = fine;
    found.copy_right = false;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "copy done");
}

TEST(a_rotation_trusts_first_and_forgets_last)
{
    struct certs_found found = fine;
    found.ca_due = true;
    CHECK_STRING(run(&found, CERTS_PODS_SERVE_IT), "rotate bundle settle leaf done");
    CHECK(found.old_there);
    found.leaf_age_seconds = 601;
    CHECK_STRING(run(&found, CERTS_PODS_SERVE_IT), "ask retire bundle copy done");
    CHECK(!found.old_there);
}

TEST(an_old_ca_stays_while_a_pod_may_need_it)
{
    struct certs_found found = fine;
    found.old_there = true;
    CHECK_STRING(run(&found, CERTS_PODS_SERVE_ANOTHER), "ask done");
    found.pods = CERTS_PODS_NOT_ASKED;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "ask done");
    /* Nobody can be asked: after a week it goes; a pod that says no holds it for ever. */
    found.leaf_age_seconds = CERTS_UNPROVEN_SECONDS;
    found.pods = CERTS_PODS_SERVE_ANOTHER;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "done");
    found.pods = CERTS_PODS_NOT_ASKED;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "ask retire bundle copy done");
}

TEST(one_rotation_at_a_time_and_none_without_configurations)
{
    struct certs_found found = fine;
    found.ca_due = found.old_there = true;
    CHECK_STRING(run(&found, CERTS_PODS_SERVE_ANOTHER), "ask done");
    found = fine;
    found.ca_due = true;
    found.configurations_missing = 1;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "await");
}

TEST(a_lost_ca_is_replaced_like_a_rotated_one)
{
    struct certs_found found = fine;
    found.ca_there = found.leaf_by_ca = false;
    CHECK_STRING(run(&found, CERTS_PODS_UNKNOWN), "make-ca bundle settle leaf done");
    CHECK(found.old_there);
}

/* Every state that there can be, every order in which runs die: the leaf of a CA that does not
 * sign the one before it comes only when no entry lacks the bundle and the time was waited for. */
TEST(no_state_brings_a_leaf_that_is_not_trusted)
{
    for (unsigned bits = 0; bits < 1U << 12; bits++) {
        for (unsigned pods = CERTS_PODS_NOT_ASKED; pods <= CERTS_PODS_UNKNOWN; pods++) {
            struct certs_found found = {
                .ca_there = bits & 1,
                .ca_due = bits >> 1 & 1,
                .old_there = bits >> 2 & 1,
                .tls_there = bits >> 3 & 1,
                .leaf_by_ca = bits >> 4 & 1,
                .leaf_due = bits >> 5 & 1,
                .copy_right = bits >> 6 & 1,
                .configurations_missing = bits >> 7 & 3,
                .entries = 1,
                .entries_wrong = bits >> 9 & 1,
                .settled = bits >> 10 & 1,
                .pods = (enum certs_pods)pods,
                .leaf_age_seconds = bits >> 11 & 1 ? LATER : 0,
                .retire_seconds = 600,
            };
            enum certs_step step = certs_plan_next(&found);
            bool trusted = found.entries_wrong == 0 && found.configurations_missing == 0;
            if (step == CERTS_RENEW_LEAF)
                CHECK(found.leaf_by_ca || (trusted && found.settled));
            if (step == CERTS_MAKE_LEAF)
                CHECK(!found.tls_there && found.ca_there);
            if (step == CERTS_RETIRE_CA)
                CHECK(trusted && found.leaf_by_ca && !found.leaf_due &&
                      found.pods != CERTS_PODS_SERVE_ANOTHER &&
                      found.leaf_age_seconds >= found.retire_seconds);
            if (step == CERTS_ROTATE_CA)
                CHECK(!found.old_there && found.configurations_missing == 0);
            CHECK(strcmp(run(&found, CERTS_PODS_UNKNOWN), "it does not end") != 0);
        }
    }
}

TEST_MAIN
