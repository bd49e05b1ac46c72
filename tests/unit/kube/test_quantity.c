/* The tables of apimachinery's quantity_test.go as rows, and what the differential run found. */
#include "kube/quantity.h"
#include "tests/unit/test.h"

#include <stdint.h>

#define SI QUANTITY_DECIMAL_SI
#define BI QUANTITY_BINARY_SI
#define EX QUANTITY_DECIMAL_EXPONENT

/* text, its family, canonical spelling */
static const struct {
    const char *text;
    enum quantity_format format;
    const char *canonical;
} good[] = {
    {"0", SI, "0"},
    {"0n", SI, "0"},
    {"0u", SI, "0"},
    {"0m", SI, "0"},
    {"0Ki", BI, "0"},
    {"0k", SI, "0"},
    {"0Mi", BI, "0"},
    {"0M", SI, "0"},
    {"0Gi", BI, "0"},
    {"0G", SI, "0"},
    {"0Ti", BI, "0"},
    {"0T", SI, "0"},
    {"1", SI, "1"},
    {"1Ki", BI, "1Ki"},
    {"8Ki", BI, "8Ki"},
    {"7Mi", BI, "7Mi"},
    {"6Gi", BI, "6Gi"},
    {"5Ti", BI, "5Ti"},
    {"4Pi", BI, "4Pi"},
    {"3Ei", BI, "3Ei"},
    {"10Ti", BI, "10Ti"},
    {"100Ti", BI, "100Ti"},
    {"5n", SI, "5n"},
    {"4u", SI, "4u"},
    {"3m", SI, "3m"},
    {"9", SI, "9"},
    {"8k", SI, "8k"},
    {"50k", SI, "50k"},
    {"7M", SI, "7M"},
    {"6G", SI, "6G"},
    {"5T", SI, "5T"},
    {"40T", SI, "40T"},
    {"300T", SI, "300T"},
    {"2P", SI, "2P"},
    {"1E", SI, "1E"},
    {"1E-3", EX, "1e-3"},
    {"1e3", EX, "1e3"},
    {"1E6", EX, "1e6"},
    {"1e9", EX, "1e9"},
    {"1E12", EX, "1e12"},
    {"1e15", EX, "1e15"},
    {"1E18", EX, "1e18"},
    {"1e14", EX, "100e12"},
    {"1e13", EX, "10e12"},
    {"100.035k", SI, "100035"},
    {"0.001", SI, "1m"},
    {"0.0005k", SI, "500m"},
    {"0.005", SI, "5m"},
    {"0.05", SI, "50m"},
    {"0.5", SI, "500m"},
    {"0.00050k", SI, "500m"},
    {"0.00500", SI, "5m"},
    {"0.05000", SI, "50m"},
    {"0.50000", SI, "500m"},
    {"0.5e0", EX, "500e-3"},
    {"0.5e-1", EX, "50e-3"},
    {"0.5e-2", EX, "5e-3"},
    {"10.035M", SI, "10035k"},
    {"1.2e3", EX, "1200"},
    {"1.3E+6", EX, "1300e3"},
    {"1.40e9", EX, "1400e6"},
    {"1.53E12", EX, "1530e9"},
    {"1.6e15", EX, "1600e12"},
    {"1.7E18", EX, "1700e15"},
    {"9.01", SI, "9010m"},
    {"8.1k", SI, "8100"},
    {"7.123456M", SI, "7123456"},
    {"6.987654321G", SI, "6987654321"},
    {"5.444T", SI, "5444G"},
    {"40.1T", SI, "40100G"},
    {"300.2T", SI, "300200G"},
    {"2.5P", SI, "2500T"},
    {"1.01E", SI, "1010P"},
    /* rounding and capping */
    {"3.001n", SI, "4n"},
    {"1.1E-9", EX, "2e-9"},
    {"0.0000000001", SI, "1n"},
    {"0.0000000005", SI, "1n"},
    {"0.00000000050", SI, "1n"},
    {"0.5e-9", EX, "1e-9"},
    {"0.9n", SI, "1n"},
    {"0.00000012345", SI, "124n"},
    {"0.00000012354", SI, "124n"},
    {"9Ei", BI, "9223372036854775807"},
    {"9223372036854775807Ki", BI, "9223372036854775807"},
    {"-9Ei", BI, "-9223372036854775807"},
    {"12E", SI, "12E"},
    {"9223372036854775808", SI, "9223372036854775808"},
    {"1e30", EX, "100e27"},
    {"-1e999999", EX, "-100e27"},
    {"0e999999", EX, "0"},
    {"1e-999999", EX, "1e-9"},
    /* fractions of binary units */
    {"100.035Ki", BI, "102435840m"},
    {"0.5Mi", BI, "512Ki"},
    {"0.05Gi", BI, "53687091200m"},
    {"0.025Ti", BI, "27487790694400m"},
    {"1.5Gi", BI, "1536Mi"},
    {"3072Mi", BI, "3Gi"},
    {"0.5Ki", BI, "512"},
    {"1023.5Ki", BI, "1048064"},
    {"-0.5Ki", BI, "-512"},
    {"0.1Ei", BI, "115292150460684697600m"},
    {"-1Ki", BI, "-1Ki"},
    {"0.000000000001Ki", SI, "2n"},
    {"-0.000000000001Ki", SI, "-2n"},
    {"0.00000000000000000000000000000000000000001Ki", SI, "1n"},
    /* odd spellings */
    {".001", SI, "1m"},
    {".0001k", SI, "100m"},
    {"1.", SI, "1"},
    {"1.G", SI, "1G"},
    {"+1", SI, "1"},
    {"-1", SI, "-1"},
    {"-0", SI, "0"},
    {"00500m", SI, "500m"},
    {"1000E", SI, "1000E"},
    {".", SI, "0"},
    {"-.", SI, "0"},
    {"m", SI, "0"},
    {"Ki", BI, "0"},
    {"1000m", SI, "1"},
    {"1024", SI, "1024"},
    {"1024Ki", BI, "1Mi"},
    {"1000Ki", BI, "1000Ki"},
};

