# ccache, where it is installed and no other launcher is asked for: what was compiled before, in whatever folder, is not
# compiled again. Its settings are part of the command, so that it needs none of a user's own. Paths below the source tree
# are relative in its keys; headers that are precompiled need the sloppiness. -DCMAKE_CXX_COMPILER_LAUNCHER= turns it off.
find_program(ENDORM_CCACHE ccache)
if(ENDORM_CCACHE AND NOT DEFINED CMAKE_C_COMPILER_LAUNCHER AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${ENDORM_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_CXX_COMPILER_LAUNCHER}")
endif()
