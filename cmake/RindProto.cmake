# rind_protos(<room>): makes rind_<room>_proto of the messages in the room's folder proto/. Every <name>.proto there
# becomes <name>.pb-c.h, included as "proto/<name>.pb-c.h".
function(rind_protos room)
  find_program(PROTOC_C protoc-c REQUIRED)
  rind_package(libprotobuf-c)
  file(GLOB protos CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/proto/*.proto")
  set(generated_root "${CMAKE_BINARY_DIR}/generated/${room}")
  file(MAKE_DIRECTORY "${generated_root}/proto")
  set(generated)
  foreach(proto IN LISTS protos)
    get_filename_component(name "${proto}" NAME_WE)
    set(outputs "${generated_root}/proto/${name}.pb-c.c" "${generated_root}/proto/${name}.pb-c.h")
    add_custom_command(OUTPUT ${outputs}
      COMMAND "${PROTOC_C}" "--proto_path=${CMAKE_CURRENT_SOURCE_DIR}" "--c_out=${generated_root}" "${proto}"
      DEPENDS ${protos} VERBATIM)
    list(APPEND generated ${outputs})
  endforeach()
  add_library("rind_${room}_proto" STATIC ${generated})
  target_include_directories("rind_${room}_proto" SYSTEM PUBLIC "${generated_root}")
  target_link_libraries("rind_${room}_proto" PUBLIC PkgConfig::PKG_libprotobuf_c PRIVATE rind_options)
  target_compile_options("rind_${room}_proto" PRIVATE -w) # generated code is not ours to format or to fix
endfunction()
