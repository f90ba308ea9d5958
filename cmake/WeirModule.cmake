# Flags of every weir target. Hardening follows the OpenSSF list as far as g++ 12 knows it.
add_library(weir_flags INTERFACE)
target_compile_options(weir_flags INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers -Wno-mismatched-new-delete -Wformat=2 -Wimplicit-fallthrough -fstack-protector-strong -fstack-clash-protection
  -fno-delete-null-pointer-checks -fno-strict-overflow -ftrivial-auto-var-init=zero -fcf-protection=full)
target_compile_definitions(weir_flags INTERFACE _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED)
target_link_options(weir_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(WEIR_WERROR)
  target_compile_options(weir_flags INTERFACE -Werror)
endif()
if(WEIR_SANITIZE)
  if(WEIR_SANITIZE MATCHES thread)
    target_compile_options(weir_flags INTERFACE -Wno-tsan)  # Asio's fences; its atomics are understood
  endif()
  target_compile_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(WEIR_SANITIZE MATCHES undefined)  # AddressSanitizer finds these too, and they are a tenth of the compile time
    target_compile_options(weir_flags INTERFACE -fno-sanitize=null,object-size)
  endif()
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Release|RelWithDebInfo")
  target_compile_options(weir_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(WEIR_UNITY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
  target_compile_options(weir_flags INTERFACE -Wno-subobject-linkage)  # a file that is included is no header here
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # The garbage collector of g++ 12 loses what coroutines need and crashes. Without it 8 files take up to 1.5 GiB.
    target_compile_options(weir_flags INTERFACE --param=ggc-min-heapsize=4000000)
  endif()
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()

# weir_precompiled(<name> [HEADER ...]): what most sources include, parsed once. Targets whose flags are the same as
# those of the target <name> share it by weir_precompile(<target> <name>).
set(WEIR_COMMON_HEADERS
  <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstdio> <deque> <functional> <limits> <map> <memory> <mutex>
  <optional> <set> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>
  <boost/asio/any_completion_handler.hpp> <boost/asio/async_result.hpp> <boost/asio/awaitable.hpp> <boost/asio/co_spawn.hpp>
  <boost/asio/detached.hpp> <boost/asio/dispatch.hpp> <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/post.hpp>
  <boost/asio/steady_timer.hpp> <boost/asio/use_awaitable.hpp> <boost/asio/use_future.hpp>
  <boost/system/result.hpp>)
function(weir_precompiled name)
  if(WEIR_PRECOMPILE)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp "")
    add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
    target_compile_features(${name} PUBLIC cxx_std_20)
    target_link_libraries(${name} PRIVATE weir_flags Boost::headers)
    target_precompile_headers(${name} PRIVATE ${WEIR_COMMON_HEADERS} ${ARGN})
  endif()
endfunction()
function(weir_precompile target name)
  if(WEIR_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${name})
    # g++ 12 forgets that what it precompiled are system headers, and warns wrongly of the strings in them.
    target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endfunction()
weir_precompiled(weir_module_headers)
if(WEIR_PRECOMPILE)
  set_target_properties(weir_module_headers PROPERTIES CXX_VISIBILITY_PRESET hidden)
endif()

# weir_module(<name> SOURCES ... HEADERS ... DEPENDS ... [PRIVATE_DEPENDS ...]):
# the library weir::<name> from folder <name>/.
function(weir_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(weir_${name} ${arg_SOURCES})
  add_library(weir::${name} ALIAS weir_${name})
  set_target_properties(weir_${name} PROPERTIES EXPORT_NAME ${name} OUTPUT_NAME weir_${name})
  # Hidden but for what a public header declares (WEIR_API). Only WEIR_UNITY joins files of weir into one: it knows
  # what g++ needs for that.
  set_target_properties(weir_${name} PROPERTIES
    CXX_VISIBILITY_PRESET hidden DEFINE_SYMBOL "" UNITY_BUILD ${WEIR_UNITY}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    INSTALL_RPATH "$ORIGIN")
  target_compile_features(weir_${name} PUBLIC cxx_std_20)
  target_link_libraries(weir_${name}
    PUBLIC ${arg_DEPENDS}
    PRIVATE $<BUILD_INTERFACE:weir_flags> ${arg_PRIVATE_DEPENDS})
  target_include_directories(weir_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  weir_precompile(weir_${name} weir_module_headers)
  target_sources(weir_${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})
  install(TARGETS weir_${name} EXPORT weir-${name} FILE_SET HEADERS)
  set_property(GLOBAL APPEND PROPERTY WEIR_PARTS ${name})
endfunction()
