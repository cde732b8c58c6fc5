# What programs of others stand on (docs/guide/embed-b2.md), installed by
#
#   cmake --install build/release --prefix DIR --component b2-dev
#
# libghostlight-b2 (calls, streams, topics, sockets, TLS), libghostlight-b2-node (a daemon's HTTP side, JSON, key and house), their
# headers, the protoc plugin, and the package GhostlightB2 for find_package().
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# All libraries that `root` stands on: our own ones, and those of others.
function(ghost_closure root ours_out others_out)
  set(todo ${root})
  set(ours "")
  set(others "")
  while(todo)
    list(POP_FRONT todo name)
    if(name MATCHES "^\\$<LINK_ONLY:(.+)>$")
      set(name ${CMAKE_MATCH_1})
    endif()
    if(TARGET ${name})
      get_target_property(alias ${name} ALIASED_TARGET)
      if(alias)
        set(name ${alias})
      endif()
    endif()
    if(name IN_LIST ours OR name IN_LIST others OR name MATCHES "^ghost_(warnings|precompiled)$|^::@|^\\$<")
      continue()
    elseif(name MATCHES "^ghost_")
      list(APPEND ours ${name})
      get_target_property(links ${name} LINK_LIBRARIES)
      if(links)
        list(APPEND todo ${links})
      endif()
    else()
      list(APPEND others ${name})
    endif()
  endwhile()
  set(${ours_out} ${ours} PARENT_SCOPE)
  set(${others_out} ${others} PARENT_SCOPE)
endfunction()

# How an installed library names those of others: by their packages' targets, or as -lNAME. What is headers only, and in no header of
# ours, is left out.
function(ghost_link_names out)
  set(names "")
  foreach(library ${ARGN})
    set(files ${library})
    if(library MATCHES "^PkgConfig::")
      get_target_property(files ${library} INTERFACE_LINK_LIBRARIES)
    endif()
    foreach(file ${files})
      if(file MATCHES "/lib([^/]+)\\.(so|a)$")
        list(APPEND names ${CMAKE_MATCH_1})
      elseif(NOT file MATCHES "^(CLI11|nlohmann_json|tomlplusplus)::")
        list(APPEND names ${file})
      endif()
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES names)
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# ghost_archive(NAME ghost_a ghost_b …): one static library of all their objects.
function(ghost_archive name)
  list(TRANSFORM ARGN REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
  string(REPLACE - _ target ${name})
  add_library(${target} STATIC ${objects})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} LINKER_LANGUAGE CXX)
  install(TARGETS ${target} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT b2-dev)
endfunction()

ghost_closure(ghost_b2_net b2_ours b2_others)
ghost_closure(ghost_b2_node node_ours node_others)
list(REMOVE_ITEM node_ours ${b2_ours})
ghost_archive(ghostlight-b2 ${b2_ours})
ghost_archive(ghostlight-b2-node ${node_ours})
ghost_link_names(GHOSTLIGHT_B2_LINKS ${b2_others})
ghost_link_names(GHOSTLIGHT_B2_NODE_LINKS ${node_others})
add_custom_target(b2_dev DEPENDS ghostlight_b2 ghostlight_b2_node protoc_gen_b2 b2_app)

set(embed_headers ${CMAKE_INSTALL_INCLUDEDIR}/ghostlight)
install(DIRECTORY src/base src/net src/b2 DESTINATION ${embed_headers} COMPONENT b2-dev FILES_MATCHING PATTERN "*.h"
  PATTERN codegen EXCLUDE PATTERN testdata EXCLUDE PATTERN "*test*.h" EXCLUDE PATTERN "channel_pair.h" EXCLUDE PATTERN "sim*.h" EXCLUDE)
install(DIRECTORY ${CMAKE_BINARY_DIR}/generated/b2/v1 DESTINATION ${embed_headers}/b2 COMPONENT b2-dev FILES_MATCHING PATTERN "*.h")
install(DIRECTORY proto/b2 DESTINATION ${CMAKE_INSTALL_DATADIR}/ghostlight/proto COMPONENT b2-dev FILES_MATCHING PATTERN "*.proto")
install(TARGETS protoc_gen_b2 b2_app RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT b2-dev)

set(embed_package ${CMAKE_INSTALL_LIBDIR}/cmake/GhostlightB2)
configure_package_config_file(cmake/GhostlightB2Config.cmake.in ${CMAKE_BINARY_DIR}/GhostlightB2Config.cmake INSTALL_DESTINATION ${embed_package}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR CMAKE_INSTALL_DATADIR embed_headers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/GhostlightB2ConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/GhostlightB2Config.cmake ${CMAKE_BINARY_DIR}/GhostlightB2ConfigVersion.cmake DESTINATION ${embed_package}
  COMPONENT b2-dev)