static const char *const bad[] = {
    "",       "1.1.M",   "1+1.0M", "0.1mi", "0.1am",    "aoeu", ".5i", "1i",
    "-3.01i", "-3.01e-", " 1",     "1 ",    " 1",       "1\n",  "1_0", "0x10",
    "1e",     "1e+",     "1e1.5",  "1K",    "1ki",      "1KI",  "1b",  "1kb",
    "1Zi",    "--1",     "+-1",    "1e--3", "1,5",      "Ei",   "Pi",  "e-10",
    "-e-10",  "1EE3",    "1Ei5",   "1mm",   "infinity", "NaN",  "..",  "1e99999999999999999999",
};

TEST(quantity_reads_and_writes_the_table)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct quantity quantity, again;
        char text[QUANTITY_TEXT_MAX];
        if (!quantity_parse(good[i].text, &quantity))
            TEST_FAIL("%s was refused", good[i].text);
        quantity_write(&quantity, text);
        if (strcmp(text, good[i].canonical) != 0)
            TEST_FAIL("%s is %s, want %s", good[i].text, text, good[i].canonical);
        if (quantity.format != good[i].format)
            TEST_FAIL("%s has format %d", good[i].text, (int)quantity.format);
        CHECK(quantity_parse(text, &again));
        CHECK_INT(quantity_compare(&quantity, &again), 0);
    }
}

/* The published test runs its table with a sign in front, too. */
TEST(quantity_of_the_other_sign_is_the_other_value)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct quantity plain, plus, minus;
        char text[128];
        if (strchr("+-", good[i].text[0]) != NULL)
            continue;
        CHECK(quantity_parse(good[i].text, &plain));
        snprintf(text, sizeof text, "+%s", good[i].text);
        CHECK(quantity_parse(text, &plus));
        text[0] = '-';
        CHECK(quantity_parse(text, &minus));
        CHECK(plus.nanos == plain.nanos && minus.nanos == -plain.nanos);
    }
}

