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
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Release|RelWithDebInfo")
  target_compile_options(weir_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()

# weir_module(<name> SOURCES ... HEADERS ... DEPENDS ... [PRIVATE_DEPENDS ...]):
# the library weir::<name> from folder <name>/.
function(weir_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(weir_${name} ${arg_SOURCES})
  add_library(weir::${name} ALIAS weir_${name})
  set_target_properties(weir_${name} PROPERTIES EXPORT_NAME ${name} OUTPUT_NAME weir_${name})
  # Hidden but for what a public header declares (WEIR_API). Helpers of two files may have the same name, so a
  # project that joins files into one leaves out these.
  set_target_properties(weir_${name} PROPERTIES
    CXX_VISIBILITY_PRESET hidden DEFINE_SYMBOL "" UNITY_BUILD OFF
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    INSTALL_RPATH "$ORIGIN")
  target_compile_features(weir_${name} PUBLIC cxx_std_20)
  target_link_libraries(weir_${name}
    PUBLIC ${arg_DEPENDS}
    PRIVATE $<BUILD_INTERFACE:weir_flags> ${arg_PRIVATE_DEPENDS})
  target_include_directories(weir_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_sources(weir_${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})
  install(TARGETS weir_${name} EXPORT weir-${name} FILE_SET HEADERS)
  set_property(GLOBAL APPEND PROPERTY WEIR_PARTS ${name})
endfunction()
