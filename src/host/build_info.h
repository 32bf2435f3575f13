/*
 * build_info.h - what was built, from what, where (spec 05 section 9). Fixed at build time.
 */
#ifndef RIND_HOST_BUILD_INFO_H
#define RIND_HOST_BUILD_INFO_H

#include "base/buffer.h"

struct rind_build_info {
    const char *version;
    const char *git_hash;         /* NULL if unknown, as are the next three */
    const char *git_tag;          /* of exactly this commit */
    const char *git_ancestor_tag; /* nearest tag and distance, "0.1.2-49" */
    const char *git_branch;
    const char *host;
    const char *user;
    const char *compiler;
};

/* Static; borrowed for ever. */
const struct rind_build_info *rind_build_info(void);

/* The livez block: eight lines, "(none)" for unknown ones. `info` NULL: this build's. */
void rind_build_info_livez(struct rind_buffer *buffer, const struct rind_build_info *info);

/* The --version text: known lines only, no final newline. */
void rind_build_info_version(struct rind_buffer *buffer, const struct rind_build_info *info);

#endif