TEST(quantity_refuses_what_is_none)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct quantity quantity = {.nanos = 77, .format = EX};
        if (quantity_parse(bad[i], &quantity))
            TEST_FAIL("\"%s\" was read", bad[i]);
        CHECK(quantity.nanos == 77 && quantity.format == EX);
    }
}

TEST(quantity_orders_by_value)
{
    static const char *const rising[] = {
        "-1Gi", "-1", "-1m", "0",  "1n",  "1u",    "1m",     "50m", "0.1", "1",   "1000",
        "1Ki",  "1M", "1Mi", "1G", "1Gi", "100Gi", "10000T", "1E",  "1Ei", "9Ei", "12E"};
    const size_t count = sizeof rising / sizeof rising[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct quantity a, b;
            CHECK(quantity_parse(rising[i], &a) && quantity_parse(rising[j], &b));
            CHECK_INT(quantity_compare(&a, &b), i < j ? -1 : i > j ? 1 : 0);
        }
    }
}

TEST(quantity_has_equals_in_other_words)
{
    static const char *const pairs[][2] = {{"1", "1000m"},  {"1Gi", "1024Mi"}, {"1k", "1e3"},
                                           {"0.5", "500m"}, {"1024", "1Ki"},   {"1.5Gi", "1536Mi"},
                                           {"0", "-0"},     {"1e-3", "1m"},    {"8E", "8000P"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct quantity a, b;
        CHECK(quantity_parse(pairs[i][0], &a) && quantity_parse(pairs[i][1], &b));
        CHECK_INT(quantity_compare(&a, &b), 0);
    }
}

/* A text that stays as it was written is what webhooks are sent: 1e-4294967293 is a thousand. */
TEST(quantity_keeps_32_bits_of_an_exponent)
{
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        {"1e4294967299", "1e3"},       {"1e-4294967293", "1e3"}, {"5e4294967296", "5"},
        {"2E-4294967299", "2e-3"},     {"1e8589934592", "1"},    {"1.5e-4294967293", "1500"},
        {"1e2147483648", "1e-9"},      {"1e60", "100e27"},       {"1e-60", "1e-9"},
        {"1.5e-2147483648", "100e27"},
    };
    char text[QUANTITY_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct quantity quantity;
        CHECK(quantity_parse(rows[i].text, &quantity));
        quantity_write(&quantity, text);
        CHECK_STRING(text, rows[i].canonical);
    }
    struct quantity quantity;
    CHECK(!quantity_parse("1e99999999999999999999", &quantity));
}

TEST(quantity_knows_the_spellings_that_stay)
{
    static const char *const stay[] = {"1",    "+1",   "1.500", "1E3",  "5Mi",          "+5Mi",
                                       "01Mi", "5.Mi", "500m",  "12Ti", "1e-4294967293"};
    static const char *const change[] = {"0.5",
                                         "1000",
                                         "8Mi",
                                         "1.5Gi",
                                         "1Pi",
                                         "+1024Ei",
                                         "10e2",
                                         "+1Ei",
                                         "1.5",
                                         ".5",
                                         "0",
                                         "nothing",
                                         "1000000000000000000000"};
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
        if (!quantity_keeps_spelling(stay[i], -9))
            TEST_FAIL("%s", stay[i]);
    for (size_t i = 0; i < sizeof change / sizeof change[0]; i++)
        if (quantity_keeps_spelling(change[i], -9))
            TEST_FAIL("%s", change[i]);
    CHECK(quantity_keeps_spelling("5u", -9) && !quantity_keeps_spelling("5u", -3));
}

TEST(quantity_keeps_nine_digits_and_rounds_away_from_zero)
{
    struct quantity quantity;
    CHECK(quantity_parse("0.1234567891", &quantity));
    CHECK_INT((int64_t)quantity.nanos, 123456790);
    CHECK(quantity_parse("-0.1234567891", &quantity));
    CHECK_INT((int64_t)quantity.nanos, -123456790);
}

TEST_MAIN
