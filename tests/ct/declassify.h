/*
 * declassify.h - what the constant-time check takes for secret, and where it stops doing so.
 *
 * Under valgrind's memcheck a secret is memory marked undefined: memcheck follows it through every
 * computation and reports a branch or an address that depends on it. That is the definition of
 * constant time used here. declassify.c lists every place where a value made of secrets becomes
 * public on purpose, with the reason, and declassify_client.c those that only the client has;
 * libsodium.supp lists those inside libsodium. Anything else that memcheck reports is a bug.
 */
#ifndef RIND_TESTS_CT_DECLASSIFY_H
#define RIND_TESTS_CT_DECLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Marks bytes as secret. */
void ct_secret(const void *bytes, size_t size);

/* True if some of the bytes depend on secrets that were never declassified. */
bool ct_is_secret(const void *bytes, size_t size);

/* Ends that: only where declassify*.c say why. */
void ct_declassify(const void *bytes, size_t size);

/* Marks the contents of the byte strings of a CBOR item as secret, and the rest as public. */
void ct_mark_message(const uint8_t *bytes, size_t size);

/* How often the core handled a request, and how many secret bytes of plaintexts it was given. */
size_t ct_request_count(void);
size_t ct_plaintext_count(void);

#endif
