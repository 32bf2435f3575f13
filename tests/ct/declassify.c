/*
 * declassify.c - the list of deliberate exceptions from constant time in the trusted core.
 *
 * The linker sends calls of the functions below through their __wrap_ twins (see CMakeLists.txt).
 * Each says what becomes public and why that is right.
 */
#include "ct/declassify.h"

#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "base/base.h"
#include "crypto/crypto.h"
#include "hsm/hsm.h"
#include "wire/wire.h"

#define REAL(name) __real_##name
#define WRAPPED(name) __wrap_##name

static atomic_size_t request_count;
static atomic_size_t plaintext_count;

void ct_secret(const void *bytes, size_t size)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes, size);
}

bool ct_is_secret(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        uint8_t bits = 0;
        (void)VALGRIND_GET_VBITS(at + i, &bits, 1);
        if (bits != 0) {
            return true;
        }
    }
    return false;
}

size_t ct_request_count(void)
{
    return atomic_load(&request_count);
}

size_t ct_plaintext_count(void)
{
    return atomic_load(&plaintext_count);
}

void ct_declassify(const void *bytes, size_t size)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(bytes, size);
}

/* --- Where requests enter and answers leave --- */

rind_status REAL(rind_hsm_handle)(struct rind_ctx *ctx, struct rind_hsm *hsm,
                                  struct rind_slice request, struct rind_buffer *response);
rind_status WRAPPED(rind_hsm_handle)(struct rind_ctx *ctx, struct rind_hsm *hsm,
                                     struct rind_slice request, struct rind_buffer *response);

/* No exception, on the contrary: whatever leaves must be free of secrets. */
rind_status WRAPPED(rind_hsm_handle)(struct rind_ctx *ctx, struct rind_hsm *hsm,
                                     struct rind_slice request, struct rind_buffer *response)
{
    rind_status status = REAL(rind_hsm_handle)(ctx, hsm, request, response);
    (void)atomic_fetch_add(&request_count, 1);
    if (ct_is_secret(response->data, response->length)) {
        rind_panic(__FILE__, __LINE__, "an answer holds bytes made of secrets");
    }
    return status;
}

/* --- Comparisons --- */

bool REAL(rind_ct_equal)(const void *a, const void *b, size_t size);
bool WRAPPED(rind_ct_equal)(const void *a, const void *b, size_t size);
bool REAL(rind_ct_is_zero)(const void *bytes, size_t size);
bool WRAPPED(rind_ct_is_zero)(const void *bytes, size_t size);

/*
 * Whether a MAC, statement, nonce, version or tag is right decides the answer. Where the host must
 * not see that before the commit (version and tag), the answers cost and weigh the same
 * (spec 02 sections 13.4 and 17 item 15). Which byte differed stays secret.
 */
bool WRAPPED(rind_ct_equal)(const void *a, const void *b, size_t size)
{
    bool is_equal = REAL(rind_ct_equal)(a, b, size);
    ct_declassify(&is_equal, sizeof(is_equal));
    return is_equal;
}

/* A shared X25519 secret of zero: the peer's public key is of low order, as everybody can see. */
bool WRAPPED(rind_ct_is_zero)(const void *bytes, size_t size)
{
    bool is_zero = REAL(rind_ct_is_zero)(bytes, size);
    ct_declassify(&is_zero, sizeof(is_zero));
    return is_zero;
}

/* --- What is made for the world to see --- */

void REAL(rind_mac_compute)(const struct rind_mac_key *key, const char *domain,
                            struct rind_slice message, struct rind_mac *mac);
void WRAPPED(rind_mac_compute)(const struct rind_mac_key *key, const char *domain,
                               struct rind_slice message, struct rind_mac *mac);

/* Statements and entry MACs. Not the MACs that rind_mac_verify computes to compare with. */
void WRAPPED(rind_mac_compute)(const struct rind_mac_key *key, const char *domain,
                               struct rind_slice message, struct rind_mac *mac)
{
    REAL(rind_mac_compute)(key, domain, message, mac);
    ct_declassify(mac, sizeof(*mac));
}

int REAL(crypto_scalarmult_base)(unsigned char *q, const unsigned char *n);
int WRAPPED(crypto_scalarmult_base)(unsigned char *q, const unsigned char *n);

