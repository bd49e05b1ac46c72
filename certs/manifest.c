/* issue_manifest: the certificates as Kubernetes objects.  Written piece by piece into memory
 * that is wiped, not through the JSON tree, because private keys pass through here. */
#include "certs/issue.h"

#include "base/buf.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define MANIFEST_BYTES_MAX (256UL * 1024UL)

struct secret {
    const char *name;
    const char *type;
    enum folder_file files[3];
    const char *keys[3];
    size_t count;
};

/* Base64 on one line, as a Secret's data. */
static void add_base64(struct buf *out, const struct folder_text *text)
{
    unsigned char encoded[68];
    for (size_t at = 0; at < text->length; at += 48) {
        size_t part = text->length - at < 48 ? text->length - at : 48;
        int length = EVP_EncodeBlock(encoded, (const unsigned char *)text->data + at, (int)part);
        buf_add(out, encoded, (size_t)length);
    }
    OPENSSL_cleanse(encoded, sizeof encoded);
}

static void add_secret_yaml(struct buf *out, const struct folder_set *set,
                            const struct secret *secret, const char *space)
{
    buf_add_string(out, "---\napiVersion: v1\nkind: Secret\ntype: ");
    buf_add_string(out, secret->type);
    buf_add_string(out, "\nmetadata:\n  name: ");
    buf_add_json_string(out, secret->name); /* quoted: a name may look like a number */
    buf_add_string(out, "\n  namespace: ");
    buf_add_json_string(out, space);
    buf_add_string(out, "\n  labels:\n    app.kubernetes.io/managed-by: proctor\ndata:\n");
    for (size_t i = 0; i < secret->count; i++) {
        buf_add_string(out, "  ");
        buf_add_string(out, secret->keys[i]);
        buf_add_string(out, ": ");
        add_base64(out, &set->files[secret->files[i]]);
        buf_add_char(out, '\n');
    }
}

static void add_secret_json(struct buf *out, const struct folder_set *set,
                            const struct secret *secret, const char *space)
{
    buf_add_string(out, "    {\n      \"apiVersion\": \"v1\",\n      \"kind\": \"Secret\",\n"
                        "      \"type\": ");
    buf_add_json_string(out, secret->type);
    buf_add_string(out, ",\n      \"metadata\": {\"name\": ");
    buf_add_json_string(out, secret->name);
    buf_add_string(out, ", \"namespace\": ");
    buf_add_json_string(out, space);
    buf_add_string(out, ", \"labels\": {\"app.kubernetes.io/managed-by\": \"proctor\"}},\n"
                        "      \"data\": {");
    for (size_t i = 0; i < secret->count; i++) {
        buf_add_string(out, i > 0 ? ",\n        " : "\n        ");
        buf_add_json_string(out, secret->keys[i]);
        buf_add_string(out, ": \"");
        add_base64(out, &set->files[secret->files[i]]);
        buf_add_char(out, '"');
    }
    buf_add_string(out, "\n      }\n    }");
}

static void add_yaml(struct buf *out, const struct folder_set *set, const struct secret *secrets,
                     const char *space)
{
    add_secret_yaml(out, set, &secrets[0], space);
    add_secret_yaml(out, set, &secrets[1], space);
    buf_add_string(out, "---\n"
                        "# The API server must trust this CA.  Every entry under webhooks: in\n"
                        "# the two webhook configurations takes this line, for example with\n"
                        "#   kubectl patch validatingwebhookconfiguration NAME --patch-file FILE\n"
                        "# webhooks:\n"
                        "# - name: WEBHOOK\n"
                        "#   clientConfig:\n"
                        "#     caBundle: ");
    add_base64(out, &set->files[FOLDER_CA_CERT]);
    buf_add_char(out, '\n');
}

static void add_json(struct buf *out, const struct folder_set *set, const struct secret *secrets,
                     const char *space)
{
    buf_add_string(out, "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"List\",\n  \"items\": [\n");
    add_secret_json(out, set, &secrets[0], space);
    buf_add_string(out, ",\n");
    add_secret_json(out, set, &secrets[1], space);
    buf_add_string(out, "\n  ],\n  \"caBundle\": \"");
    add_base64(out, &set->files[FOLDER_CA_CERT]);
    buf_add_string(out, "\"\n}\n");
}

int issue_manifest(const struct folder_set *set, const char *secret, const char *space, bool json,
                   struct folder_text *ret_text, struct err *reterr)
{
    const struct secret secrets[] = {
        {secret,
         "kubernetes.io/tls",
         {FOLDER_TLS_CERT, FOLDER_TLS_KEY, FOLDER_CA_CERT},
         {"tls.crt", "tls.key", "ca.crt"},
         3},
        {"proctor-ca", "Opaque", {FOLDER_CA_CERT, FOLDER_CA_KEY}, {"ca.crt", "ca.key"}, 2}};
    /* Measured first: a buffer that grows would leave copies of the keys in freed memory. */
    size_t size = 4096;
    for (size_t i = 0; i < FOLDER_FILES; i++)
        size += set->files[i].length * 4;
    if (size > MANIFEST_BYTES_MAX)
        return err_set(reterr, ERR_TOO_LARGE, "the certificates are too large for a Secret");
    char *room = OPENSSL_zalloc(size);
    if (room == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    struct buf out;
    buf_init(&out, NULL, size - 1);
    out.data = room;
    out.capacity = size;
    (json ? add_json : add_yaml)(&out, set, secrets, space);
    if (out.failed) {
        OPENSSL_clear_free(room, size);
        return err_set(reterr, ERR_INTERNAL, "the manifest is larger than was reckoned");
    }
    int r = folder_text_copy(ret_text, out.data, out.length, reterr);
    OPENSSL_clear_free(room, size);
    return r;
}
