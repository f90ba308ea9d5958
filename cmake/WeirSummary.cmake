message(STATUS "weir ${PROJECT_VERSION}: build type ${CMAKE_BUILD_TYPE}, sanitizers '${WEIR_SANITIZE}'")
message(STATUS "  sqlite source: ${WEIR_HAS_SQLITE}, postgres source: ${WEIR_HAS_POSTGRES}")
message(STATUS "  tests ${WEIR_BUILD_TESTS}, examples ${WEIR_BUILD_EXAMPLES}, benchmarks ${WEIR_BUILD_BENCHMARKS}")
