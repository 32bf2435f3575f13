# Rooms: one library per folder of src/, which sees the headers of the rooms it declares and no others.
#
# A room's headers are included as "<room>/<header>.h". No include path contains src/ itself: each room
# has an include folder of its own, holding one link to the room, and gets the include folders of the
# rooms it uses. So an undeclared include does not compile.

find_package(PkgConfig REQUIRED)

set(RIND_INCLUDE_ROOT "${CMAKE_BINARY_DIR}/rooms")

# rind_package(<pkg-config module>...): makes the targets PkgConfig::PKG_<module>, for every folder. Each module is looked up
# once, and grpc without pkg-config: with all that its .pc file requires, each of 19 calls takes a third of a second.
function(rind_package)
  foreach(package IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "PKG_${package}" prefix)
    if(TARGET "PkgConfig::${prefix}")
      continue()
    endif()
    if(package STREQUAL grpc)
      find_path(RIND_GRPC_INCLUDE grpc/grpc.h REQUIRED)
      find_library(RIND_GRPC_LIBRARY grpc REQUIRED)
      find_library(RIND_GPR_LIBRARY gpr REQUIRED)
      add_library(PkgConfig::PKG_grpc INTERFACE IMPORTED GLOBAL)
      target_include_directories(PkgConfig::PKG_grpc INTERFACE "${RIND_GRPC_INCLUDE}")
      target_link_libraries(PkgConfig::PKG_grpc INTERFACE "${RIND_GRPC_LIBRARY}" "${RIND_GPR_LIBRARY}")
    else()
      pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET GLOBAL "${package}")
    endif()
  endforeach()
endfunction()

# rind_room(<name> [CORE] [USES room...] [PACKAGES pkg-config-module...] [LIBRARIES lib...])
#   CORE      part of the trusted core: plain C11 without POSIX, nothing from the host
#   USES      rooms whose headers it may include, and which it links
#   PACKAGES  libraries found by pkg-config
function(rind_room name)
  cmake_parse_arguments(ROOM "CORE" "" "USES;PACKAGES;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
       "${CMAKE_CURRENT_SOURCE_DIR}/*.c")
  list(FILTER sources EXCLUDE REGEX "/main(_[a-z_]+)?\\.c$")
  add_library("rind_${name}" STATIC ${sources})
  rind_room_link("${name}")
  target_include_directories("rind_${name}" PUBLIC "${RIND_INCLUDE_ROOT}/${name}")
  target_link_libraries("rind_${name}" PUBLIC rind_options)
  foreach(used IN LISTS ROOM_USES)
    target_link_libraries("rind_${name}" PUBLIC "rind_${used}")
  endforeach()
  if(NOT ROOM_CORE)
    target_compile_definitions("rind_${name}" PUBLIC _GNU_SOURCE)
  endif()
  foreach(package IN LISTS ROOM_PACKAGES)
    rind_package("${package}")
    string(MAKE_C_IDENTIFIER "PKG_${package}" prefix)
    target_link_libraries("rind_${name}" PUBLIC "PkgConfig::${prefix}")
  endforeach()
  target_link_libraries("rind_${name}" PUBLIC ${ROOM_LIBRARIES})
endfunction()

function(rind_room_link name)
  file(MAKE_DIRECTORY "${RIND_INCLUDE_ROOT}/${name}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/src/${name}" "${RIND_INCLUDE_ROOT}/${name}/${name}" SYMBOLIC)
endfunction()

# rind_executable(<name> SOURCES file... USES room...): a program in bin/; installed if its name starts with rind.
function(rind_executable name)
  cmake_parse_arguments(EXE "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_executable("${name}" ${EXE_SOURCES})
  target_link_libraries("${name}" PRIVATE rind_options)
  target_compile_definitions("${name}" PRIVATE _GNU_SOURCE)
  foreach(used IN LISTS EXE_USES)
    target_link_libraries("${name}" PRIVATE "rind_${used}")
  endforeach()
  target_link_libraries("${name}" PRIVATE ${EXE_LIBRARIES})
  if(name MATCHES "^rind")
    install(TARGETS "${name}" RUNTIME)
  endif()
endfunction()

# rind_test(<name> SOURCES file... USES room... [LABELS label...] [TIMEOUT seconds]):
# a cmocka program run by ctest. RIND_SOURCE_DIR in its environment leads to tests/vectors.
function(rind_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;USES;LIBRARIES;LABELS;ARGS" ${ARGN})
  rind_package(cmocka)
  add_executable("${name}" ${TEST_SOURCES})
  target_link_libraries("${name}" PRIVATE rind_options rind_test_support PkgConfig::PKG_cmocka)
  target_compile_definitions("${name}" PRIVATE _GNU_SOURCE)
  target_include_directories("${name}" PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  foreach(used IN LISTS TEST_USES ITEMS host)
    target_link_libraries("${name}" PRIVATE "rind_${used}")
  endforeach()
  target_link_libraries("${name}" PRIVATE ${TEST_LIBRARIES})
  add_test(NAME "${name}" COMMAND "${name}" ${TEST_ARGS})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  set_tests_properties("${name}" PROPERTIES
    TIMEOUT "${TEST_TIMEOUT}"
    LABELS "${TEST_LABELS}"
    ENVIRONMENT "RIND_SOURCE_DIR=${CMAKE_SOURCE_DIR};RIND_BIN_DIR=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endfunction()

# rind_fuzz(<name> SOURCES file... USES room...): a target that takes any bytes (LLVMFuzzerTestOneInput).
# With RIND_FUZZ it is a libFuzzer program; without, a test that replays tests/fuzz/corpus/<name>/, where
# findings stay. tests/fuzz/run-smoke runs every target there is.
if(RIND_FUZZ)
  add_custom_target(fuzz_targets) # all of them, and nothing that is not needed for them
endif()
function(rind_fuzz name)
  cmake_parse_arguments(FUZZ "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  set(corpus "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
  if(RIND_FUZZ)
    add_executable("${name}" ${FUZZ_SOURCES})
    target_link_libraries("${name}" PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz_targets "${name}")
  else()
    add_executable("${name}" ${FUZZ_SOURCES} "${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c")
    add_test(NAME "${name}" COMMAND "${name}" "${corpus}")
    set_tests_properties("${name}" PROPERTIES TIMEOUT 120 LABELS fuzz)
  endif()
  target_link_libraries("${name}" PRIVATE rind_options)
  target_compile_definitions("${name}" PRIVATE _GNU_SOURCE)
  target_include_directories("${name}" PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  foreach(used IN LISTS FUZZ_USES ITEMS host)
    target_link_libraries("${name}" PRIVATE "rind_${used}")
  endforeach()
  target_link_libraries("${name}" PRIVATE ${FUZZ_LIBRARIES})
endfunction()
