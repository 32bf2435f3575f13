/*
 * address.h - addresses of realms: http and https URLs in the normal form of the WHATWG URL rules.
 *
 * Spec: docs/spec/01-client-protocol.md sections 5 and 13. Other schemes and user information are
 * refused: no realm has them, and a password in a configuration would end in logs.
 */
#ifndef RIND_CLIENT_ADDRESS_H
#define RIND_CLIENT_ADDRESS_H

/*
 * The normal form (blanks dropped, scheme and host in lower case, default port dropped, dots
 * resolved), in memory to release with free(); NULL with the reason in `why` if it is no address.
 */
char *rind_sdk_address_normalise(const char *address, char *why);

/* Where requests go: a normal address joined with "req". Release with free(); NULL: no memory. */
char *rind_sdk_address_request_url(const char *normal_address);

#endif
