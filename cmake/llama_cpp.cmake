# llama.cpp at the pinned version: fetched once, built once, shared by every preset.
#
# Result: targets llama (libllama with ggml), endorm_llama_common (of common/: chat templates, downloads), endorm_mtmd
# (encoders of images and audio), endorm_json and endorm_httplib (the copies that llama.cpp vendors: one version for all).
#
# FETCHCONTENT_SOURCE_DIR_LLAMA_CPP   a checkout of your own, used instead of the download
# ENDORM_LLAMA_OPTIONS                more -D options for its build, e.g. "-DGGML_CUDA=ON"
# ENDORM_DEPS_DIR                     where sources and builds are kept (default: build/deps in the source tree)

set(ENDORM_LLAMA_VERSION "0.5.0")
set(ENDORM_LLAMA_PACKAGE "llama-cpp-python==0.3.36")
set(ENDORM_LLAMA_ARCHIVE "llama_cpp_python-0.3.36.tar.gz")
set(ENDORM_LLAMA_SHA256 "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e")

set(ENDORM_DEPS_DIR "${PROJECT_SOURCE_DIR}/build/deps" CACHE PATH "Sources and builds of dependencies")
set(ENDORM_LLAMA_OPTIONS "" CACHE STRING "Further options for the build of llama.cpp")
set(FETCHCONTENT_SOURCE_DIR_LLAMA_CPP "" CACHE PATH "A llama.cpp checkout to use instead of the pinned download")

# Sets `out` to the source tree of llama.cpp, downloading the pinned source distribution if needed.
function(endorm_llama_source out)
  if(FETCHCONTENT_SOURCE_DIR_LLAMA_CPP)
    if(NOT EXISTS "${FETCHCONTENT_SOURCE_DIR_LLAMA_CPP}/include/llama.h")
      message(FATAL_ERROR "FETCHCONTENT_SOURCE_DIR_LLAMA_CPP=${FETCHCONTENT_SOURCE_DIR_LLAMA_CPP} is no llama.cpp checkout: "
                          "include/llama.h is missing there")
    endif()
    set(${out} "${FETCHCONTENT_SOURCE_DIR_LLAMA_CPP}" PARENT_SCOPE)
    return()
  endif()
  set(unpacked "${ENDORM_DEPS_DIR}/llama.cpp-${ENDORM_LLAMA_VERSION}")
  set(${out} "${unpacked}" PARENT_SCOPE)
  if(EXISTS "${unpacked}/include/llama.h")
    return()
  endif()
  set(archive "${ENDORM_DEPS_DIR}/download/${ENDORM_LLAMA_ARCHIVE}")
  if(NOT EXISTS "${archive}")
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    message(STATUS "Fetching llama.cpp ${ENDORM_LLAMA_VERSION} (77 MB, inside the source package ${ENDORM_LLAMA_PACKAGE})")
    execute_process(
      COMMAND "${Python3_EXECUTABLE}" -m pip download --quiet --disable-pip-version-check --no-deps
              --no-binary llama-cpp-python --dest "${ENDORM_DEPS_DIR}/download" "${ENDORM_LLAMA_PACKAGE}"
      RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR "llama.cpp could not be fetched with pip. Check the network, or clone llama.cpp v${ENDORM_LLAMA_VERSION} "
                          "yourself and configure with -DFETCHCONTENT_SOURCE_DIR_LLAMA_CPP=/path/to/llama.cpp")
    endif()
  endif()
  file(SHA256 "${archive}" found)
  if(NOT found STREQUAL ENDORM_LLAMA_SHA256)
    message(FATAL_ERROR "${archive} has sha256 ${found}, expected ${ENDORM_LLAMA_SHA256}. Delete it and configure again.")
  endif()
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${ENDORM_DEPS_DIR}/unpack" PATTERNS "*/vendor/llama.cpp/*")
  file(GLOB root "${ENDORM_DEPS_DIR}/unpack/*/vendor/llama.cpp")
  file(RENAME "${root}" "${unpacked}")
  file(REMOVE_RECURSE "${ENDORM_DEPS_DIR}/unpack")
endfunction()

