# Compiler and linker options of every target, and the instrumented build modes.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(RIND_SANITIZE "" CACHE STRING "Value for -fsanitize=, such as address,undefined or thread")
option(RIND_COVERAGE "Measure line and branch coverage" OFF)
option(RIND_FUZZ "Build the libFuzzer targets (clang only)" OFF)
option(RIND_WERROR "Treat warnings as errors" ON)

add_library(rind_options INTERFACE)
target_compile_options(rind_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
  -fno-common -fno-strict-aliasing $<$<BOOL:${RIND_WERROR}>:-Werror>
  "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
target_link_options(rind_options INTERFACE -Wl,--gc-sections)
target_compile_options(rind_options INTERFACE -ffunction-sections -fdata-sections)

# Assertions never depend on NDEBUG (base/assert.h), so plain -O2 is what a release differs in.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
# gcc 12.2 at -O2 loses the first element when a loop fills an array with structs that an inlined function returns by
# value after a memset (tests/wire/test_range.c found it: deltas_of_every_small_size_come_out_ascending). Of all its
# passes, induction-variable optimisation is the one that does it; without that pass the code is right.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  string(APPEND CMAKE_C_FLAGS_RELEASE " -fno-ivopts")
endif()
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(rind_options INTERFACE
    -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(rind_options INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
  target_link_options(rind_options INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)
endif()
if(RIND_SANITIZE)
  target_compile_options(rind_options INTERFACE
    "-fsanitize=${RIND_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(rind_options INTERFACE "-fsanitize=${RIND_SANITIZE}")
endif()
if(RIND_COVERAGE)
  # Without optimisation gcc takes the address of an array that is about to be filled for a use of it.
  target_compile_options(rind_options INTERFACE --coverage -O0 -Wno-maybe-uninitialized)
  target_link_options(rind_options INTERFACE --coverage)
endif()
if(RIND_FUZZ)
  target_compile_options(rind_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(rind_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
