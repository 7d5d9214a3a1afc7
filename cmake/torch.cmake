# libtorch, which only train/ names: the pinned build that `./run train-setup` installs, or -DENDORM_TORCH=FOLDER, the
# torch/ folder of any installation (it holds share/cmake/Torch).
set(ENDORM_TORCH "" CACHE PATH "The torch folder of an installation, instead of the one of ./run train-setup")
if(NOT ENDORM_TORCH)
  file(GLOB found "${ENDORM_DEPS_DIR}/torch/lib/python3*/site-packages/torch")
  if(NOT found)
    message(FATAL_ERROR "ENDORM_TRAIN=ON needs libtorch: call ./run train-setup, or give -DENDORM_TORCH=FOLDER")
  endif()
  set(ENDORM_TORCH "${found}")
endif()
find_package(Torch REQUIRED CONFIG PATHS "${ENDORM_TORCH}/share/cmake/Torch" NO_DEFAULT_PATH)
find_package(tomlplusplus REQUIRED)

# endorm_uses_torch(target): links it; its headers are large, so they are compiled once a target.
function(endorm_uses_torch target)
  target_link_libraries(${target} PRIVATE ${TORCH_LIBRARIES})
  target_include_directories(${target} SYSTEM PRIVATE ${TORCH_INCLUDE_DIRS})
  target_precompile_headers(${target} PRIVATE <torch/torch.h>)
endfunction()
