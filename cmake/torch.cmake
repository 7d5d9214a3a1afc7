# libtorch, which only train/ names: the pinned build that `./run train-setup` installs, or -DENDORM_TORCH=FOLDER, the
# torch/ folder of any installation (it holds include/ and lib/).
set(ENDORM_TORCH "" CACHE PATH "The torch folder of an installation, instead of the one of ./run train-setup")
if(NOT ENDORM_TORCH)
  file(GLOB found "${ENDORM_DEPS_DIR}/torch/lib/python3*/site-packages/torch")
  if(NOT found)
    message(FATAL_ERROR "ENDORM_TRAIN=ON needs libtorch: call ./run train-setup, or give -DENDORM_TORCH=FOLDER")
  endif()
  set(ENDORM_TORCH "${found}")
endif()
if(NOT EXISTS "${ENDORM_TORCH}/include/torch/csrc/api/include/torch/torch.h")
  message(FATAL_ERROR "ENDORM_TORCH=${ENDORM_TORCH} holds no libtorch: it is the folder with include/ and lib/ in it")
endif()
message(STATUS "libtorch for training: ${ENDORM_TORCH}")

# endorm_runs_torch(program): finds it when it starts, in its build tree and where it is installed.
function(endorm_runs_torch program)
  set_target_properties(${program} PROPERTIES BUILD_RPATH "${ENDORM_TORCH}/lib" INSTALL_RPATH "${ENDORM_TORCH}/lib")
endfunction()

# endorm_uses_torch(target): links it; its headers are large, so they are compiled once a target. The libraries are named to
# the linker alone: torch's CMake package would ask for the CUDA toolkit where the build is one for GPUs, which needs none.
# They are kept though nothing names a symbol of libtorch itself, which brings the GPU's part.
function(endorm_uses_torch target)
  set(folder "${ENDORM_TORCH}/lib")
  if(APPLE)
    set(libraries "${folder}/libtorch.dylib" "${folder}/libtorch_cpu.dylib" "${folder}/libc10.dylib")
  else()
    string(JOIN "," libraries "-Wl,--push-state,--no-as-needed" "-L${folder}" "-ltorch" "-ltorch_cpu" "-lc10" "--pop-state")
  endif()
  target_link_libraries(${target} PRIVATE ${libraries})
  target_include_directories(${target} SYSTEM PRIVATE "${ENDORM_TORCH}/include"
                                                      "${ENDORM_TORCH}/include/torch/csrc/api/include")
  target_precompile_headers(${target} PRIVATE <torch/torch.h>)
endfunction()
