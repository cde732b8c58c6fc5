# cmake -DMODE=check|update -DPROTOC=… -DPLUGIN=… -DSOURCE=… -DOUT=… -P generated_ts.cmake
#
# Makes the TypeScript of every .proto file; `update` writes it to web/src/gen, `check` compares it with what is there.
file(GLOB_RECURSE ours RELATIVE ${SOURCE}/proto ${SOURCE}/proto/*.proto)
list(FILTER ours EXCLUDE REGEX "options\\.proto$")
file(GLOB_RECURSE tests RELATIVE ${SOURCE}/src/b2/testdata ${SOURCE}/src/b2/testdata/b2/*.proto)
set(committed ${SOURCE}/web/src/gen)
if(MODE STREQUAL "update")
  set(OUT ${committed})
endif()
file(REMOVE_RECURSE ${OUT})
file(MAKE_DIRECTORY ${OUT})
execute_process(
  COMMAND ${PROTOC} --plugin=protoc-gen-b2=${PLUGIN} --b2_out=${OUT} --b2_opt=lang=ts -I ${SOURCE}/proto -I ${SOURCE}/src/b2/testdata ${ours} ${tests}
  COMMAND_ERROR_IS_FATAL ANY)
if(MODE STREQUAL "update")
  return()
endif()

file(GLOB_RECURSE made RELATIVE ${OUT} ${OUT}/*.ts)
file(GLOB_RECURSE there RELATIVE ${committed} ${committed}/*.ts)
if(NOT made STREQUAL there)
  message(FATAL_ERROR "web/src/gen has ${there}, the .proto files make ${made}: build the target generated_ts and commit")
endif()
foreach(file ${made})
  file(READ ${OUT}/${file} a)
  file(READ ${committed}/${file} b)
  if(NOT a STREQUAL b)
    message(FATAL_ERROR "web/src/gen/${file} is not what its .proto file makes: build the target generated_ts and commit")
  endif()
endforeach()