/* The public key of an ephemeral one. */
int WRAPPED(crypto_scalarmult_base)(unsigned char *q, const unsigned char *n)
{
    int failed = REAL(crypto_scalarmult_base)(q, n);
    ct_declassify(q, crypto_scalarmult_BYTES);
    ct_declassify(&failed, sizeof(failed));
    return failed;
}

int REAL(crypto_scalarmult)(unsigned char *q, const unsigned char *n, const unsigned char *p);
int WRAPPED(crypto_scalarmult)(unsigned char *q, const unsigned char *n, const unsigned char *p);

/* Fails for public keys of low order only. The product stays secret. */
int WRAPPED(crypto_scalarmult)(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
    int failed = REAL(crypto_scalarmult)(q, n, p);
    ct_declassify(&failed, sizeof(failed));
    return failed;
}

int REAL(crypto_scalarmult_ristretto255)(unsigned char *q, const unsigned char *n,
                                         const unsigned char *p);
int WRAPPED(crypto_scalarmult_ristretto255)(unsigned char *q, const unsigned char *n,
                                            const unsigned char *p);
int REAL(crypto_scalarmult_ristretto255_base)(unsigned char *q, const unsigned char *n);
int WRAPPED(crypto_scalarmult_ristretto255_base)(unsigned char *q, const unsigned char *n);

/*
 * Fails if the product is the identity: for a zero scalar, which is a draw of probability 2^-252 or
 * a client's own choice of OPRF key, or for the identity as blinded input. The product stays
 * secret.
 *
 * A factor that is secret is one that the client hashed its access key to, or got from a realm and
 * has checked: the library's branch on whether 32 bytes are a point tells nothing about it.
 */
int WRAPPED(crypto_scalarmult_ristretto255)(unsigned char *q, const unsigned char *n,
                                            const unsigned char *p)
{
    bool is_secret = ct_is_secret(p, RIND_POINT_SIZE);
    uint8_t point[RIND_POINT_SIZE];
    memcpy(point, p, sizeof(point));
    ct_declassify(point, sizeof(point));
    int failed = REAL(crypto_scalarmult_ristretto255)(q, n, point);
    ct_declassify(&failed, sizeof(failed));
    if (is_secret) {
        ct_secret(q, RIND_POINT_SIZE);
    }
    return failed;
}

int WRAPPED(crypto_scalarmult_ristretto255_base)(unsigned char *q, const unsigned char *n)
{
    int failed = REAL(crypto_scalarmult_ristretto255_base)(q, n);
    ct_declassify(&failed, sizeof(failed));
    return failed;
}

#define ENCRYPT(name)                                                                              \
    int REAL(name)(unsigned char *c, unsigned long long *clen, const unsigned char *m,             \
                   unsigned long long mlen, const unsigned char *ad, unsigned long long adlen,     \
                   const unsigned char *nsec, const unsigned char *npub, const unsigned char *k);  \
    int WRAPPED(name)(unsigned char *c, unsigned long long *clen, const unsigned char *m,          \
                      unsigned long long mlen, const unsigned char *ad, unsigned long long adlen,  \
                      const unsigned char *nsec, const unsigned char *npub,                        \
                      const unsigned char *k);                                                     \
    int WRAPPED(name)(unsigned char *c, unsigned long long *clen, const unsigned char *m,          \
                      unsigned long long mlen, const unsigned char *ad, unsigned long long adlen,  \
                      const unsigned char *nsec, const unsigned char *npub,                        \
                      const unsigned char *k)                                                      \
    {                                                                                              \
        int failed = REAL(name)(c, clen, m, mlen, ad, adlen, nsec, npub, k);                       \
        ct_declassify(c, (size_t)mlen + 16);                                                       \
        return failed;                                                                             \
    }

/* Ciphertexts and their tags: records go to the host's store, messages to clients. */
ENCRYPT(crypto_aead_chacha20poly1305_ietf_encrypt)
ENCRYPT(crypto_aead_xchacha20poly1305_ietf_encrypt)

/* --- What is read from secret plaintexts --- */