# Builds `source` into `prefix` unless a finished build of the same options lies there.
function(endorm_build_llama source prefix)
  if(EXISTS "${prefix}/finished")
    return()
  endif()
  file(MAKE_DIRECTORY "${prefix}")
  message(STATUS "Building llama.cpp in ${prefix} (once; about 5 minutes on 2 cores)")
  separate_arguments(extra NATIVE_COMMAND "${ENDORM_LLAMA_OPTIONS}")
  # "-march=native" is another flag on another processor: a compiler cache is told which.
  file(WRITE "${prefix}/processor" "${processor}")
  set(ENV{CCACHE_EXTRAFILES} "${prefix}/processor")
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${prefix}/build" -G Ninja -DCMAKE_BUILD_TYPE=Release
            -DCMAKE_INSTALL_PREFIX=${prefix} -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF
            -DCMAKE_C_COMPILER=${ENDORM_LLAMA_C_COMPILER} -DCMAKE_CXX_COMPILER=${ENDORM_LLAMA_CXX_COMPILER}
            "-DCMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}"
            -DGGML_CCACHE=OFF -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
            -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF
            ${extra}
    OUTPUT_FILE "${prefix}/configure.log" ERROR_FILE "${prefix}/configure.log" RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "llama.cpp did not configure: see ${prefix}/configure.log")
  endif()
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${prefix}/build" --target install --parallel RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "llama.cpp did not build. The error stands above; the build tree is ${prefix}/build")
  endif()
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/llama_common" -B "${prefix}/build/common-parts" -G Ninja
            -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_PREFIX=${prefix}
            -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_CXX_COMPILER=${ENDORM_LLAMA_CXX_COMPILER}
            -DCMAKE_C_COMPILER=${ENDORM_LLAMA_C_COMPILER} -DLLAMA_SOURCE=${source}
            "-DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}" -DCMAKE_CXX_FLAGS_RELEASE=-O1
            -DLLAMA_PREFIX=${prefix} -DLLAMA_VERSION=${ENDORM_LLAMA_VERSION}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${prefix}/build/common-parts" --target install --parallel
                  COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE_RECURSE "${prefix}/build")
  file(TOUCH "${prefix}/finished")
endfunction()

endorm_llama_source(ENDORM_LLAMA_SOURCE)

find_package(OpenSSL REQUIRED)
add_library(endorm_json INTERFACE)
target_include_directories(endorm_json SYSTEM INTERFACE "$<BUILD_INTERFACE:${ENDORM_LLAMA_SOURCE}/vendor>")
if(ENDORM_BUILD_FUZZ)
  return()  # fuzz targets are made of single files of ours; none of them runs a model
endif()

# ggml is tuned for the processor it is built on: another processor, compiler or option means another build.
set(ENDORM_LLAMA_C_COMPILER "${CMAKE_C_COMPILER}")
set(ENDORM_LLAMA_CXX_COMPILER "${CMAKE_CXX_COMPILER}")
set(processor "")
if(EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo processor REGEX "^(flags|Features)" LIMIT_COUNT 1)
endif()
string(SHA256 key "${processor}|${ENDORM_LLAMA_SOURCE}|${ENDORM_LLAMA_OPTIONS}|parts of common, mtmd")
string(SUBSTRING "${key}" 0 12 key)
set(ENDORM_LLAMA_PREFIX "${ENDORM_DEPS_DIR}/llama.cpp-build-${key}")
endorm_build_llama("${ENDORM_LLAMA_SOURCE}" "${ENDORM_LLAMA_PREFIX}")

find_package(llama CONFIG REQUIRED PATHS "${ENDORM_LLAMA_PREFIX}" NO_DEFAULT_PATH)
find_package(Threads REQUIRED)

# endorm_llama_archives(target archive...): links archives of the build of llama.cpp, here and where we are installed.
function(endorm_llama_archives target)
  foreach(archive IN LISTS ARGN)
    target_link_libraries(${target} INTERFACE
      "$<BUILD_INTERFACE:${ENDORM_LLAMA_PREFIX}/lib/${archive}>"
      "$<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_LIBDIR}/endorm-llama/lib/${archive}>")
  endforeach()
endfunction()

add_library(endorm_httplib INTERFACE)
target_include_directories(endorm_httplib SYSTEM INTERFACE "$<BUILD_INTERFACE:${ENDORM_LLAMA_SOURCE}/vendor>")
target_compile_definitions(endorm_httplib INTERFACE CPPHTTPLIB_OPENSSL_SUPPORT)
endorm_llama_archives(endorm_httplib libcpp-httplib.a)
target_link_libraries(endorm_httplib INTERFACE OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

add_library(endorm_llama_common INTERFACE)
target_include_directories(endorm_llama_common SYSTEM INTERFACE "$<BUILD_INTERFACE:${ENDORM_LLAMA_SOURCE}/common>")
endorm_llama_archives(endorm_llama_common libllama-common.a)
target_link_libraries(endorm_llama_common INTERFACE endorm_json endorm_httplib llama)

add_library(endorm_mtmd INTERFACE)
target_include_directories(endorm_mtmd SYSTEM INTERFACE "$<BUILD_INTERFACE:${ENDORM_LLAMA_SOURCE}/tools/mtmd>" "$<BUILD_INTERFACE:${ENDORM_LLAMA_SOURCE}/vendor>")
endorm_llama_archives(endorm_mtmd libmtmd.a)
target_link_libraries(endorm_mtmd INTERFACE llama Threads::Threads)
set_target_properties(endorm_llama_common PROPERTIES EXPORT_NAME llama_common)
set_target_properties(endorm_httplib PROPERTIES EXPORT_NAME httplib)
set_target_properties(endorm_json PROPERTIES EXPORT_NAME json)
set_target_properties(endorm_mtmd PROPERTIES EXPORT_NAME mtmd)
