set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE)
  # The precompiled header's defines and times are cmake's own doing and say nothing about the sources.
  set(ccache_command ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${ccache_command})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ccache_command})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ collects its garbage from the first megabytes on, a tenth of its time; no file here fills a gigabyte.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:--param=ggc-min-expand=1000> $<$<COMPILE_LANGUAGE:CXX>:--param=ggc-min-heapsize=1048576>)
endif()
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)  # reading the headers is most of what a file costs
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
if(GHOST_SANITIZE)
  add_compile_options(-fsanitize=${GHOST_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GHOST_SANITIZE})
endif()

if(GHOST_FUZZERS STREQUAL "libfuzzer")
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

add_library(ghost_warnings INTERFACE)
add_library(ghost::warnings ALIAS ghost_warnings)
target_compile_options(ghost_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees these in the moves of std::string inside std::variant-like types, where they are not (GCC bug 105329, 105651).
  target_compile_options(ghost_warnings INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-maybe-uninitialized)
  if(GHOST_UNITY)
    target_compile_options(ghost_warnings INTERFACE -Wno-subobject-linkage)  # a unity file is no header
  endif()
endif()
if(GHOST_WERROR)
  target_compile_options(ghost_warnings INTERFACE -Werror)
endif()

# ghost_module(NAME [COMPUTES] SOURCES x.cc … [TESTS x_test.cc …] [DEPENDS ghost::base …])
#
# A library `ghost::NAME` and, beside it, one program `NAME_test` of its tests. Headers are named from src/:
# #include "base/result.h". COMPUTES: so much that a sanitized build, made without the optimiser, optimises this module all the same.
function(ghost_module name)
  cmake_parse_arguments(arg "COMPUTES" "" "SOURCES;TESTS;DEPENDS;TEST_DEPENDS" ${ARGN})
  add_library(ghost_${name} STATIC ${arg_SOURCES})
  add_library(ghost::${name} ALIAS ghost_${name})
  target_include_directories(ghost_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(ghost_${name} PUBLIC ${arg_DEPENDS} PRIVATE ghost::warnings)
  set_target_properties(ghost_${name} PROPERTIES UNITY_BUILD ${GHOST_UNITY})
  if(arg_COMPUTES AND GHOST_SANITIZE)
    target_compile_options(ghost_${name} PRIVATE -O1)  # which takes no header that was precompiled without
  else()
    ghost_precompile(ghost_${name})
  endif()
  if(GHOST_TESTS AND arg_TESTS)
    ghost_test(${name}_test SOURCES ${arg_TESTS} DEPENDS ghost::${name} ${arg_TEST_DEPENDS})
  endif()
endfunction()

# ghost_compile_alone(x.cc …): files that are left out of unity builds, since others of their module have local names of theirs, or should not
# meet their headers.
function(ghost_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# ghost_test(NAME SOURCES … DEPENDS … [TIMEOUT seconds]): one GoogleTest program, one ctest entry.
function(ghost_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} GTest::gtest_main ghost::warnings)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${GHOST_UNITY})
  ghost_precompile(${name} ghost_test_precompiled)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()

# ghost_program(NAME SOURCES … DEPENDS …): a program in build/<preset>/bin that is not installed.
function(ghost_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${GHOST_UNITY})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} ghost::warnings)
  if(GHOST_PCH)
    # As the precompiled header was made: it is for libraries.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
    ghost_precompile(${name})
  endif()
endfunction()

include(GNUInstallDirs)
find_program(SCDOC scdoc REQUIRED)
# ghost_app(NAME SOURCES … DEPENDS …): a program in build/<preset>/bin, and its man page, which it writes itself, in share/man/man1 where it is
# installed.
function(ghost_app name)
  ghost_program(${name}_app ${ARGN})
  set_target_properties(${name}_app PROPERTIES OUTPUT_NAME ${name})
  install(TARGETS ${name}_app RUNTIME COMPONENT ${name})
  set(page ${CMAKE_BINARY_DIR}/man/${name}.1.gz)
  add_custom_command(OUTPUT ${page} DEPENDS ${name}_app VERBATIM COMMENT "Writing ${name}(1)"
    COMMAND sh -c "mkdir -p man && \"$1\" __man >man/$2.scd && ${SCDOC} <man/$2.scd >man/$2.1 && gzip -9nf man/$2.1" man $<TARGET_FILE:${name}_app> ${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
  add_custom_target(${name}_man ALL DEPENDS ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${name})
endfunction()

# ghost_fuzz(NAME DEPENDS ghost::x …): the fuzz target fuzz/NAME_fuzz.cc, its corpus in fuzz/corpus/NAME. With
# GHOST_FUZZERS=libfuzzer the program NAME_fuzz; with replay the program and test NAME_replay, which feeds it the corpus and
# damaged copies of it.
function(ghost_fuzz name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  if(GHOST_FUZZERS STREQUAL "libfuzzer")
    set(target ${name}_fuzz)
    add_executable(${target} ${name}_fuzz.cc)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  elseif(GHOST_FUZZERS STREQUAL "replay")
    set(target ${name}_replay)
    add_executable(${target} ${name}_fuzz.cc replay_main.cc)
    add_test(NAME ${target} COMMAND ${target} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
    set_tests_properties(${target} PROPERTIES TIMEOUT 300 LABELS fuzz)
  else()
    message(FATAL_ERROR "GHOST_FUZZERS=${GHOST_FUZZERS}: it must be empty, replay or libfuzzer")
  endif()
  target_link_libraries(${target} PRIVATE ${arg_DEPENDS} ghost::warnings)
endfunction()

# The standard headers are compiled once for all modules, and once more with GoogleTest for all tests.
set(ghost_precompiled <algorithm> <array> <chrono> <cstdint> <cstring> <filesystem> <functional> <map> <memory> <optional> <span>
  <string> <string_view> <utility> <vector>)
if(GHOST_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cc "")
  add_library(ghost_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
  target_precompile_headers(ghost_precompiled PRIVATE ${ghost_precompiled})
  target_link_libraries(ghost_precompiled PRIVATE ghost::warnings)  # -Wpedantic changes what is predefined
  if(GHOST_TESTS)
    add_library(ghost_test_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
    target_precompile_headers(ghost_test_precompiled PRIVATE ${ghost_precompiled} <gtest/gtest.h>)
    target_link_libraries(ghost_test_precompiled PRIVATE GTest::gtest ghost::warnings)
    # As the programs that use it are compiled: g++ takes no header that was made with other code options.
    set_target_properties(ghost_test_precompiled PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(ghost_test_precompiled PRIVATE -fPIE)
  endif()
endif()

# ghost_precompile(TARGET [ghost_test_precompiled])
function(ghost_precompile target)
  if(GHOST_PCH)
    set(from ${ARGN} ghost_precompiled)
    list(GET from 0 from)
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()