/* Bytes that the head of a CBOR item takes. */
static size_t head_size(uint8_t first)
{
    unsigned additional = first & 0x1fu;
    return additional >= 24 && additional <= 27 ? 1 + ((size_t)1 << (additional - 24)) : 1;
}

/*
 * Of a plaintext only the contents of byte strings are secret. Which request it is and in which
 * state a record is, its counters among that, decide what is done; the answers then cost and weigh
 * the same as far as spec 02 sections 13.4 and 17 promise.
 */
void ct_mark_message(const uint8_t *bytes, size_t size)
{
    ct_declassify(bytes, size);
    for (size_t i = 0; i < size;) {
        uint8_t first = bytes[i];
        size_t head = head_size(first);
        size_t length = first & 0x1fu;
        if (head > size - i) {
            return;
        }
        for (size_t h = 1; h < head; h++) {
            length = (h == 1 ? 0 : length << 8) | bytes[i + h];
        }
        i += head;
        unsigned major = first >> 5;
        if ((major != 2 && major != 3) || length > size - i) {
            continue;
        }
        if (major == 2) {
            ct_secret(bytes + i, length);
            (void)atomic_fetch_add(&plaintext_count, length);
        }
        i += length;
    }
}

/*
 * Below: the user's secret is the one message that is no CBOR and stays secret as a whole. A
 * request or record of its very size would be secret as a whole, too, and be reported when it is
 * decoded.
 */

#define DECRYPT(name)                                                                              \
    int REAL(name)(unsigned char *m, unsigned long long *mlen, unsigned char *nsec,                \
                   const unsigned char *c, unsigned long long clen, const unsigned char *ad,       \
                   unsigned long long adlen, const unsigned char *npub, const unsigned char *k);   \
    int WRAPPED(name)(unsigned char *m, unsigned long long *mlen, unsigned char *nsec,             \
                      const unsigned char *c, unsigned long long clen, const unsigned char *ad,    \
                      unsigned long long adlen, const unsigned char *npub,                         \
                      const unsigned char *k);                                                     \
    int WRAPPED(name)(unsigned char *m, unsigned long long *mlen, unsigned char *nsec,             \
                      const unsigned char *c, unsigned long long clen, const unsigned char *ad,    \
                      unsigned long long adlen, const unsigned char *npub, const unsigned char *k) \
    {                                                                                              \
        bool is_secret = ct_is_secret(k, 32);                                                      \
        int failed = REAL(name)(m, mlen, nsec, c, clen, ad, adlen, npub, k);                       \
        ct_declassify(&failed, sizeof(failed));                                                    \
        if (failed == 0 && is_secret && (size_t)clen != RIND_USER_SECRET_ENCRYPTED_SIZE) {         \
            ct_mark_message(m, (size_t)clen - 16);                                                 \
        }                                                                                          \
        return failed;                                                                             \
    }

/* Whether a ciphertext is genuine: the answer says so. */
DECRYPT(crypto_aead_chacha20poly1305_ietf_decrypt)
DECRYPT(crypto_aead_xchacha20poly1305_ietf_decrypt)

bool REAL(rind_cbor_is_scalar)(const uint8_t bytes[static 32]);
bool WRAPPED(rind_cbor_is_scalar)(const uint8_t bytes[static 32]);

/* Whether a scalar is canonical: a request with another one is refused, no record has one. */
bool WRAPPED(rind_cbor_is_scalar)(const uint8_t bytes[static 32])
{
    bool is_scalar = REAL(rind_cbor_is_scalar)(bytes);
    ct_declassify(&is_scalar, sizeof(is_scalar));
    return is_scalar;
}

bool REAL(rind_point_is_valid)(const uint8_t bytes[static RIND_POINT_SIZE]);
bool WRAPPED(rind_point_is_valid)(const uint8_t bytes[static RIND_POINT_SIZE]);

/*
 * The blinded input of Recover2. The client's random factor makes it independent of the PIN, and
 * decoding a point branches on whether it is one. A request with another encoding is refused.
 */
bool WRAPPED(rind_point_is_valid)(const uint8_t bytes[static RIND_POINT_SIZE])
{
    ct_declassify(bytes, RIND_POINT_SIZE);
    return REAL(rind_point_is_valid)(bytes);
}
