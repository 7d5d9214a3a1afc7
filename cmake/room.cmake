# A room of the house (docs/design.md) is one library target; its link line is the rule of what it may include.

# endorm_compile_rules(target): warnings and sanitizers for our own code.
function(endorm_compile_rules target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 sees overlaps and uninitialised members in std::string that are not there.
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-maybe-uninitialized)
  endif()
  if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A class that has a member of a type that only its file names is no fault in a file that others are joined to.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  if(ENDORM_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(ENDORM_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${ENDORM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${ENDORM_SANITIZE})
  endif()
endfunction()

# endorm_alone(source ...): each is a translation unit even where CMAKE_UNITY_BUILD joins the others of its target: names
# of its own are also those of another file, or it is compiled for another processor.
function(endorm_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# endorm_room(name SOURCES ... ROOMS ... LIBRARIES ...): ROOMS are the rooms it may include, LIBRARIES third parties.
function(endorm_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;ROOMS;LIBRARIES" ${ARGN})
  add_library(endorm_${name} STATIC ${ROOM_SOURCES})
  add_library(endorm::${name} ALIAS endorm_${name})
  set_target_properties(endorm_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(endorm_${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR};${PROJECT_BINARY_DIR}/generated>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/endorm>")
  target_compile_features(endorm_${name} PUBLIC cxx_std_20)
  foreach(room IN LISTS ROOM_ROOMS)
    target_link_libraries(endorm_${name} PUBLIC endorm_${room})
  endforeach()
  target_link_libraries(endorm_${name} PRIVATE ${ROOM_LIBRARIES})
  endorm_compile_rules(endorm_${name})
endfunction()

# endorm_embed(output header name path ...): output becomes a source file that holds the bytes of the files, each as the
# std::string_view that header, which is written, too, declares under its name: what is embedded needs no file beside the
# program.
function(endorm_embed output header)
  set(files ${ARGN})
  list(FILTER files INCLUDE REGEX "/")
  set(names ${ARGN})
  list(FILTER names EXCLUDE REGEX "/")
  list(JOIN names ", " names)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/${header} @ONLY
    CONTENT "#pragma once\n\n#include <string_view>\n\nnamespace endorm {\nextern const std::string_view ${names};\n}  // namespace endorm\n")
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DPARTS=${ARGN}" -DHEADER=${header} -DOUTPUT=${output} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    VERBATIM)
  endorm_alone(${output})
endfunction()

# endorm_compiles_quickly(target): for code that calls what is fast and is not it (tests, the command line): compiling it
# at the rooms' optimisation would be a third of the build's time. Debug builds have an -O of their own.
function(endorm_compiles_quickly target)
  target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O1>)
endfunction()

# endorm_test_rules(target): as of rooms, and doctest's names of files are relative, alike in every clone.
function(endorm_test_rules target)
  endorm_compile_rules(${target})
  endorm_compiles_quickly(${target})
  target_compile_options(${target} PRIVATE "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
endfunction()

# endorm_test(name SOURCES ... ROOMS ... LIBRARIES ... LABELS ...): one doctest executable, registered with ctest; the
# target endorm_tests builds them all. TORCH: it names torch, whose headers it precompiles; the others share doctest and JSON.
function(endorm_test name)
  cmake_parse_arguments(TEST "TORCH" "" "SOURCES;ROOMS;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES} $<TARGET_OBJECTS:endorm_test_main>)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  foreach(room IN LISTS TEST_ROOMS)
    target_link_libraries(${name} PRIVATE endorm_${room})
  endforeach()
  target_link_libraries(${name} PRIVATE ${TEST_LIBRARIES})
  endorm_test_rules(${name})
  if(TEST_TORCH)
    endorm_uses_torch(${name})
  elseif(NOT "llama" IN_LIST TEST_LIBRARIES)  # which brings -fopenmp, another flag than that of the shared headers
    target_precompile_headers(${name} REUSE_FROM endorm_test_main)
  endif()
  if("train" IN_LIST TEST_ROOMS)
    endorm_runs_torch(${name})
    list(APPEND TEST_LABELS train)
  endif()
  add_dependencies(endorm_tests ${name})
  add_test(NAME ${name} COMMAND ${name})
  # Threads of a model that wait for one another must not spin: tests share the machine with others.
  set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABELS}" ENVIRONMENT OMP_WAIT_POLICY=passive TIMEOUT 900
    SKIP_REGULAR_EXPRESSION "SKIPPED:")
endfunction()
