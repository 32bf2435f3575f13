/* build_info.c - see build_info.h. The values come from CMake: build_info_values.h.in. */
#include "host/build_info.h"

#include "build_info_values.h"

/* CMake writes "" for what it could not find out. */
#define BUILD_INFO_OPTIONAL(text) (sizeof(text) > 1 ? (text) : NULL)

#if defined(__clang__)
#define BUILD_INFO_COMPILER "clang " __clang_version__
#else
#define BUILD_INFO_COMPILER "gcc " __VERSION__
#endif

static const struct rind_build_info build_info_this = {
    .version = RIND_BUILD_VERSION,
    .git_hash = BUILD_INFO_OPTIONAL(RIND_BUILD_GIT_HASH),
    .git_tag = BUILD_INFO_OPTIONAL(RIND_BUILD_GIT_TAG),
    .git_ancestor_tag = BUILD_INFO_OPTIONAL(RIND_BUILD_GIT_ANCESTOR_TAG),
    .git_branch = BUILD_INFO_OPTIONAL(RIND_BUILD_GIT_BRANCH),
    .host = RIND_BUILD_HOST,
    .user = RIND_BUILD_USER,
    .compiler = BUILD_INFO_COMPILER,
};

const struct rind_build_info *rind_build_info(void)
{
    return &build_info_this;
}

static const char *build_info_or_none(const char *text)
{
    return text != NULL ? text : "(none)";
}

void rind_build_info_livez(struct rind_buffer *buffer, const struct rind_build_info *info)
{
    info = info != NULL ? info : &build_info_this;
    rind_buffer_print(buffer,
                      "version: %s\n"
                      "git hash: %s\n"
                      "git tag: %s\n"
                      "git ancestor tag: %s\n"
                      "git branch: %s\n"
                      "build host: %s\n"
                      "build user: %s\n"
                      "compiler: %s\n",
                      build_info_or_none(info->version), build_info_or_none(info->git_hash),
                      build_info_or_none(info->git_tag), build_info_or_none(info->git_ancestor_tag),
                      build_info_or_none(info->git_branch), build_info_or_none(info->host),
                      build_info_or_none(info->user), build_info_or_none(info->compiler));
}

static void build_info_line(struct rind_buffer *buffer, const char *label, const char *text)
{
    if (text != NULL) {
        rind_buffer_print(buffer, "%s: %s\n", label, text);
    }
}

void rind_build_info_version(struct rind_buffer *buffer, const struct rind_build_info *info)
{
    info = info != NULL ? info : &build_info_this;
    rind_buffer_print(buffer, "%s\n", info->version);
    build_info_line(buffer, "git hash", info->git_hash);
    build_info_line(buffer, "git tag", info->git_tag);
    build_info_line(buffer, "git ancestor tag", info->git_ancestor_tag);
    build_info_line(buffer, "git branch", info->git_branch);
    build_info_line(buffer, "build host", info->host);
    build_info_line(buffer, "build user", info->user);
    rind_buffer_print(buffer, "compiler: %s", info->compiler);
}
