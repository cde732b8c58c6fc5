# ghost_proto(NAME FILES b2/v1/core.proto … [DEPENDS ghost::other_proto …] [ROOT directory] [NO_PREFIX])
#
# A library `ghost::NAME` of the structs, codecs and stubs that protoc-gen-b2 makes of .proto files. Files are named as they
# import each other, from ROOT, which is proto/ unless told. #include "b2/v1/core.b2.h" gives what is in b2/v1/core.proto, in
# namespace ghost::b2::v1; with NO_PREFIX, for programs that are not ours, in that of the package alone.
function(ghost_proto name)
  cmake_parse_arguments(arg "NO_PREFIX" "ROOT" "FILES;DEPENDS" ${ARGN})
  if(NOT arg_ROOT)
    set(arg_ROOT ${PROJECT_SOURCE_DIR}/proto)
  endif()
  set(prefix ghost)
  if(arg_NO_PREFIX)
    set(prefix "")
  endif()
  set(out ${CMAKE_BINARY_DIR}/generated)
  set(sources "")
  foreach(file ${arg_FILES})
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    # A file is made again whenever any of its library changes: they import each other.
    list(TRANSFORM arg_FILES PREPEND ${arg_ROOT}/ OUTPUT_VARIABLE inputs)
    add_custom_command(
      OUTPUT ${out}/${stem}.b2.h ${out}/${stem}.b2.cc
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND ${Protobuf_PROTOC_EXECUTABLE} --plugin=protoc-gen-b2=$<TARGET_FILE:protoc_gen_b2> --b2_out=${out}
              --b2_opt=namespace_prefix=${prefix} -I ${arg_ROOT} -I ${PROJECT_SOURCE_DIR}/proto ${arg_ROOT}/${file}
      DEPENDS protoc_gen_b2 ${inputs} ${PROJECT_SOURCE_DIR}/proto/b2/options.proto
      COMMENT "protoc-gen-b2 ${file}" VERBATIM)
    list(APPEND sources ${out}/${stem}.b2.h ${out}/${stem}.b2.cc)
  endforeach()
  add_library(ghost_${name} STATIC ${sources})
  add_library(ghost::${name} ALIAS ghost_${name})
  target_include_directories(ghost_${name} PUBLIC ${out})
  target_link_libraries(ghost_${name} PUBLIC ghost::b2_service ${arg_DEPENDS} PRIVATE ghost::warnings)
  set_target_properties(ghost_${name} PROPERTIES UNITY_BUILD ${GHOST_UNITY})
  ghost_precompile(ghost_${name})
endfunction()

# The console's TypeScript is committed, so that building it needs no C++: target generated_ts writes it, the test
# generated_ts_is_current tells when that was forgotten.
function(ghost_generated_ts)
  set(script ${CMAKE_COMMAND} -DPROTOC=${Protobuf_PROTOC_EXECUTABLE} -DPLUGIN=$<TARGET_FILE:protoc_gen_b2> -DSOURCE=${PROJECT_SOURCE_DIR}
      -DOUT=${CMAKE_BINARY_DIR}/generated_ts)
  add_custom_target(generated_ts COMMAND ${script} -DMODE=update -P ${PROJECT_SOURCE_DIR}/cmake/generated_ts.cmake DEPENDS protoc_gen_b2 VERBATIM)
  if(GHOST_TESTS)
    add_test(NAME generated_ts_is_current COMMAND ${script} -DMODE=check -P ${PROJECT_SOURCE_DIR}/cmake/generated_ts.cmake)
  endif()
endfunction()
