# Node-API headers as the target NodeApi: from cmake-js where it runs CMake, else asked of the installed packages.

if(CMAKE_JS_INC)
  set(node_api_include_dirs ${CMAKE_JS_INC})
else()
  set(node_api_include_dirs "")
endif()

foreach(expression IN ITEMS "require('node-addon-api').include_dir" "require('node-api-headers').include_dir")
  execute_process(
    COMMAND node -p "require('node:path').resolve(${expression})"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    OUTPUT_VARIABLE include_dir
    OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE exit_code)
  if(NOT exit_code EQUAL 0)
    message(FATAL_ERROR "The packages node-addon-api and node-api-headers are missing. Run: npm ci")
  endif()
  list(APPEND node_api_include_dirs "${include_dir}")
endforeach()
list(REMOVE_DUPLICATES node_api_include_dirs)

add_library(NodeApi INTERFACE)
target_include_directories(NodeApi SYSTEM INTERFACE ${node_api_include_dirs})
target_compile_definitions(NodeApi INTERFACE NAPI_VERSION=9 NODE_ADDON_API_CPP_EXCEPTIONS)
target_link_libraries(NodeApi INTERFACE ${CMAKE_JS_LIB})
if(APPLE)
  target_link_options(NodeApi INTERFACE -undefined dynamic_lookup)
endif()

# A module that Node can require: <build folder>/<folder>/<name>.node, without this machine's library paths.
function(selfgrad_node_module target folder)
  set_target_properties(${target} PROPERTIES
    PREFIX "" SUFFIX ".node" SKIP_BUILD_RPATH ON LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${folder}")
  target_link_libraries(${target} PRIVATE NodeApi)
  if(MSVC AND CMAKE_JS_SRC)
    target_sources(${target} PRIVATE ${CMAKE_JS_SRC})
  endif()
endfunction()
